#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ports/recorder.h"

/// What a person's terminal and the recorder of the session say to each other on a stream: frames of a type, the length
/// of the payload (four bytes, the greatest first) and the payload.
namespace yellow::access {

enum class FrameType : char {
  kInput = 'i',    ///< to the recorder: bytes typed
  kResize = 'r',   ///< to the recorder: PayloadOf(TerminalSize)
  kOutput = 'o',   ///< to the terminal: bytes to show
  kMessage = 'm',  ///< to the terminal: a line for the person, not from the program
  kEnd = 'e',      ///< to the terminal, the last: PayloadOf(SessionEnd)
};

inline constexpr size_t kLargestPayload = 65536;

struct Frame {
  FrameType type = FrameType::kInput;
  std::string payload;
  bool operator==(const Frame&) const = default;
};

/// REQUIRES: the payload is not larger than kLargestPayload.
std::string BytesOf(FrameType type, std::string_view payload);

/// Takes a stream apart, in whatever pieces it comes.
class FrameReader {
 public:
  void Feed(std::string_view bytes) { bytes_.append(bytes); }
  /// The next frame that is there as a whole. Nothing more comes of a stream once it is broken.
  std::optional<Frame> Next();
  /// The stream holds something that is no frame.
  bool broken() const { return broken_; }
  /// Bytes of frames that were not asked for yet.
  size_t waiting() const { return bytes_.size() - at_; }

 private:
  std::string bytes_;
  size_t at_ = 0;
  bool broken_ = false;
};

struct TerminalSize {
  int columns = 80;  ///< 1 to 9999
  int rows = 24;
  bool operator==(const TerminalSize&) const = default;
};
std::string PayloadOf(const TerminalSize& size);
std::optional<TerminalSize> SizeOf(std::string_view payload);

struct SessionEnd {
  ports::RecordingEnd end = ports::RecordingEnd::kEnded;
  int status = 0;
  std::string why;  ///< as in RecordingReport
  bool operator==(const SessionEnd&) const = default;
};
std::string PayloadOf(const SessionEnd& end);
std::optional<SessionEnd> EndOf(std::string_view payload);

}  // namespace yellow::access
