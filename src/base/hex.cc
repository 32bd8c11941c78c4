#include "base/hex.h"

#include "base/check.h"

namespace yellow::base {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

size_t ValueOf(char digit) {
  const size_t value = kDigits.find(digit);
  YELLOW_CHECK(value != std::string_view::npos);
  return value;
}

}  // namespace

std::string HexOf(std::string_view bytes) {
  std::string hex;
  hex.reserve(2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

std::string BytesOfHex(std::string_view hex) {
  YELLOW_CHECK(hex.size() % 2 == 0);
  std::string bytes;
  bytes.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(ValueOf(hex[i]) << 4 | ValueOf(hex[i + 1]));
  return bytes;
}

}  // namespace yellow::base
