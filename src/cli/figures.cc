#include "cli/figures.h"

#include <fmt/format.h>

#include <algorithm>

namespace yellow::cli {
namespace {

std::string InWords(const ports::Rows& rows, size_t row) {
  if (row >= rows.size()) return "no such row";
  std::string text;
  for (const auto& value : rows.rows[row]) text += (text.empty() ? "" : ", ") + value.value_or("null");
  return "(" + text + ")";
}

}  // namespace

Figures CompareFigures(const ports::Rows& is, const ports::Rows& should_be) {
  Figures figures;
  const size_t rows = std::max(is.size(), should_be.size());
  for (size_t i = 0; i < rows; ++i) {
    const bool same = i < is.size() && i < should_be.size() && is.rows[i] == should_be.rows[i];
    if (!same) {
      figures.difference =
          fmt::format("row {} is {}, but the source says {}", i + 1, InWords(is, i), InWords(should_be, i));
      return figures;
    }
    figures.compared += is.rows[i].size();
  }
  return figures;
}

}  // namespace yellow::cli
