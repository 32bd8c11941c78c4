#pragma once

#include <compare>
#include <string>

namespace yellow::base {

/// A place in a text file; line and column count from 1, in Unicode code points. 0 means "unknown".
struct Position {
  int line = 0;
  int column = 0;
  auto operator<=>(const Position&) const = default;
};

/// The half-open stretch [begin, end) of a file that a diagnostic points at. `file` is relative to the
/// project; an empty one means that the thing was not written by anyone (a default).
struct SourceRange {
  std::string file;
  Position begin;
  Position end;
  auto operator<=>(const SourceRange&) const = default;
};

}  // namespace yellow::base
