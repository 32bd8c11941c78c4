#include "base/blotting.h"

#include <algorithm>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json_text.h"

namespace yellow::base {
namespace {

constexpr size_t kShortest = 8;
constexpr size_t kShortestPart = 12;
constexpr size_t kBitsOfByte = 8, kBitsOfDigit = 6;

bool IsLetterOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::string PercentEncoded(std::string_view text) {
  constexpr std::string_view kUnreserved = "-._~";  // RFC 3986, 2.3
  std::string encoded;
  for (const char c : text) {
    const bool plain = IsLetterOrDigit(c) || kUnreserved.find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : "%" + HexOf(std::string_view(&c, 1));
  }
  return encoded;
}

std::string UpperCase(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

/// The digits that are the same whatever stands before and behind, with `before` bytes more than a multiple of three
/// before it.
std::string InBase64(std::string_view text, size_t before) {
  const std::string digits = Base64Of(std::string(before, ' ') + std::string(text));
  const size_t begin = (before * kBitsOfByte + kBitsOfDigit - 1) / kBitsOfDigit;
  const size_t end = (before + text.size()) * kBitsOfByte / kBitsOfDigit;
  return digits.substr(begin, end - begin);
}

std::string ForUrls(std::string base64) {
  std::replace(base64.begin(), base64.end(), '+', '-');
  std::replace(base64.begin(), base64.end(), '/', '_');
  return base64;
}

/// The longest that every way of quoting leaves as it is.
std::string LongestPart(std::string_view text) {
  std::string_view longest;
  for (size_t begin = 0, at = 0; at <= text.size(); ++at) {
    if (at < text.size() && IsLetterOrDigit(text[at])) continue;
    if (at - begin > longest.size()) longest = text.substr(begin, at - begin);
    begin = at + 1;
  }
  return std::string(longest);
}

using Places = std::vector<std::pair<size_t, size_t>>;  // where they begin and end

void Find(const std::string& text, const std::string& form, Places& places) {
  for (size_t at = text.find(form); at != std::string::npos; at = text.find(form, at + form.size()))
    places.emplace_back(at, at + form.size());
}

/// In one pass, however many there are. What overlaps is one.
std::string Blotted(const std::string& text, Places places) {
  std::sort(places.begin(), places.end());
  std::string kept;
  size_t done = 0;
  for (const auto& [begin, end] : places) {
    if (begin >= done) kept.append(text, done, begin - done).append("***");
    done = std::max(done, end);
  }
  return kept.append(text, done, std::string::npos);
}

}  // namespace

std::vector<std::string> FormsOf(std::string_view secret) {
  const std::string json = JsonString(secret), percent = PercentEncoded(secret), hex = HexOf(secret);
  std::vector<std::string> forms{std::string(secret), json.substr(1, json.size() - 2), percent, hex, UpperCase(hex)};
  std::string upper = percent;  // the digits behind each %, and nothing else
  for (size_t at = upper.find('%'); at != std::string::npos; at = upper.find('%', at + 1))
    upper.replace(at + 1, 2, UpperCase(upper.substr(at + 1, 2)));
  forms.push_back(upper);
  for (size_t before = 0; before < 3; ++before) {
    forms.push_back(InBase64(secret, before));
    forms.push_back(ForUrls(forms.back()));
  }
  return forms;
}

std::string WithoutSecrets(std::string text, const std::vector<Secret>& secrets) {
  Places places;
  for (const Secret& secret : secrets) {
    if (secret.Reveal().size() < kShortest) continue;
    for (const std::string& form : FormsOf(secret.Reveal())) Find(text, form, places);
    if (const std::string part = LongestPart(secret.Reveal()); part.size() >= kShortestPart) Find(text, part, places);
  }
  return places.empty() ? std::move(text) : Blotted(text, std::move(places));
}

}  // namespace yellow::base
