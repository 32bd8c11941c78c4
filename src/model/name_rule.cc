#include "model/name_rule.h"

#include <algorithm>

#include "base/digest.h"

namespace yellow::model {
namespace {

constexpr size_t kDigits = 8;

bool IsSmall(char c) { return c >= 'a' && c <= 'z'; }
bool IsCapital(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLetter(char c) { return IsSmall(c) || IsCapital(c); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (IsCapital(c)) c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

/// U+00C0 to U+017F, Latin-1 Supplement and Latin Extended-A, in order, two bytes each in UTF-8.
constexpr const char* kBare[] = {
    "A", "A", "A",  "A", "A", "A", "Ae", "C",  "E", "E", "E",  "E",  "I", "I", "I",  "I",  "D", "N", "O",  "O",
    "O", "O", "O",  "_", "O", "U", "U",  "U",  "U", "Y", "Th", "ss", "a", "a", "a",  "a",  "a", "a", "ae", "c",
    "e", "e", "e",  "e", "i", "i", "i",  "i",  "d", "n", "o",  "o",  "o", "o", "o",  "_",  "o", "u", "u",  "u",
    "u", "y", "th", "y", "A", "a", "A",  "a",  "A", "a", "C",  "c",  "C", "c", "C",  "c",  "C", "c", "D",  "d",
    "D", "d", "E",  "e", "E", "e", "E",  "e",  "E", "e", "E",  "e",  "G", "g", "G",  "g",  "G", "g", "G",  "g",
    "H", "h", "H",  "h", "I", "i", "I",  "i",  "I", "i", "I",  "i",  "I", "i", "Ij", "ij", "J", "j", "K",  "k",
    "k", "L", "l",  "L", "l", "L", "l",  "L",  "l", "L", "l",  "N",  "n", "N", "n",  "N",  "n", "n", "N",  "n",
    "O", "o", "O",  "o", "O", "o", "Oe", "oe", "R", "r", "R",  "r",  "R", "r", "S",  "s",  "S", "s", "S",  "s",
    "S", "s", "T",  "t", "T", "t", "T",  "t",  "U", "u", "U",  "u",  "U", "u", "U",  "u",  "U", "u", "U",  "u",
    "W", "w", "Y",  "y", "Y", "Z", "z",  "Z",  "z", "Z", "z",  "s"};
constexpr unsigned kFirstBare = 0xC0;

std::string Shortened(const std::string& name, const std::string& end) {
  std::string kept = name.substr(0, kLongestName - end.size() - 1);
  while (!kept.empty() && kept.back() == '_') kept.pop_back();
  return kept + "_" + end;
}

}  // namespace

std::string NameFault(std::string_view name) {
  const auto is_word = [](char c) { return IsLetter(c) || IsDigit(c) || c == '_'; };
  if (name.empty() || !IsLetter(name.front()) || !std::all_of(name.begin(), name.end(), is_word))
    return "begins with a letter and holds letters, digits and _ only";
  if (name.size() > kLongestName) return "has at most 60 characters";
  if (name.find("__") != std::string_view::npos) return "holds no double underscore";
  if (name.back() == '_') return "does not end in an underscore";
  return "";
}

std::string WithoutMarks(std::string_view utf8) {
  std::string bare;
  for (size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<unsigned char>(utf8[i]);
    if (byte < 0x80) {
      bare += utf8[i];
    } else if ((byte & 0xE0) == 0xC0 && i + 1 < utf8.size()) {
      const unsigned point = ((byte & 0x1FU) << 6) | (static_cast<unsigned char>(utf8[++i]) & 0x3FU);
      const bool known = point >= kFirstBare && point - kFirstBare < std::size(kBare);
      bare += known ? kBare[point - kFirstBare] : "_";
    } else {
      while (i + 1 < utf8.size() && (static_cast<unsigned char>(utf8[i + 1]) & 0xC0) == 0x80) ++i;
      bare += '_';
    }
  }
  return bare;
}

std::vector<std::string> WordsOf(std::string_view name) {
  const std::string bare = WithoutMarks(name);
  std::vector<std::string> words;
  bool inside = false;
  for (size_t i = 0; i < bare.size(); ++i) {
    const char c = bare[i];
    if (!IsLetter(c) && !IsDigit(c)) {
      inside = false;
      continue;
    }
    const char before = i == 0 ? '_' : bare[i - 1], after = i + 1 == bare.size() ? '_' : bare[i + 1];
    const bool begins = !inside || IsDigit(c) != IsDigit(before) || (IsCapital(c) && IsSmall(before)) ||
                        (IsCapital(c) && IsCapital(before) && IsSmall(after));
    if (begins) words.emplace_back();
    words.back() += c;
    inside = true;
  }
  for (std::string& word : words) word = Lower(word);
  return words;
}

std::string LegalName(std::string_view name, std::string_view start) {
  if (NameFault(name).empty()) return std::string(name);
  std::string legal;
  for (const char c : WithoutMarks(name)) {
    if (IsLetter(c) || IsDigit(c)) {
      legal += c;
    } else if (!legal.empty() && legal.back() != '_') {
      legal += '_';
    }
  }
  while (!legal.empty() && legal.back() == '_') legal.pop_back();
  const std::string digits = base::Sha256Hex(std::string(name)).substr(0, kDigits);
  if (legal.empty()) return std::string(start) + "_" + digits;
  if (!IsLetter(legal.front())) legal = std::string(start) + "_" + legal;
  return legal.size() > kLongestName ? Shortened(legal, digits) : legal;
}

void FreshNames::Take(std::string_view name) {
  const std::string lower = Lower(name);
  taken_.insert(std::lower_bound(taken_.begin(), taken_.end(), lower), lower);
}

std::string FreshNames::Fresh(const std::string& name) {
  std::string fresh = name;
  for (int number = 2; std::binary_search(taken_.begin(), taken_.end(), Lower(fresh)); ++number) {
    const std::string end = std::to_string(number);
    fresh = name.size() + end.size() + 1 > kLongestName ? Shortened(name, end) : name + "_" + end;
  }
  Take(fresh);
  return fresh;
}

}  // namespace yellow::model
