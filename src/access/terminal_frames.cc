#include "access/terminal_frames.h"

#include <fmt/format.h>

#include <charconv>

#include "base/check.h"

namespace yellow::access {
namespace {

constexpr std::string_view kTypes = "irome";
constexpr size_t kHead = 5;
constexpr int kLargestSize = 9999;
constexpr size_t kForget = size_t{1} << 16;

/// Takes the number at the beginning of a text and the character after it.
std::optional<int> TakeNumber(std::string_view& text, int largest) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0 || number > largest) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (!text.empty()) {
    if (text[0] != ' ') return std::nullopt;
    text.remove_prefix(1);
  }
  return number;
}

}  // namespace

std::string BytesOf(FrameType type, std::string_view payload) {
  YELLOW_CHECK(payload.size() <= kLargestPayload);
  std::string bytes{static_cast<char>(type)};
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(payload.size() >> shift & 255);
  return bytes.append(payload);
}

std::optional<Frame> FrameReader::Next() {
  if (broken_ || waiting() < kHead) return std::nullopt;
  size_t length = 0;
  for (size_t i = 1; i < kHead; ++i) length = length << 8 | static_cast<unsigned char>(bytes_[at_ + i]);
  broken_ = length > kLargestPayload || kTypes.find(bytes_[at_]) == std::string_view::npos;
  if (broken_ || waiting() < kHead + length) return std::nullopt;
  Frame frame{static_cast<FrameType>(bytes_[at_]), bytes_.substr(at_ + kHead, length)};
  at_ += kHead + length;
  if (at_ >= kForget || at_ == bytes_.size()) {
    bytes_.erase(0, at_);
    at_ = 0;
  }
  return frame;
}

std::string PayloadOf(const TerminalSize& size) { return fmt::format("{} {}", size.columns, size.rows); }

std::optional<TerminalSize> SizeOf(std::string_view payload) {
  const auto columns = TakeNumber(payload, kLargestSize), rows = TakeNumber(payload, kLargestSize);
  if (!columns || !rows || *columns == 0 || *rows == 0 || !payload.empty()) return std::nullopt;
  return TerminalSize{*columns, *rows};
}

std::string PayloadOf(const SessionEnd& end) {
  return fmt::format("{} {} {}", WordOf(end.end), end.status, end.why).substr(0, kLargestPayload);
}

std::optional<SessionEnd> EndOf(std::string_view payload) {
  using ports::RecordingEnd;
  for (const RecordingEnd end :
       {RecordingEnd::kEnded, RecordingEnd::kHungUp, RecordingEnd::kExpired, RecordingEnd::kCannotRecord,
        RecordingEnd::kServiceGone, RecordingEnd::kCancelled, RecordingEnd::kRecorderGone}) {
    const std::string word = WordOf(end) + std::string(" ");
    if (!payload.starts_with(word)) continue;
    payload.remove_prefix(word.size());
    const auto status = TakeNumber(payload, 255);
    if (!status) return std::nullopt;
    return SessionEnd{end, *status, std::string(payload)};
  }
  return std::nullopt;
}

}  // namespace yellow::access
