#include <algorithm>
#include <cstdio>

#include "merge/columns.h"

namespace yellow::merge {
namespace {

using model::TypeKind;

std::string Quoted(const std::string& name) { return sql::Identifier::Quote(name).text(); }

sql::Statement CountAndExample(const MergeSpec& spec, const std::string& condition) {
  const std::string rows = " FROM " + Upserts(spec) + " s WHERE " + condition;
  return "SELECT count(*), (SELECT row_to_json(x)::text FROM (SELECT " + ColumnList(spec.table) + rows +
         " LIMIT 1) x)" + rows;
}

/// The condition under which a value of a column without limits does not fit its declared type; empty when every value
/// fits.
std::string Misfit(const model::Column& column) {
  const std::string value = "s." + Quoted(column.name);
  const model::DataType& type = column.type;
  if (!type.length && !type.precision) return "";
  const std::string cast = value + "::" + model::ToSql(type);
  if (type.array) {
    const std::string free = "::" + model::ToSql(model::WithoutLimits(type));
    return cast + free + " IS DISTINCT FROM " + value + free;
  }
  switch (type.kind) {
    case TypeKind::kVarchar:
      return "char_length(" + value + ") > " + std::to_string(*type.length);
    case TypeKind::kChar:
      return "char_length(rtrim(" + value + ", ' ')) > " + std::to_string(*type.length);
    case TypeKind::kNumeric: {
      const std::string limit = "1e" + std::to_string(*type.precision - *type.scale) + "::numeric";
      return value + " <> 'NaN' AND (abs(" + value + ") >= " + limit + " OR min_scale(" + value + ") > " +
             std::to_string(*type.scale) + ")";
    }
    default:
      return cast + " <> " + value;
  }
}

const char* MisfitCode(const model::DataType& type) {
  if (type.length) return "too_long";
  return type.kind == TypeKind::kNumeric ? "out_of_range" : "too_precise";
}

std::string KeyNames(const sql::TableLayout& table) {
  std::string names;
  for (const std::string& key : table.key) names += (names.empty() ? "" : ", ") + key;
  return names;
}

RowCheck DuplicateKeys(const MergeSpec& spec) {
  std::string keys, ordinals;
  int ordinal = 0;
  for (const std::string& key : spec.table.key) {
    for (const model::Column& column : spec.table.columns) {
      if (column.name != key) continue;
      keys += (keys.empty() ? "s." : ", s.") + Quoted(key) + "::" + model::ToSql(column.type);
      ordinals += (ordinals.empty() ? "" : ", ") + std::to_string(++ordinal);
    }
  }
  // Changes may not name a key twice either, whatever they do to it.
  const std::string rows = spec.meaning == SourceMeaning::kChanges ? spec.source : Upserts(spec);
  const std::string twice =
      "(SELECT " + keys + ", count(*) AS times FROM " + rows + " s GROUP BY " + ordinals + " HAVING count(*) > 1)";
  return {"duplicate_key", "the key (" + KeyNames(spec.table) + ") is unique",
          "SELECT count(*), (SELECT row_to_json(x)::text FROM " + twice + " x LIMIT 1) FROM " + twice + " d"};
}

}  // namespace

std::vector<RowCheck> Checks(const MergeSpec& spec) {
  std::vector<RowCheck> checks;
  const sql::TableLayout& table = spec.table;
  for (const model::Column& column : table.columns) {
    const bool is_key = std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
    if (column.not_null || is_key) {
      checks.push_back({is_key ? "null_key" : "not_null", "column " + column.name + " is not null",
                        CountAndExample(spec, "s." + Quoted(column.name) + " IS NULL")});
    }
    const std::string misfit = Misfit(column);
    if (!misfit.empty())
      checks.push_back({MisfitCode(column.type), "column " + column.name + " is " + model::ToSql(column.type),
                        CountAndExample(spec, misfit)});
  }
  if (!table.key.empty()) checks.push_back(DuplicateKeys(spec));
  return checks;
}

std::optional<GuardBreach> BreachOf(const std::string& dataset, const Counters& counters, const model::Guards& guards) {
  constexpr int64_t kAlwaysAllowed = 100;
  const int64_t before = counters.staged - counters.inserted + counters.deleted;
  bool may_become_empty = false;
  for (const model::Name& name : guards.may_become_empty) may_become_empty |= name.text == dataset;
  if (counters.staged == 0 && before > 0) {
    if (may_become_empty) return std::nullopt;
    return GuardBreach{"emptied", dataset + " had " + std::to_string(before) + " rows, now none"};
  }
  const model::RowLimit& limit = guards.max_deleted;
  const bool too_many = limit.rows ? counters.deleted > *limit.rows
                                   : static_cast<double>(counters.deleted) >
                                         static_cast<double>(before) * limit.percent.value_or(100) / 100;
  if (!too_many || counters.deleted < kAlwaysAllowed) return std::nullopt;
  char share[16];
  std::snprintf(share, sizeof share, "%g%%", limit.percent.value_or(0));
  return GuardBreach{"mass_delete", dataset + " would lose " + std::to_string(counters.deleted) + " of " +
                                        std::to_string(before) + " rows, more than max_deleted allows: " +
                                        (limit.rows ? std::to_string(*limit.rows) : std::string(share))};
}

}  // namespace yellow::merge
