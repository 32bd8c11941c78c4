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

/// The type without its limits.
std::string FreeForm(model::DataType type) {
  type.length.reset(), type.precision.reset();
  return model::ToSql(type);
}

/// The type as which a staged value's image is compared with a stored one's. Only two kinds store a value that fits in
/// another form than it came; for the rest the limits would be looked at once more for every row, to no avail.
std::string StoredForm(const model::DataType& type) {
  const bool formed = type.kind == model::TypeKind::kChar || type.kind == model::TypeKind::kNumeric;
  return formed ? model::ToSql(type) : FreeForm(type);
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

/// What else there is to ask of two values that are equal by `=`, one of them stored, the other about to be, before
/// they are the same to the letter. `=` is quick, and to compare images is not.
enum class Equality {
  kSame,            ///< nothing. Text too: no collation of a model's column is nondeterministic
  kSameOnceStored,  ///< nothing, as the column gives every value one form: numeric(4,2) has no 1.0, only 1.00
  kButZeroAndNan,   ///< 0 is not -0, and there are several NaN
  kNotSame,         ///< a month is not thirty days, nor 1.0 always 1.00: the image
};

Equality EqualityOf(const model::DataType& type) {
  using model::TypeKind;
  if (type.array) return Equality::kNotSame;
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
      return Equality::kSame;
    case TypeKind::kChar:
      return type.length ? Equality::kSameOnceStored : Equality::kNotSame;
    case TypeKind::kNumeric:
      return type.precision ? Equality::kSameOnceStored : Equality::kNotSame;
    case TypeKind::kReal:
    case TypeKind::kDouble:
      return Equality::kButZeroAndNan;
    case TypeKind::kTimeTz:
    case TypeKind::kInterval:
    case TypeKind::kJson:
    case TypeKind::kJsonb:
      return Equality::kNotSame;
  }
  return Equality::kNotSame;
}

}  // namespace

std::string Differ(const sql::TableLayout& table, const std::string& target, const std::string& source) {
  sql::TableLayout images = table;
  images.columns.clear();
  std::string differ;
  for (const model::Column& column : table.columns) {
    const Equality equality = EqualityOf(column.type);
    if (equality == Equality::kNotSame) {
      images.columns.push_back(column);
      continue;
    }
    const bool of_key = std::find(table.key.begin(), table.key.end(), column.name) != table.key.end();
    if (of_key && equality != Equality::kButZeroAndNan) continue;  // rows of one key
    const std::string stored = target + "." + Quoted(column.name);
    std::string staged = source + "." + Quoted(column.name);
    if (equality != Equality::kSameOnceStored) staged += "::" + FreeForm(column.type);
    std::string unlike = stored + " IS DISTINCT FROM " + staged;
    if (equality == Equality::kButZeroAndNan)
      unlike += " OR (" + stored + " IN (0, 'NaN') AND record_image_ne(ROW(" + stored + "), ROW(" + staged + ")))";
    differ += (differ.empty() ? "" : " OR ") + unlike;
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
