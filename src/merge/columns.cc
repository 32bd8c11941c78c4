#include "merge/columns.h"

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

std::string Differ(const sql::TableLayout& table, const std::string& target, const std::string& source) {
  return "record_image_ne(" + RowOf(table, target, false) + ", " + RowOf(table, source, true) + ")";
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
