#include "cli/demo_proof.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <string_view>
#include <unordered_set>

namespace yellow::cli {
namespace {

constexpr size_t kShortest = 4;
constexpr size_t kShown = 10;

std::string Lower(const std::string& text) {
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

size_t CodePoints(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

Proof LookForLeaks(const std::vector<std::string>& source_values, const std::vector<std::string>& masked_values) {
  Proof proof;
  std::unordered_set<std::string> wanted;
  std::map<size_t, size_t> lengths;
  for (const std::string& value : source_values) {
    if (CodePoints(value) >= kShortest && wanted.insert(Lower(value)).second) ++lengths[value.size()];
  }
  proof.source_values = wanted.size();
  proof.masked_values = masked_values.size();
  for (const std::string& value : masked_values) {
    const std::string lower = Lower(value);
    for (const auto& [length, count] : lengths) {
      for (size_t at = 0; at + length <= lower.size(); ++at) {
        const std::string part = lower.substr(at, length);
        if (wanted.count(part) != 0 && proof.leaks.size() < kShown) proof.leaks.push_back({part, value});
      }
    }
  }
  return proof;
}

}  // namespace yellow::cli
