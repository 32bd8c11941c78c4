#include "run/source_schema.h"

#include <algorithm>

#include "base/suggest.h"

namespace yellow::run {
namespace {

using model::TypeKind;

bool IsText(TypeKind kind) { return kind == TypeKind::kText || kind == TypeKind::kVarchar || kind == TypeKind::kChar; }

bool Widens(TypeKind from, TypeKind to) {
  switch (from) {
    case TypeKind::kSmallint:
      return to == TypeKind::kInteger || to == TypeKind::kBigint || to == TypeKind::kNumeric;
    case TypeKind::kInteger:
      return to == TypeKind::kBigint || to == TypeKind::kNumeric;
    case TypeKind::kBigint:
      return to == TypeKind::kNumeric;
    default:
      return false;
  }
}

}  // namespace

std::optional<std::string> Unfit(const SourceColumn& source, const model::DataType& declared) {
  if (IsText(declared.kind) && !declared.array) return std::nullopt;
  std::string why;
  const auto parsed = source.known ? model::ParseType(source.type, &why) : std::nullopt;
  if (parsed) {
    const model::DataType& type = parsed->type;
    if (type.array == declared.array && (type.kind == declared.kind || Widens(type.kind, declared.kind) ||
                                         (IsText(type.kind) && IsText(declared.kind)))) {
      return std::nullopt;
    }
  }
  return "is " + source.type + " at the source and " + model::ToSql(declared) + " in the model";
}

std::optional<std::string> SchemaDrift(const model::Dataset& dataset, const std::string& schema,
                                       const std::vector<SourceColumn>& columns) {
  if (columns.empty()) return "the table " + schema + "." + dataset.table + " is not there, or may not be read";
  std::vector<std::string> names;
  for (const SourceColumn& column : columns) names.push_back(column.name);
  for (const model::Column& column : dataset.columns) {
    const auto found =
        std::find_if(columns.begin(), columns.end(), [&](const SourceColumn& c) { return c.name == column.from; });
    if (found == columns.end()) {
      const std::string near = base::Suggest(column.from, names);
      return "column " + column.from + " of " + schema + "." + dataset.table + " is not there" +
             (near.empty() ? "" : "; did you mean " + near + "?");
    }
    if (!found->readable) return "column " + column.from + " of " + schema + "." + dataset.table + " may not be read";
    if (const auto unfit = Unfit(*found, column.type))
      return "column " + column.from + " of " + schema + "." + dataset.table + " " + *unfit;
  }
  return std::nullopt;
}

std::vector<SourceColumn> ReadSourceColumns(ports::Session& source, const std::string& schema,
                                            const std::string& table) {
  const ports::Rows rows =
      source.Execute({"SELECT a.attname, format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END, CASE "
                      "WHEN t.typtype = 'd' THEN t.typtypmod "
                      "ELSE a.atttypmod END), t.typtype IN ('b', 'd') AND (t.typnamespace = 'pg_catalog'::regnamespace "
                      "OR t.typtype = 'd' OR t.typelem <> 0), has_schema_privilege(n.oid, 'USAGE') AND "
                      "has_column_privilege(c.oid, a.attnum, "
                      "'SELECT') "
                      "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = "
                      "c.relnamespace JOIN pg_type t ON t.oid = a.atttypid "
                      "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum "
                      "> 0 AND NOT a.attisdropped ORDER BY a.attnum",
                      {schema, table}});
  std::vector<SourceColumn> columns;
  for (size_t i = 0; i < rows.size(); ++i)
    columns.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Boolean(i, 2), rows.Boolean(i, 3)});
  return columns;
}

}  // namespace yellow::run
