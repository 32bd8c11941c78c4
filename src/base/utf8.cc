#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace yellow::base {
namespace {

/// Bytes of the code point at the beginning, or 0 when there is none that belongs. REQUIRES: not empty.
size_t CodePoint(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return lead == 0 ? 0 : 1;
  const size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                        : lead >= 0xE0 && lead <= 0xEF ? 3
                        : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                       : 0;
  if (length == 0 || length > bytes.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  // Longer than need be, a surrogate, or past U+10FFFF.
  if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F)) return 0;
  if ((lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) > 0x8F)) return 0;
  return length;
}

/// REQUIRES: a code point as CodePoint finds it.
char32_t ValueOf(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return lead;
  char32_t value = lead & (0x7FU >> bytes.size());
  for (size_t i = 1; i < bytes.size(); ++i) value = value << 6 | (static_cast<unsigned char>(bytes[i]) & 0x3FU);
  return value;
}

/// Of Unicode's bidirectional algorithm: UAX 9, table 4.
bool TurnsText(char32_t point) {
  return point == 0x061C || point == 0x200E || point == 0x200F || (point >= 0x202A && point <= 0x202E) ||
         (point >= 0x2066 && point <= 0x2069);
}

bool IsPlain(char32_t point) {
  const bool controls = point < 0x20 || (point >= 0x7F && point < 0xA0);
  return !controls && point != 0x2028 && point != 0x2029 && !TurnsText(point);
}

}  // namespace

size_t LengthOfText(std::string_view bytes) {
  size_t at = 0;
  while (at < bytes.size()) {
    const size_t length = CodePoint(bytes.substr(at, 4));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

std::string AsText(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = CodePoint(bytes.substr(at, 4));
    text += length == 0 ? std::string_view("?") : bytes.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  return text;
}

bool IsPlainLine(std::string_view text) { return AsPlainLine(text) == text; }

std::string AsPlainLine(std::string_view bytes) {
  std::string line;
  line.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = bytes[at] == 0 ? 1 : CodePoint(bytes.substr(at, 4));
    const std::string_view one = bytes.substr(at, std::max<size_t>(length, 1));
    if (length == 0)
      line += '?';
    else if (const char32_t point = ValueOf(one); IsPlain(point))
      line += one;
    else
      line += fmt::format("\\u{:04x}", static_cast<uint32_t>(point));
    at += one.size();
  }
  return line;
}

}  // namespace yellow::base
