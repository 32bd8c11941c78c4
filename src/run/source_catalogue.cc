#include "run/source_catalogue.h"

#include <map>

#include "base/error.h"
#include "base/suggest.h"
#include "sql/statement.h"

namespace yellow::run {
namespace {

constexpr const char* kSchemas =
    "SELECT nspname, has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> "
    "'information_schema' ORDER BY nspname";

constexpr const char* kRelations = R"(
SELECT c.oid, c.relname, c.relkind, coalesce((SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
         WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1), ''),
       coalesce((SELECT e.extname FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'), ''),
       coalesce(obj_description(c.oid, 'pg_class'), ''), has_any_column_privilege(c.oid, 'SELECT'), row_security_active(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY c.relname COLLATE "C")";

// The type as ReadSourceColumns (source_schema.cc) gives it, and as the table has it.
constexpr const char* kColumns = R"(
SELECT a.attrelid, a.attname, format_type(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END,
                                          CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END),
       t.typtype IN ('b', 'd') AND (t.typnamespace = 'pg_catalog'::regnamespace OR t.typtype = 'd' OR t.typelem <> 0),
       format_type(t.oid, a.atttypmod), coalesce(col_description(a.attrelid, a.attnum), ''), a.attnotnull,
       has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum)";

constexpr const char* kKeys = R"(
SELECT i.indrelid, i.indexrelid, i.indisprimary, i.indisreplident, a.attname
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
     unnest(i.indkey::int2[]) WITH ORDINALITY k (attnum, place) JOIN pg_attribute a ON a.attnum = k.attnum
WHERE a.attrelid = i.indrelid AND n.nspname = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
      AND k.place <= i.indnkeyatts
ORDER BY i.indrelid, x.relname COLLATE "C", k.place)";

void RequireSchema(ports::Session& source, const std::string& schema, const std::string& login) {
  const ports::Rows rows = source.Execute(kSchemas);
  std::vector<std::string> names;
  std::string list;
  for (size_t i = 0; i < rows.size(); ++i) {
    names.push_back(rows.Text(i, 0));
    list += (list.empty() ? "" : ", ") + rows.Text(i, 0);
    if (rows.Text(i, 0) != schema || rows.Boolean(i, 1)) continue;
    throw base::Error("schema", login + " may not use the schema " + schema)
        .Remedy("as its owner: GRANT USAGE ON SCHEMA " + sql::Identifier::Quote(schema).text() + " TO " +
                sql::Identifier::Quote(login).text());
  }
  for (const std::string& name : names) {
    if (name == schema) return;
  }
  const std::string near = base::Suggest(schema, names);
  throw base::Error("schema", "there is no schema " + schema + " in the database")
      .Remedy(near.empty() ? "there are: " + list : "did you mean " + near + "?");
}

plan::RelationKind KindOf(const std::string& letter) {
  if (letter == "p") return plan::RelationKind::kPartitioned;
  if (letter == "v") return plan::RelationKind::kView;
  if (letter == "m") return plan::RelationKind::kMaterializedView;
  if (letter == "f") return plan::RelationKind::kForeignTable;
  return plan::RelationKind::kTable;
}

void ReadKeys(ports::Session& source, const std::string& schema, std::map<std::string, plan::SourceTable*>& tables) {
  const ports::Rows rows = source.Execute({kKeys, {schema}});
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto table = tables.find(rows.Text(i, 0));
    if (table == tables.end()) continue;
    std::vector<plan::SourceKey>& keys = table->second->keys;
    const bool begins = i == 0 || rows.Text(i, 1) != rows.Text(i - 1, 1);
    if (begins) keys.push_back({rows.Boolean(i, 2), rows.Boolean(i, 3), {}});
    keys.back().columns.push_back(rows.Text(i, 4));
  }
}

}  // namespace

plan::SourceCatalogue ReadCatalogue(ports::Session& source, const std::string& schema) {
  ports::Transaction snapshot(source, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const ports::Rows self = source.Execute("SELECT current_database(), current_user");
  plan::SourceCatalogue catalogue{self.Text(0, 0), schema, self.Text(0, 1), {}};
  RequireSchema(source, schema, catalogue.login);
  const ports::Rows relations = source.Execute({kRelations, {schema}});
  for (size_t i = 0; i < relations.size(); ++i) {
    plan::SourceTable table;
    table.name = relations.Text(i, 1);
    table.kind = KindOf(relations.Text(i, 2));
    table.parent = relations.Text(i, 3);
    table.extension = relations.Text(i, 4);
    table.comment = relations.Text(i, 5);
    table.readable = relations.Boolean(i, 6);
    table.row_security = relations.Boolean(i, 7);
    catalogue.tables.push_back(std::move(table));
  }
  std::map<std::string, plan::SourceTable*> by_oid;
  for (size_t i = 0; i < relations.size(); ++i) by_oid[relations.Text(i, 0)] = &catalogue.tables[i];
  const ports::Rows columns = source.Execute({kColumns, {schema}});
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto table = by_oid.find(columns.Text(i, 0));
    if (table == by_oid.end()) continue;
    table->second->columns.push_back({columns.Text(i, 1), columns.Text(i, 2), columns.Boolean(i, 3), columns.Text(i, 4),
                                      columns.Text(i, 5), columns.Boolean(i, 6), columns.Boolean(i, 7)});
  }
  ReadKeys(source, schema, by_oid);
  snapshot.Commit();
  return catalogue;
}

}  // namespace yellow::run
