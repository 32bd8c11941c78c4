#include "merge/columns.h"

#include <algorithm>

namespace yellow::merge {

using sql::Quoted;

std::string ColumnList(const sql::TableLayout& table) {
  std::string list;
  for (const model::Column& column : table.columns) list += (list.empty() ? "" : ", ") + Quoted(column.name);
  return list;
}

std::string CastList(const sql::TableLayout& table, const std::string& alias) {
  std::string list;
  for (const model::Column& column : table.columns) {
    list += (list.empty() ? "" : ", ") + alias + "." + Quoted(column.name) + "::" + model::ToSql(column.type);
  }
  return list;
}

std::string ColumnsOf(const sql::TableLayout& table, const std::string& alias) {
  std::string list;
  for (const model::Column& column : table.columns)
    list += (list.empty() ? "" : ", ") + alias + "." + Quoted(column.name);
  return list;
}

namespace {

/// The type as which a staged value is compared with a stored one. Only two kinds store a value that fits in another
/// form than it came; for the rest the limits would be looked at once more for every row, to no avail.
std::string StoredForm(const model::DataType& type) {
  if (type.kind == model::TypeKind::kChar || type.kind == model::TypeKind::kNumeric) return model::ToSql(type);
  model::DataType free = type;
  free.length.reset(), free.precision.reset();
  return model::ToSql(free);
}

}  // namespace

std::string RowOf(const sql::TableLayout& table, const std::string& alias, bool cast) {
  std::string list;
  for (const model::Column& column : table.columns) {
    list +=
        (list.empty() ? "" : ", ") + alias + "." + Quoted(column.name) + (cast ? "::" + StoredForm(column.type) : "");
  }
  return "ROW(" + list + ")";
}

std::string RowJson(const sql::TableLayout& table, const std::string& alias) {
  const std::string json = "(SELECT row_to_json(x)::text FROM (SELECT " + ColumnsOf(table, alias) + ") x)";
  return table.sets_aside ? "coalesce(" + alias + ".yellow_row, " + json + ")" : json;
}

namespace {

/// True where two values that are equal by `=` are the same to the letter. Text is: no collation of a model's column is
/// nondeterministic. Not so 1.0 and 1.00, 0 and -0, a month and thirty days, and what may hold such values.
bool EqualIsSame(const model::DataType& type) {
  using model::TypeKind;
  if (type.array) return false;
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kSmallint:
    case TypeKind::kInteger:
    case TypeKind::kBigint:
    case TypeKind::kText:
    case TypeKind::kVarchar:
    case TypeKind::kDate:
    case TypeKind::kTime:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
    case TypeKind::kUuid:
    case TypeKind::kBytea:
      return true;
    case TypeKind::kChar:
    case TypeKind::kNumeric:
    case TypeKind::kReal:
    case TypeKind::kDouble:
    case TypeKind::kTimeTz:
    case TypeKind::kInterval:
    case TypeKind::kJson:
    case TypeKind::kJsonb:
      return false;
  }
  return false;
}

}  // namespace

std::string Differ(const sql::TableLayout& table, const std::string& target, const std::string& source) {
  sql::TableLayout images = table;
  images.columns.clear();
  std::string differ;
  for (const model::Column& column : table.columns) {
    if (!EqualIsSame(column.type)) {
      images.columns.push_back(column);
      continue;
    }
    if (std::find(table.key.begin(), table.key.end(), column.name) != table.key.end()) continue;  // rows of one key
    const std::string name = "." + Quoted(column.name);
    differ += (differ.empty() ? "" : " OR ") + target + name + " IS DISTINCT FROM " + source + name +
              "::" + StoredForm(column.type);
  }
  if (!images.columns.empty()) {
    differ += (differ.empty() ? "" : " OR ") + std::string("record_image_ne(") + RowOf(images, target, false) + ", " +
              RowOf(images, source, true) + ")";
  }
  return differ.empty() ? "false" : "(" + differ + ")";
}

std::string KeysMatch(const sql::TableLayout& table, const std::string& target, const std::string& source) {
  std::string condition;
  for (const std::string& key : table.key) {
    for (const model::Column& column : table.columns) {
      if (column.name != key) continue;
      condition += (condition.empty() ? "" : " AND ") + target + "." + Quoted(key) + " = " + source + "." +
                   Quoted(key) + "::" + StoredForm(column.type);
    }
  }
  return condition;
}

std::string Target(const sql::TableLayout& table) { return sql::Qualified(table.schema, table.merge_table); }

std::string Upserts(const MergeSpec& spec) {
  if (spec.meaning == SourceMeaning::kSnapshot) return spec.source;
  return "(SELECT * FROM " + spec.source + " WHERE yellow_op IS DISTINCT FROM 'D')";
}

}  // namespace yellow::merge
