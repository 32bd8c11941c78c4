#include "merge/erase.h"

#include <algorithm>

#include "base/check.h"
#include "merge/columns.h"

namespace yellow::merge {
namespace {

using model::TypeKind;
using sql::Quoted;

const model::Column& KeyColumn(const sql::TableLayout& table, const std::string& name) {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [&](const model::Column& column) { return column.name == name; });
  YELLOW_CHECK(found != table.columns.end());
  return *found;
}

/// Blanks at the end of a value mean nothing.
bool IsBlankPadded(const model::DataType& type) { return type.kind == TypeKind::kChar && !type.array; }

/// A parameter as a value of the column's type without its limits, which would cut and round it to another row's key.
std::string Given(const model::Column& column, size_t parameter) {
  return "$" + std::to_string(parameter) +
         "::" + (IsBlankPadded(column.type) ? "bpchar" : model::ToSql(model::WithoutLimits(column.type)));
}

/// `t."id" = $1::text AND …`
std::string HasKey(const sql::TableLayout& table) {
  std::string condition;
  for (size_t i = 0; i < table.key.size(); ++i)
    condition +=
        (i == 0 ? "t." : " AND t.") + Quoted(table.key[i]) + " = " + Given(KeyColumn(table, table.key[i]), i + 1);
  return condition;
}

/// Whether the text of a JSON object in t.yellow_row names this value. Without casts of what is in there, since a bad
/// row may hold anything: one whose nested document says the same goes too, and comes back from its source. Names of
/// columns have no character that JSON or a regular expression would write in another way.
std::string Names(const model::Column& column, size_t parameter) {
  const std::string name = "\"" + column.name + "\":", given = Given(column, parameter);
  if (IsBlankPadded(column.type)) {
    return "regexp_replace(substring(t.yellow_row FROM '" + name + R"((\"(?:[^\"\\]|\\.)*\")'), ' *"$', '"') = )" +
           "to_json(rtrim($" + std::to_string(parameter) + "::text))::text";
  }
  std::string condition;
  for (const char* end : {",", "}"})
    condition += std::string(condition.empty() ? "(" : " OR ") + "position('" + name + "' || to_json(" + given +
                 ")::text || '" + end + "' IN t.yellow_row) > 0";
  // 1.0 is 1.00.
  if (column.type.kind == TypeKind::kNumeric && !column.type.array)
    condition += " OR substring(t.yellow_row FROM '" + name + "(-?[0-9.]+)[,}]')::numeric = " + given;
  return condition + ")";
}

/// Rows of one of the tables, and which of them are live.
struct Place {
  ErasedFrom from = ErasedFrom::kTable;
  std::string name;  ///< of the table
  std::string condition, live;
};

std::vector<Place> PlacesOf(const sql::TableLayout& table, const std::vector<std::string>& key) {
  YELLOW_CHECK(!table.key.empty() && table.key.size() == key.size());
  const bool forensic = table.milestoning == model::Milestoning::kForensic;
  const std::string open = "t.yellow_batch_out = " + std::to_string(sql::kOpenBatch);
  std::vector<Place> places;
  if (!table.merge_table.empty())
    places.push_back({ErasedFrom::kTable, table.merge_table, HasKey(table), forensic ? open : "true"});
  if (table.changes) places.push_back({ErasedFrom::kChanges, table.change_log_table, HasKey(table), "false"});
  if (table.sets_aside) {
    std::string named;
    for (size_t i = 0; i < key.size(); ++i)
      named += (i == 0 ? "" : " AND ") + Names(KeyColumn(table, table.key[i]), i + 1);
    places.push_back({ErasedFrom::kSetAside, table.rejected_table, named, open});
  }
  return places;
}

}  // namespace

std::vector<EraseStatement> Erase(const sql::TableLayout& table, const std::vector<std::string>& key) {
  std::vector<EraseStatement> statements;
  for (const Place& place : PlacesOf(table, key))
    statements.push_back({place.from,
                          {"WITH gone (live) AS (DELETE FROM " + sql::Qualified(table.schema, place.name) +
                               " t WHERE " + place.condition + " RETURNING " + place.live +
                               ") SELECT count(*), count(*) FILTER (WHERE live) FROM gone",
                           {key.begin(), key.end()}}});
  if (!table.staging_table.empty())
    statements.push_back({ErasedFrom::kStaging, "TRUNCATE " + sql::Qualified(table.schema, table.staging_table)});
  return statements;
}

std::vector<sql::Statement> CountNamed(const sql::TableLayout& table,
                                       const std::vector<std::vector<std::string>>& names,
                                       const std::vector<std::string>& key) {
  YELLOW_CHECK(!names.empty());
  std::vector<std::string> from, counts;
  for (const std::vector<std::string>& columns : names) {
    sql::TableLayout by_columns = table;
    by_columns.key = columns;
    const std::vector<Place> places = PlacesOf(by_columns, key);
    from.resize(places.size()), counts.resize(places.size());
    for (size_t i = 0; i < places.size(); ++i) {
      from[i] = sql::Qualified(table.schema, places[i].name);
      counts[i] += (counts[i].empty() ? "" : ", ") + ("count(*) FILTER (WHERE " + places[i].condition + ")");
    }
  }
  std::vector<sql::Statement> statements;
  for (size_t i = 0; i < from.size(); ++i)
    statements.push_back({"SELECT " + counts[i] + " FROM " + from[i] + " t", {key.begin(), key.end()}});
  return statements;
}

sql::Statement FindTables(const sql::TableLayout& table) {
  const auto is_there = [&](const std::string& name) {
    return "to_regclass(" + sql::Literal(sql::Qualified(table.schema, name)) + ") IS NOT NULL";
  };
  const std::string merge_table = sql::Literal(sql::Qualified(table.schema, table.merge_table));
  return "SELECT " + is_there(table.merge_table) +
         ", EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(" + merge_table +
         ") AND attname = 'yellow_batch_out' AND NOT attisdropped), " + is_there(table.change_log_table) + ", " +
         is_there(table.rejected_table) + ", " + is_there(table.staging_table);
}

sql::TableLayout LayoutAsFound(sql::TableLayout table, const TablesFound& found) {
  if (!found.merge_table) table.merge_table.clear();
  if (!found.staging) table.staging_table.clear();
  table.milestoning = found.history ? model::Milestoning::kForensic : model::Milestoning::kLive;
  table.changes = found.changes;
  table.sets_aside = found.set_aside;
  return table;
}

}  // namespace yellow::merge
