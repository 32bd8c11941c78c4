#include "plan/table_difference.h"

#include <algorithm>
#include <map>

#include "base/json_text.h"

namespace yellow::plan {
namespace {

std::vector<size_t> KeyPlaces(const TableRows& table) {
  std::vector<size_t> places;
  for (const std::string& name : table.key) {
    places.push_back(
        static_cast<size_t>(std::find(table.columns.begin(), table.columns.end(), name) - table.columns.begin()));
  }
  if (places.empty()) {
    for (size_t i = 0; i < table.columns.size(); ++i) places.push_back(i);
  }
  return places;
}

Cells KeyOf(const Cells& row, const std::vector<size_t>& places) {
  Cells key;
  for (const size_t place : places) key.push_back(row[place]);
  return key;
}

std::string RowText(const TableDifference& difference, const Cells& row) {
  std::string text;
  for (size_t i = 0; i < row.size(); ++i)
    text += (text.empty() ? "" : " ") + difference.columns[i] + "=" + Shown(row[i]);
  return text;
}

std::string ChangeText(const TableDifference& difference, const ChangedRow& changed) {
  std::string key, text;
  for (size_t i = 0; i < difference.columns.size(); ++i) {
    const std::string& name = difference.columns[i];
    if (std::find(difference.key.begin(), difference.key.end(), name) != difference.key.end())
      key += (key.empty() ? "" : " ") + name + "=" + Shown(changed.actual[i]);
    if (changed.expected[i] != changed.actual[i])
      text += (text.empty() ? "" : "; ") + name + " is " + Shown(changed.actual[i]) + ", expected " +
              Shown(changed.expected[i]);
  }
  return key + ": " + text;
}

template <typename Rows, typename ToText>
std::string Lines(const Rows& rows, const std::string& begin, size_t most, ToText to_text) {
  std::string lines;
  for (size_t i = 0; i < std::min(most, rows.size()); ++i) lines += begin + to_text(rows[i]) + "\n";
  if (rows.size() > most) lines += begin + "… and " + std::to_string(rows.size() - most) + " more\n";
  return lines;
}

}  // namespace

TableDifference Compare(const TableRows& expected, const TableRows& actual) {
  TableDifference difference;
  difference.columns = expected.columns, difference.key = expected.key;
  const std::vector<size_t> places = KeyPlaces(expected);
  std::map<Cells, std::vector<const Cells*>> there;  // rows of `actual` that nothing has matched
  for (const Cells& row : actual.rows) there[KeyOf(row, places)].push_back(&row);
  for (const Cells& row : expected.rows) {
    const Cells key = KeyOf(row, places);
    const auto found = there.find(key);
    if (found == there.end() || found->second.empty()) {
      difference.missing.push_back(row);
      continue;
    }
    // A row that is the same comes first; else the next one of this key.
    auto& rows = found->second;
    auto match = std::find_if(rows.begin(), rows.end(), [&](const Cells* other) { return *other == row; });
    if (match == rows.end()) {
      match = rows.begin();
      difference.changed.push_back({row, **match});
    }
    rows.erase(match);
  }
  for (const Cells& row : actual.rows) {
    const auto& rows = there[KeyOf(row, places)];
    if (std::find(rows.begin(), rows.end(), &row) != rows.end()) difference.unexpected.push_back(row);
  }
  return difference;
}

std::string Summary(const TableDifference& difference) {
  std::string text;
  const auto add = [&](size_t count, const char* word) {
    if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + word;
  };
  add(difference.missing.size(), "missing");
  add(difference.unexpected.size(), "unexpected");
  add(difference.changed.size(), "changed");
  return text;
}

std::string Describe(const TableDifference& difference, const std::string& indent, size_t most) {
  const auto row_text = [&](const Cells& row) { return RowText(difference, row); };
  return Lines(difference.missing, indent + "- ", most, row_text) +
         Lines(difference.unexpected, indent + "+ ", most, row_text) +
         Lines(difference.changed, indent + "~ ", most,
               [&](const ChangedRow& changed) { return ChangeText(difference, changed); });
}

std::string Shown(const std::optional<std::string>& value) {
  if (!value) return "(null)";
  const bool plain = !value->empty() && *value != "(null)" && std::none_of(value->begin(), value->end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=';
  });
  return plain ? *value : base::JsonString(*value);
}

}  // namespace yellow::plan
