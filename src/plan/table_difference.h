#pragma once

#include <optional>
#include <string>
#include <vector>

/// How the rows of a table differ from those that were expected, for people.
namespace yellow::plan {

using Cells = std::vector<std::optional<std::string>>;

struct TableRows {
  std::vector<std::string> columns;
  std::vector<std::string> key;  ///< empty: rows are compared as a whole
  std::vector<Cells> rows;
};

struct ChangedRow {
  Cells expected, actual;
};

struct TableDifference {
  std::vector<std::string> columns, key;
  std::vector<Cells> missing, unexpected;  ///< in the order of their tables
  std::vector<ChangedRow> changed;         ///< the same key, other values

  bool empty() const { return missing.empty() && unexpected.empty() && changed.empty(); }
};

/// REQUIRES: both have the same columns and key. Rows that stand twice count twice.
TableDifference Compare(const TableRows& expected, const TableRows& actual);

/// `1 missing, 1 changed`.
std::string Summary(const TableDifference& difference);

/// A line a row: `- id=1 name="A"` is missing, `+ …` unexpected, `~ id=1: name is "A", expected "B"`; at most `most` of
/// each kind. Null is (null), texts that could be mistaken are quoted.
std::string Describe(const TableDifference& difference, const std::string& indent, size_t most = 20);

/// A value as Describe shows it.
std::string Shown(const std::optional<std::string>& value);

}  // namespace yellow::plan
