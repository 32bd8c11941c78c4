#include <algorithm>

#include "merge/columns.h"
#include "merge/rules.h"

namespace yellow::merge {
namespace {

using model::TypeKind;

constexpr int kExampleCharacters = 1000;
// An entry of a B-tree index has at most 2,704 bytes, with its header, the batch of a version, and padding.
constexpr int kLongestKey = 2600;

using sql::Quoted;

/// A row or key as people see it: JSON, cut where it would fill the screen.
std::string Example(const std::string& json) {
  const std::string limit = std::to_string(kExampleCharacters);
  return "CASE WHEN length(" + json + ") > " + limit + " THEN left(" + json + ", " + limit + ") || '…' ELSE " + json +
         " END";
}

sql::Statement CountAndExample(const MergeSpec& spec, const std::string& condition) {
  const std::string rows = " FROM " + Upserts(spec) + " s WHERE " + condition;
  return "SELECT count(*), (SELECT " + Example(RowJson(spec.table, "s")) + rows + " LIMIT 1)" + rows;
}

/// The condition under which a value without limits does not fit the declared type. Without casts to that type: they
/// cut, round, or fail.
std::string Misfit(const model::DataType& type, const std::string& value) {
  switch (type.kind) {
    case TypeKind::kVarchar:
      // Bytes are counted already, characters have to be.
      return "octet_length(" + value + ") > " + std::to_string(*type.length) + " AND char_length(" + value + ") > " +
             std::to_string(*type.length);
    case TypeKind::kChar:
      return "char_length(rtrim(" + value + ", ' ')) > " + std::to_string(*type.length);
    case TypeKind::kNumeric: {
      const std::string limit = "1e" + std::to_string(*type.precision - *type.scale) + "::numeric";
      const std::string scale = std::to_string(*type.scale);
      return "(" + value + " >= " + limit + " OR " + value + " <= -" + limit + " OR scale(" + value + ") > " + scale +
             " AND min_scale(" + value + ") > " + scale + ") AND " + value + " <> 'NaN'";
    }
    default: {  // digits of a second
      int64_t unit = 1'000'000;
      for (int digit = 0; digit < *type.precision; ++digit) unit /= 10;
      return "extract(microseconds FROM " + value + ")::bigint % " + std::to_string(unit) + " <> 0";
    }
  }
}

/// Empty when every value fits.
std::string Misfit(const model::Column& column) {
  const std::string value = "s." + Quoted(column.name);
  if (!column.type.length && !column.type.precision) return "";
  if (!column.type.array) return Misfit(column.type, value);
  return "EXISTS (SELECT FROM unnest(" + value + ") AS e (v) WHERE " + Misfit(column.type, "e.v") + ")";
}

const char* MisfitCode(const model::DataType& type) {
  if (type.length) return "too_long";
  return type.kind == TypeKind::kNumeric ? "out_of_range" : "too_precise";
}

bool IsOfKey(const sql::TableLayout& table, const model::Column& column) {
  return std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
}

std::string KeyNames(const sql::TableLayout& table) {
  std::string names;
  for (const std::string& key : table.key) names += (names.empty() ? "" : ", ") + key;
  return names;
}

/// Rows whose key no index can hold; empty when the types of the key leave no room for one. That some such keys could
/// be compressed is left out: the same key must not fit or not fit by chance.
std::string KeyTooLong(const sql::TableLayout& table) {
  constexpr int kLongestCharacter = 4;  // bytes of UTF-8
  int64_t longest = 0;
  std::string length;
  for (const model::Column& column : table.columns) {
    const model::DataType& type = column.type;
    const bool text = type.kind == TypeKind::kText || type.kind == TypeKind::kVarchar || type.kind == TypeKind::kChar;
    if (!IsOfKey(table, column) || type.array || !(text || type.kind == TypeKind::kBytea)) continue;
    longest += type.length ? int64_t{*type.length} * kLongestCharacter : kLongestKey + 1;
    length += (length.empty() ? "" : " + ") + ("octet_length(s." + Quoted(column.name) + ")");
  }
  return longest > kLongestKey ? length + " > " + std::to_string(kLongestKey) : "";
}

}  // namespace

RowRule Readable() { return {std::string(kUnreadable), std::string(kReadableRule), "s.yellow_row IS NOT NULL"}; }

std::vector<RowRule> Rules(const sql::TableLayout& table) {
  std::vector<RowRule> rules;
  if (table.sets_aside) rules.push_back(Readable());
  for (const model::Column& column : table.columns) {
    const bool of_key = IsOfKey(table, column);
    if (column.not_null || of_key) {
      rules.push_back({of_key ? "null_key" : "not_null", "column " + column.name + " is not null",
                       "s." + Quoted(column.name) + " IS NULL", of_key});
    }
    if (const std::string misfit = Misfit(column); !misfit.empty()) {
      rules.push_back(
          {MisfitCode(column.type), "column " + column.name + " is " + model::ToSql(column.type), misfit, of_key});
    }
  }
  if (const std::string too_long = KeyTooLong(table); !too_long.empty()) {
    rules.push_back({"key_too_long",
                     "the key (" + KeyNames(table) + ") has at most " + std::to_string(kLongestKey) + " bytes",
                     too_long, true});
  }
  return rules;
}

std::string AnyBroken(const std::vector<RowRule>& rules) {
  std::string any;
  for (const RowRule& rule : rules) any += (any.empty() ? "(" : " OR (") + rule.condition + ")";
  return any.empty() ? "false" : any;
}

std::string UniqueKeyRule(const sql::TableLayout& table) { return "the key (" + KeyNames(table) + ") is unique"; }

std::string KeysOfSeveralRows(const MergeSpec& spec) {
  std::string keys, ordinals;
  int ordinal = 0;
  for (const std::string& key : spec.table.key) {
    for (const model::Column& column : spec.table.columns) {
      if (column.name != key) continue;
      keys += (keys.empty() ? "s." : ", s.") + Quoted(key) + "::" + model::ToSql(column.type);
      ordinals += (ordinals.empty() ? "" : ", ") + std::to_string(++ordinal);
    }
  }
  std::vector<RowRule> of_key;
  for (const RowRule& rule : Rules(spec.table)) {
    if (rule.of_key) of_key.push_back(rule);
  }
  // Changes may not name a key twice either, whatever they do to it.
  const std::string rows = spec.meaning == SourceMeaning::kChanges ? spec.source : Upserts(spec);
  return "(SELECT " + keys + ", count(*) AS times FROM " + rows + " s WHERE NOT (" + AnyBroken(of_key) + ") GROUP BY " +
         ordinals + " HAVING count(*) > 1)";
}

sql::Statement CountRows(const MergeSpec& spec) {
  return "SELECT count(*), count(*) FILTER (WHERE " + AnyBroken(Rules(spec.table)) + ") FROM " + Upserts(spec) + " s";
}

RowCheck SharedKeys(const MergeSpec& spec) {
  const std::string twice = KeysOfSeveralRows(spec);
  return {"duplicate_key", UniqueKeyRule(spec.table),
          "SELECT coalesce(sum(times), 0), (SELECT " + Example("row_to_json(x)::text") + " FROM " + twice +
              " x LIMIT 1) FROM " + twice + " d"};
}

std::vector<RowCheck> Checks(const MergeSpec& spec) {
  std::vector<RowCheck> checks;
  for (const RowRule& rule : Rules(spec.table))
    checks.push_back({rule.code, rule.rule, CountAndExample(spec, rule.condition)});
  if (!spec.table.key.empty() && spec.path != Path::kDifference) checks.push_back(SharedKeys(spec));
  return checks;
}

}  // namespace yellow::merge
