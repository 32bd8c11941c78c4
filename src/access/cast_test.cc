#include "access/cast.h"

#include <gmock/gmock.h>

#include "access/base64.h"

namespace yellow::access {
namespace {

using std::string_literals::operator""s;

/// The events of the lines, read again.
std::vector<CastEvent> ReadAgain(const std::string& lines) {
  CastReader reader;
  EXPECT_TRUE(reader.Take(R"({"version": 2, "width": 80, "height": 24})"));
  std::vector<CastEvent> events;
  for (size_t at = 0, end = 0; (end = lines.find('\n', at)) != std::string::npos; at = end + 1) {
    const auto event = reader.Take(std::string_view(lines).substr(at, end - at));
    EXPECT_TRUE(event) << event.error();
    if (event && *event) events.push_back(**event);
  }
  return events;
}

std::string WhyNot(const std::vector<std::string>& lines) {
  CastReader reader;
  for (const std::string& line : lines) {
    if (const auto taken = reader.Take(line); !taken) return taken.error();
  }
  return "";
}

TEST(Cast, AHeaderIsReadAsItWasWritten) {
  const CastHeader header{132, 43, 1771234567, "dt_write:Mask \"x\" \xC3\xA9", {{"TERM", "xterm"}}};
  const std::string line = CastLine(header);
  EXPECT_EQ(line,
            "{\"version\": 2, \"width\": 132, \"height\": 43, \"timestamp\": 1771234567, \"title\": \"dt_write:Mask "
            "\\\"x\\\" \xC3\xA9\", \"env\": {\"TERM\": \"xterm\"}}\n");
  CastReader reader;
  const auto taken = reader.Take(line.substr(0, line.size() - 1));
  ASSERT_TRUE(taken && !*taken);
  EXPECT_EQ(reader.header(), header);
}

TEST(Cast, EventsAreLinesOfAsciicast) {
  EXPECT_EQ(CastLines({1500000, CastOutput{"a\r\n\x1b[1m\xC3\xA9"}}),
            "[1.500000, \"o\", \"a\\u000d\\u000a\\u001b[1m\xC3\xA9\"]\n");
  EXPECT_EQ(CastLines({7, CastInput{"q"}}), "[0.000007, \"i\", \"q\"]\n");
  EXPECT_EQ(CastLines({61000000, CastResize{100, 40}}), "[61.000000, \"r\", \"100x40\"]\n");
  EXPECT_EQ(CastLines({0, CastLeftOut{9}}), "[0.000000, \"n\", \"9\"]\n");
  EXPECT_EQ(CastLines({0, CastOutput{"a\xFFz"}}),
            "[0.000000, \"b\", \"Yf96\"]\n[0.000000, \"o\", \"a\xEF\xBF\xBDz\"]\n");
}

TEST(Cast, NoLineHoldsWhatATerminalObeys) {
  for (int byte = 0; byte < 256; ++byte) {
    for (const std::string& bytes :
         {std::string(1, static_cast<char>(byte)), "\xC2" + std::string(1, static_cast<char>(byte))}) {
      const std::string lines = CastLines({0, CastOutput{bytes}});
      for (size_t i = 0; i < lines.size(); ++i) {
        const auto c = static_cast<unsigned char>(lines[i]);
        EXPECT_TRUE(c == '\n' || (c >= 0x20 && c != 0x7F)) << byte;
        EXPECT_FALSE(c == 0xC2 && static_cast<unsigned char>(lines[i + 1]) < 0xA0) << byte;
      }
    }
  }
}

TEST(Cast, EveryByteIsReadAgain) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::vector<CastEvent> events{{0, CastOutput{all}},      {1, CastInput{"\xC3"}},
                                      {2, CastOutput{"\0a"s}},   {1234567, CastResize{1, 999}},
                                      {1234567, CastLeftOut{0}}, {999999999999, CastInput{"x"}}};
  std::string lines;
  for (const CastEvent& event : events) lines += CastLines(event);
  EXPECT_EQ(ReadAgain(lines), events);
}

TEST(Cast, WhatOtherProgramsWroteIsPassedOver) {
  EXPECT_THAT(ReadAgain("[1, \"m\", \"here\"]\n[1.5, \"o\", \"a\"]\n[2, \"x\", \"0\"]\n"),
              ::testing::ElementsAre(CastEvent{1500000, CastOutput{"a"}}));
}

TEST(Cast, WhatIsNoRecordingIsRefused) {
  const std::string head = R"({"version": 2, "width": 80, "height": 24})";
  EXPECT_EQ(WhyNot({head}), "");
  EXPECT_EQ(WhyNot({""}), "is no JSON");
  EXPECT_EQ(WhyNot({"[]"}), "is no asciicast 2");
  EXPECT_EQ(WhyNot({R"({"version": 3, "width": 80, "height": 24})"}), "is no asciicast 2");
  EXPECT_EQ(WhyNot({R"({"version": 2, "width": -1, "height": 24})"}), "has no size of a terminal");
  EXPECT_EQ(WhyNot({head, R"([1, "o"])"}), "is no event");
  EXPECT_EQ(WhyNot({head, R"([-1, "o", ""])"}), "has no time");
  EXPECT_EQ(WhyNot({head, R"([2, "o", ""])", R"([1, "o", ""])"}), "is earlier than the one before it");
  EXPECT_EQ(WhyNot({head, R"([1, "r", "80"])"}), "has no size");
  EXPECT_EQ(WhyNot({head, R"([1, "n", "-1"])"}), "has no count");
  EXPECT_EQ(WhyNot({head, R"([1, "b", "!"])"}), "has no bytes");
  EXPECT_EQ(WhyNot({head, R"([1, "b", "/w=="])", R"([1, "o", "a"])"}), "differs from its bytes");
}

TEST(Cast, TheBeginningOfASequenceWaitsForItsEnd) {
  EXPECT_EQ(LengthOfOpenEnd(""), 0u);
  EXPECT_EQ(LengthOfOpenEnd("abc"), 0u);
  EXPECT_EQ(LengthOfOpenEnd("a\xC3"), 1u);
  EXPECT_EQ(LengthOfOpenEnd("a\xC3\xA9"), 0u);
  EXPECT_EQ(LengthOfOpenEnd("\xE2\x82"), 2u);
  EXPECT_EQ(LengthOfOpenEnd("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(LengthOfOpenEnd("\xF0"), 1u);
  EXPECT_EQ(LengthOfOpenEnd("\xF4\x8F"), 2u) << "only low bytes complete it";
  EXPECT_EQ(LengthOfOpenEnd("\xE0\xA0"), 2u);
  EXPECT_EQ(LengthOfOpenEnd("\xE0\x80"), 0u) << "nothing completes it";
  EXPECT_EQ(LengthOfOpenEnd("\xFF"), 0u);
  EXPECT_EQ(LengthOfOpenEnd("\x80\x80"), 0u);
}

TEST(Base64, IsReadAgain) {
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foobar"), "Zm9vYmFy");
  for (const std::string& bytes : {""s, "\0"s, "\xFF\xFE"s, "\xFB\xEF\xBE"s, "abcd"s})
    EXPECT_EQ(BytesOfBase64(Base64Of(bytes)), bytes);
  for (const char* text : {"Z", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Z!==", "Zm9=Ymx1"})
    EXPECT_FALSE(BytesOfBase64(text)) << text;
}

}  // namespace
}  // namespace yellow::access
