#include "base/utf8.h"

#include <algorithm>

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

}  // namespace yellow::base
