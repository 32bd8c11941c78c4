#include "run/observe.h"

#include "base/error.h"
#include "base/hex.h"
#include "sql/control_schema.h"

namespace yellow::run {
namespace {

constexpr const char* kSchemas = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^(dp|ws)_'";

constexpr const char* kGroups =
    "SELECT rolname FROM pg_roles WHERE substr(rolname, 1, length($1) + 4) IN ($1 || '_ws_', $1 || '_dt_', $1 || "
    "'_dr_', $1 || '_st_')";

constexpr const char* kColumns = R"(
SELECT n.nspname, c.relname, c.relkind, c.relpersistence, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(obj_description(c.oid, 'pg_class'), ''), greatest(c.reltuples, 0)::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname ~ '^(dp|ws)_' AND c.relkind IN ('r', 'v') ORDER BY 1, 2, a.attnum)";

constexpr const char* kIndexes = R"(
SELECT n.nspname, c.relname, i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^dp_')";

// Only what Yellow gives: to its own roles and groups, never what an owner has by itself.
constexpr const char* kGrants = R"(
SELECT n.nspname, '' AS relname, g.rolname, x.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) x JOIN pg_roles g ON g.oid = x.grantee
WHERE n.nspname ~ '^(dp|ws)_' AND x.grantee <> n.nspowner AND starts_with(g.rolname, $1 || '_') AND g.rolname !~ ('^' || $1 || '_(run|tmp)_.')
UNION ALL
SELECT n.nspname, c.relname, g.rolname, x.privilege_type
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x JOIN pg_roles g ON g.oid = x.grantee
WHERE n.nspname ~ '^(dp|ws)_' AND c.relkind IN ('r', 'v') AND x.grantee <> c.relowner AND starts_with(g.rolname, $1 || '_'))";

constexpr const char* kReaders = R"(
SELECT g.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member
WHERE starts_with(g.rolname, $1 || '_ws_') AND NOT starts_with(m.rolname, $1 || '_'))";

void ReadRelations(ports::Session& session, plan::Observed& observed) {
  const std::string mark = "yellow: ";
  const ports::Rows rows = session.Execute(kColumns);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::pair<std::string, std::string> name{rows.Text(i, 0), rows.Text(i, 1)};
    const plan::ColumnShape column{rows.Text(i, 4), rows.Text(i, 5), rows.Boolean(i, 6)};
    if (rows.Text(i, 2) == "v") {
      plan::ObservedView& view = observed.views[name];
      if (rows.Text(i, 7).starts_with(mark)) view.digest = rows.Text(i, 7).substr(mark.size());
      view.columns.push_back(column);
    } else {
      plan::ObservedTable& table = observed.tables[name];
      table.unlogged = rows.Text(i, 3) == "u";
      table.rows = rows.Integer(i, 8);
      table.columns.push_back(column);
    }
  }
  const ports::Rows indexes = session.Execute(kIndexes);
  for (size_t i = 0; i < indexes.size(); ++i) {
    const auto table = observed.tables.find({indexes.Text(i, 0), indexes.Text(i, 1)});
    if (table != observed.tables.end()) table->second.indexes.insert(indexes.Text(i, 2));
  }
}

/// Not there before Yellow's own schema is migrated.
void ReadFollowed(ports::Session& session, plan::Observed& observed) {
  if (session.Execute("SELECT to_regclass('yellow.change_log') IS NULL").Boolean(0, 0)) return;
  const ports::Rows rows = session.Execute("SELECT stream, dataset FROM yellow.change_log");
  for (size_t i = 0; i < rows.size(); ++i) observed.followed.insert({rows.Text(i, 0), rows.Text(i, 1)});
}

}  // namespace

plan::Observed Observe(ports::Session& session, const std::string& prefix) {
  plan::Observed observed;
  observed.schema_version = SchemaVersion(session);
  if (const auto stored = NewestModel(session)) {
    observed.model_version = stored->version;
    observed.model_digest = stored->digest;
  }
  const ports::Rows schemas = session.Execute(kSchemas);
  for (size_t i = 0; i < schemas.size(); ++i) observed.schemas.insert(schemas.Text(i, 0));
  const ports::Rows groups = session.Execute({kGroups, {prefix}});
  for (size_t i = 0; i < groups.size(); ++i) observed.groups.insert(groups.Text(i, 0));
  ReadRelations(session, observed);
  ReadFollowed(session, observed);
  const ports::Rows grants = session.Execute({kGrants, {prefix}});
  for (size_t i = 0; i < grants.size(); ++i) {
    observed.grants.insert({grants.Text(i, 0), grants.Text(i, 1), grants.Text(i, 2), grants.Text(i, 3)});
  }
  const ports::Rows readers = session.Execute({kReaders, {prefix}});
  for (size_t i = 0; i < readers.size(); ++i) observed.readers.insert({readers.Text(i, 0), readers.Text(i, 1)});
  return observed;
}

int SchemaVersion(ports::Session& session) {
  if (!session.Execute("SELECT to_regclass('yellow.installation') IS NOT NULL").Boolean(0, 0)) return 0;
  const int64_t version = session.Execute("SELECT schema_version FROM yellow.installation").Integer(0, 0);
  if (version > sql::kControlSchemaVersion) {
    throw base::Error("newer_schema", "a newer version of yellow has been at work here: its schema is version " +
                                          std::to_string(version) + ", this program knows " +
                                          std::to_string(sql::kControlSchemaVersion))
        .Remedy("use the newer program");
  }
  return static_cast<int>(version);
}

std::optional<StoredModel> LoadApplied(ports::Session& session) {
  const int version = SchemaVersion(session);
  if (version != 0 && version < sql::kControlSchemaVersion) {
    throw base::Error("older_schema", "an older version of yellow has been at work here: its schema is version " +
                                          std::to_string(version) + ", this program needs " +
                                          std::to_string(sql::kControlSchemaVersion))
        .Remedy("yellow apply migrates it");
  }
  return NewestModel(session);
}

int NewestVersion(ports::Session& session) {
  return static_cast<int>(session.Execute("SELECT coalesce(max(version), 0) FROM yellow.model").Integer(0, 0));
}

std::optional<StoredModel> NewestModel(ports::Session& session) {
  if (SchemaVersion(session) == 0) return std::nullopt;
  const ports::Rows newest =
      session.Execute("SELECT version, environment, digest FROM yellow.model ORDER BY version DESC LIMIT 1");
  if (newest.empty()) return std::nullopt;
  StoredModel stored{static_cast<int>(newest.Integer(0, 0)), newest.Text(0, 1), newest.Text(0, 2), {}};
  const ports::Rows files =
      session.Execute({"SELECT f.key, coalesce(f.value ->> 'hex', f.value #>> '{}'), jsonb_typeof(f.value) = 'object' "
                       "FROM yellow.model m, jsonb_each(m.files) f WHERE m.version = $1",
                       {newest.Text(0, 0)}});
  for (size_t i = 0; i < files.size(); ++i)
    stored.files[files.Text(i, 0)] = files.Boolean(i, 2) ? base::BytesOfHex(files.Text(i, 1)) : files.Text(i, 1);
  return stored;
}

}  // namespace yellow::run
