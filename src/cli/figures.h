#pragma once

#include <cstddef>
#include <string>

#include "ports/database.h"

namespace yellow::cli {

/// What a comparison of two tables found.
struct Figures {
  size_t compared = 0;     ///< values, row by row, as text
  std::string difference;  ///< the first row that is not the same, in words; empty: there is none
};

/// Compares what is there with what should be; both have the same columns and the same order. Linear.
Figures CompareFigures(const ports::Rows& is, const ports::Rows& should_be);

}  // namespace yellow::cli
