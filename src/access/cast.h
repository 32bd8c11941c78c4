#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

/// The text of a recording: asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2), one JSON value a
/// line, with two codes of our own, which players of asciicast leave out:
/// `b`: the bytes, in base64, of the event on the next line, whose text has U+FFFD where they are not UTF-8;
/// `n`: how many bytes of input were left out here, because the terminal did not show them either (a password).
namespace yellow::access {

struct CastHeader {
  int columns = 80;
  int rows = 24;
  int64_t timestamp = 0;  ///< of the start, seconds since 1970
  std::string title;
  std::map<std::string, std::string> environment;  ///< no secret: it is recorded
  bool operator==(const CastHeader&) const = default;
};

/// Output and input are bytes as they came.
struct CastOutput {
  std::string bytes;
  bool operator==(const CastOutput&) const = default;
};
struct CastInput {
  std::string bytes;
  bool operator==(const CastInput&) const = default;
};
struct CastResize {
  int columns = 0;
  int rows = 0;
  bool operator==(const CastResize&) const = default;
};
struct CastLeftOut {
  int64_t bytes = 0;
  bool operator==(const CastLeftOut&) const = default;
};

struct CastEvent {
  int64_t at = 0;  ///< microseconds since the start
  std::variant<CastOutput, CastInput, CastResize, CastLeftOut> what;
  bool operator==(const CastEvent&) const = default;
};

/// Bytes at the end of a piece of a stream that may be the beginning of a UTF-8 sequence; less than 4. Who records a
/// stream keeps them for the next piece.
size_t LengthOfOpenEnd(std::string_view bytes);

/// Bytes as text for JSON and people: U+FFFD for each byte that is not part of UTF-8.
std::string TextOf(std::string_view bytes);

/// The first line, with its end.
std::string CastLine(const CastHeader& header);
/// The line of an event, with its end; two lines when its bytes are not UTF-8. No control character stands in it.
std::string CastLines(const CastEvent& event);

/// Reads a recording line by line.
class CastReader {
 public:
  /// One line without its end. Nothing for the header and for lines that are about others; else an event, or why the
  /// line is no part of a recording. Codes that are not ours are passed over.
  tl::expected<std::optional<CastEvent>, std::string> Take(std::string_view line);
  /// Once the first line was taken.
  const std::optional<CastHeader>& header() const { return header_; }

 private:
  std::optional<CastHeader> header_;
  std::optional<std::string> raw_;  // of the next event
  int64_t last_ = 0;
};

}  // namespace yellow::access
