#include "base/csv.h"

#include <algorithm>

namespace yellow::base {
namespace {

/// Reads lines of values, one after the other.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
  }

  bool AtEnd() const { return at_ >= text_.size(); }
  const std::optional<CsvProblem>& problem() const { return problem_; }

  CsvRow Next() {
    CsvRow row;
    row.line = line_;
    while (true) {
      row.values.push_back(Value());
      if (problem_ || AtEnd()) return row;
      if (text_[at_++] == ',') continue;
      return row;
    }
  }

 private:
  /// Up to the comma or the end of the line, which is left at the place; a carriage return before it is skipped.
  std::optional<std::string> Value() {
    std::string value;
    bool any_quote = false, quoted = false;
    const int began = line_;
    for (; !AtEnd(); ++at_) {
      const char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '"') {
        const bool doubled = quoted && text_.substr(at_, 2) == "\"\"";
        if (doubled) {
          value += c;
          ++at_;
        } else {
          quoted = !quoted, any_quote = true;
        }
        continue;
      }
      if (!quoted && c == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n')) continue;
      if (!quoted && (c == ',' || c == '\n')) break;
      value += c;
    }
    if (quoted) problem_ = CsvProblem{began, "a quote is never closed"};
    if (value.empty() && !any_quote) return std::nullopt;
    return value;
  }

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  std::optional<CsvProblem> problem_;
};

}  // namespace

std::variant<CsvTable, CsvProblem> ParseCsv(std::string_view text) {
  Reader reader(text);
  CsvTable table;
  if (reader.AtEnd()) return CsvProblem{1, "the first line names the columns, and there is none"};
  for (const auto& name : reader.Next().values) {
    if (!name || name->empty()) return CsvProblem{1, "the first line names the columns, and one of them has no name"};
    if (std::find(table.columns.begin(), table.columns.end(), *name) != table.columns.end())
      return CsvProblem{1, "the first line names a column twice: " + *name};
    table.columns.push_back(*name);
  }
  while (!reader.AtEnd() && !reader.problem()) {
    CsvRow row = reader.Next();
    if (!reader.problem() && row.values.size() != table.columns.size()) {
      return CsvProblem{row.line, "there are " + std::to_string(table.columns.size()) + " columns, and here " +
                                      std::to_string(row.values.size()) + " values"};
    }
    table.rows.push_back(std::move(row));
  }
  if (reader.problem()) return *reader.problem();
  return table;
}

std::string CsvLine(const std::vector<std::optional<std::string>>& values) {
  std::string line;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) line += ',';
    if (!values[i]) continue;
    const std::string& value = *values[i];
    // At the beginning of a file U+FEFF would be taken for a byte order mark.
    const bool plain =
        !value.empty() && !value.starts_with("\xEF\xBB\xBF") && value.find_first_of("\",\r\n") == std::string::npos;
    if (plain) {
      line += value;
      continue;
    }
    line += '"';
    for (const char c : value) line += c == '"' ? "\"\"" : std::string(1, c);
    line += '"';
  }
  return line + "\n";
}

}  // namespace yellow::base
