#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace yellow::base {

/// CSV as PostgreSQL's COPY reads and writes it: `""` is the empty text, nothing at all is null; a quoted part may hold
/// commas and ends of lines, and `""` for one quote. The first line names the columns.
struct CsvRow {
  int line = 0;  ///< where it begins, from 1
  std::vector<std::optional<std::string>> values;
};
struct CsvTable {
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;
};
struct CsvProblem {
  int line = 0;
  std::string message;
};

/// Every row has as many values as there are columns; columns have different names, none empty.
std::variant<CsvTable, CsvProblem> ParseCsv(std::string_view text);

/// One line, with its end.
std::string CsvLine(const std::vector<std::optional<std::string>>& values);

}  // namespace yellow::base
