#include "model/labels.h"

#include <algorithm>

namespace yellow::model {
namespace {

constexpr size_t kLongestLabel = 63, kLongestDomain = 253;

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool IsLetterOrDigit(char c) { return IsLowerOrDigit(c) || (c >= 'A' && c <= 'Z'); }

bool IsDomain(std::string_view text) {
  return !text.empty() && text.size() <= kLongestDomain && IsLowerOrDigit(text.front()) &&
         IsLowerOrDigit(text.back()) && text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerOrDigit(c) || c == '-' || c == '.'; });
}

}  // namespace

bool IsLabelValue(std::string_view text) {
  return !text.empty() && text.size() <= kLongestLabel && IsLetterOrDigit(text.front()) &&
         IsLetterOrDigit(text.back()) && std::all_of(text.begin(), text.end(), [](char c) {
           return IsLetterOrDigit(c) || c == '-' || c == '_' || c == '.';
         });
}

bool IsLabelName(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return IsLabelValue(text);
  return IsDomain(text.substr(0, slash)) && IsLabelValue(text.substr(slash + 1));
}

}  // namespace yellow::model
