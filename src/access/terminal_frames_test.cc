#include "access/terminal_frames.h"

#include <gmock/gmock.h>

namespace yellow::access {
namespace {

using std::string_literals::operator""s;

std::vector<Frame> FramesIn(const std::string& stream, size_t piece) {
  FrameReader reader;
  std::vector<Frame> frames;
  for (size_t at = 0; at < stream.size(); at += piece) {
    reader.Feed(std::string_view(stream).substr(at, piece));
    while (auto frame = reader.Next()) frames.push_back(*frame);
  }
  EXPECT_FALSE(reader.broken());
  EXPECT_EQ(reader.waiting(), 0u);
  return frames;
}

TEST(TerminalFrames, AreTheSameInWhateverPiecesTheyCome) {
  const std::vector<Frame> frames{{FrameType::kInput, "ls\r"},
                                  {FrameType::kOutput, ""},
                                  {FrameType::kOutput, std::string(kLargestPayload, '\0')},
                                  {FrameType::kMessage, "\xFF"},
                                  {FrameType::kResize, "80 24"},
                                  {FrameType::kEnd, "ended 0 "}};
  std::string stream;
  for (const Frame& frame : frames) stream += BytesOf(frame.type, frame.payload);
  EXPECT_EQ(stream.substr(0, 8), "i\0\0\0\3ls\r"s);
  for (const size_t piece : {size_t{1}, size_t{4}, size_t{1000}, stream.size()})
    EXPECT_EQ(FramesIn(stream, piece), frames);
}

TEST(TerminalFrames, WhatIsNoneBreaksTheStream) {
  for (const std::string& bytes : {"x\0\0\0\0"s, "i\0\1\0\1"s, "i\xFF\xFF\xFF\xFF"s, "\0\0\0\0\0"s}) {
    FrameReader reader;
    reader.Feed(BytesOf(FrameType::kInput, "a") + bytes);
    EXPECT_TRUE(reader.Next());
    EXPECT_FALSE(reader.Next());
    EXPECT_TRUE(reader.broken());
    reader.Feed(BytesOf(FrameType::kInput, "a"));
    EXPECT_FALSE(reader.Next());
  }
}

TEST(TerminalFrames, SizesAreBounded) {
  EXPECT_EQ(SizeOf(PayloadOf(TerminalSize{132, 43})), (TerminalSize{132, 43}));
  for (const char* text :
       {"", "80", "80 ", "0 24", "80 0", "80 -1", "80x24", "80 24 1", "10000 24", " 80 24", "99999999999 1"})
    EXPECT_FALSE(SizeOf(text)) << text;
}

TEST(TerminalFrames, AnEndSaysWhyAndWithWhat) {
  for (const SessionEnd& end : {SessionEnd{ports::RecordingEnd::kEnded, 130, ""},
                                SessionEnd{ports::RecordingEnd::kCannotRecord, 137, "no space left"}})
    EXPECT_EQ(EndOf(PayloadOf(end)), end);
  EXPECT_EQ(PayloadOf(SessionEnd{ports::RecordingEnd::kExpired, 137, ""}), "expired 137 ");
  for (const char* text : {"", "ended", "ended ", "over 0 ", "ended 256 ", "ended x "})
    EXPECT_FALSE(EndOf(text)) << text;
}

}  // namespace
}  // namespace yellow::access
