#include "model/networks.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace yellow::model {
namespace {

bool IsNumberUpTo(std::string_view text, int most) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= most;
}

bool IsAddress(std::string_view text) {
  constexpr int kParts = 4, kHighest = 255;
  for (int part = 1; part <= kParts; ++part) {
    const size_t dot = part == kParts ? text.size() : text.find('.');
    if (dot == std::string_view::npos || !IsNumberUpTo(text.substr(0, dot), kHighest)) return false;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

}  // namespace

bool IsNetwork(const std::string& text) {
  constexpr int kBits = 32, kMoreBits = 128;
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  if (IsAddress(address)) return IsNumberUpTo(text.substr(slash + 1), kBits);
  return address.find(':') != std::string::npos &&
         address.find_first_not_of("0123456789abcdefABCDEF:") == std::string::npos &&
         IsNumberUpTo(text.substr(slash + 1), kMoreBits);
}

std::string NetworkOf(const std::string& host) { return IsAddress(host) ? host + "/32" : ""; }

}  // namespace yellow::model
