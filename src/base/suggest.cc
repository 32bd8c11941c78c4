#include "base/suggest.h"

#include <algorithm>
#include <cctype>

namespace yellow::base {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0u : 1u)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

std::string Suggest(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string wanted = Lower(word.substr(0, 100));
  size_t best = std::max<size_t>(1, wanted.size() / 3) + 1;
  std::string suggestion;
  for (const std::string& candidate : candidates) {
    const size_t distance = Distance(wanted, Lower(std::string_view(candidate).substr(0, 100)));
    if (distance < best) {
      best = distance;
      suggestion = candidate;
    }
  }
  return suggestion;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& known, std::string otherwise) {
  const std::string near = Suggest(word, known);
  if (!near.empty()) return "did you mean " + near + "?";
  if (!otherwise.empty()) return otherwise;
  std::string list;
  for (const std::string& name : known) {
    if (!name.empty()) list += (list.empty() ? "there are: " : ", ") + name;
  }
  return list.empty() ? "there is none yet; declare it" : list;
}

}  // namespace yellow::base
