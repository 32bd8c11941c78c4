#include "sql/source_copy.h"

#include <algorithm>
#include <cstdio>

namespace yellow::sql {
namespace {

using model::TypeKind;

std::string From(const model::Column& column) { return "s." + Identifier::Quote(column.from).text(); }

std::string Cast(const model::Column& column) {
  return From(column) + "::" + model::ToSql(model::WithoutLimits(column.type));
}

const Unreadable* Find(const std::vector<Unreadable>& unreadable, const std::string& column) {
  const auto found =
      std::find_if(unreadable.begin(), unreadable.end(), [&](const Unreadable& u) { return u.column == column; });
  return found == unreadable.end() ? nullptr : &*found;
}

std::string Any(const std::vector<Unreadable>& unreadable) {
  std::string any;
  for (const Unreadable& u : unreadable) any += (any.empty() ? "(" : " OR (") + u.condition + ")";
  return any;
}

std::string RowJson(const SourceTable& source, const std::vector<Unreadable>& unreadable) {
  std::string list;
  for (const model::Column& column : source.columns) {
    const Unreadable* u = Find(unreadable, column.name);
    list += (list.empty() ? "" : ", ");
    list += u == nullptr ? Cast(column)
                         : "CASE WHEN " + u->condition + " THEN " + u->shown + " ELSE " + From(column) + "::text END";
    list += " AS " + Identifier::Quote(column.name).text();
  }
  return "(SELECT row_to_json(x)::text FROM (SELECT " + list + ") x)";
}

bool HoldsText(const model::DataType& type) {
  return type.kind == TypeKind::kText || type.kind == TypeKind::kVarchar || type.kind == TypeKind::kChar ||
         type.kind == TypeKind::kJson || type.kind == TypeKind::kJsonb;
}

/// Bytes that the encoding cannot tell are written as \ooo.
std::vector<Unreadable> Texts(const SourceTable& source, const std::string& condition) {
  std::vector<Unreadable> texts;
  for (const model::Column& column : source.columns) {
    if (!HoldsText(column.type)) continue;
    const std::string text = From(column) + "::text";
    texts.push_back(
        {column.name, text + condition, "encode(convert_to(" + text + ", getdatabaseencoding()), 'escape')"});
  }
  return texts;
}

// The well-formed byte sequences of UTF-8: table 3-7 of the Unicode Standard. In a SQL_ASCII database each byte is one
// character of a regular expression.
constexpr const char* kUtf8 =
    R"(^([\x01-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|)"
    R"(\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$)";

}  // namespace

std::string CopyOut(const SourceTable& source, const std::vector<Unreadable>& unreadable) {
  std::string list;
  for (const model::Column& column : source.columns) {
    const Unreadable* u = Find(unreadable, column.name);
    list += (list.empty() ? "" : ", ");
    list += u == nullptr ? Cast(column) : "CASE WHEN " + u->condition + " THEN NULL ELSE " + Cast(column) + " END";
  }
  if (!unreadable.empty()) list += ", CASE WHEN " + Any(unreadable) + " THEN " + RowJson(source, unreadable) + " END";
  return "COPY (SELECT " + list + " FROM " + Qualified(source.schema, source.table) + " s) TO STDOUT (FORMAT binary)";
}

std::string CopyIn(const TableLayout& layout, const std::vector<Unreadable>& unreadable) {
  std::string list;
  for (const model::Column& column : layout.columns)
    list += (list.empty() ? "" : ", ") + Identifier::Quote(column.name).text();
  if (!unreadable.empty()) list += ", yellow_row";
  return "COPY " + Qualified(layout.schema, layout.staging_table) + " (" + list +
         ") FROM STDIN (FORMAT binary, FREEZE)";
}

Statement FindUnreadable(const SourceTable& source, const std::vector<Unreadable>& unreadable) {
  const std::string rows = " FROM " + Qualified(source.schema, source.table) + " s WHERE " + Any(unreadable);
  return "SELECT count(*), (SELECT " + RowJson(source, unreadable) + rows + " LIMIT 1)" + rows;
}

std::vector<Unreadable> TextsThatAreNotUtf8(const SourceTable& source) {
  return Texts(source, " !~ " + Literal(kUtf8));
}

std::vector<Unreadable> TextsWithBytes(const SourceTable& source, const std::vector<int>& bytes) {
  std::string set;
  for (const int byte : bytes) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(byte));
    set += escape;
  }
  return Texts(source, " ~ " + Literal("[" + set + "]"));
}

std::vector<Unreadable> InfiniteIntervals(const SourceTable& source) {
  std::vector<Unreadable> intervals;
  for (const model::Column& column : source.columns) {
    if (column.type.kind != TypeKind::kInterval) continue;
    const std::string condition = column.type.array
                                      ? "EXISTS (SELECT FROM unnest(" + From(column) + ") e WHERE NOT isfinite(e))"
                                      : "NOT isfinite(" + From(column) + ")";
    intervals.push_back({column.name, condition, From(column) + "::text"});
  }
  return intervals;
}

}  // namespace yellow::sql
