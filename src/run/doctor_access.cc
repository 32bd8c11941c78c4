#include "plan/doctor_access.h"

#include <algorithm>
#include <sstream>

#include "plan/try_layout.h"
#include "run/ask.h"
#include "run/doctor.h"
#include "run/observe.h"
#include "run/run_login.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr const char* kRoles = R"(
SELECT rolname, rolcanlogin, rolinherit, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, coalesce(shobj_description(oid, 'pg_authid'), '')
FROM pg_roles WHERE starts_with(rolname, $1 || '_') ORDER BY rolname)";

// Until 15 a membership has neither option, and always counts.
constexpr const char* kMembers = R"(
SELECT g.rolname, m.rolname, bool_or(coalesce((to_jsonb(a) ->> 'inherit_option')::boolean, true) OR coalesce((to_jsonb(a) ->> 'set_option')::boolean, true)),
       bool_or(a.admin_option), coalesce(max(b.rolname) FILTER (WHERE current_setting('server_version_num')::int >= 160000 AND NOT b.rolsuper), '')
FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member LEFT JOIN pg_roles b ON b.oid = a.grantor
WHERE NOT m.rolsuper AND (starts_with(g.rolname, $1 || '_') OR starts_with(m.rolname, $1 || '_')) GROUP BY 1, 2 ORDER BY 1, 2)";

// Everything of Yellow's schemas, the database and the schema public, with its owner and each right that somebody else
// has.
constexpr const char* kObjects = R"(
WITH object (name, sql, owner, acl, of_column) AS (
  SELECT d.datname::text, 'DATABASE ' || quote_ident(d.datname), d.datdba, coalesce(d.datacl, acldefault('d', d.datdba)), ''
  FROM pg_database d WHERE d.datname = current_database()
  UNION ALL
  SELECT n.nspname, 'SCHEMA ' || quote_ident(n.nspname), n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)), ''
  FROM pg_namespace n WHERE n.nspname ~ '^(dp_|ws_|yellow$|yellow_sec$|yellow_op$|yellow_access$|public$)'
  UNION ALL
  SELECT n.nspname || '.' || c.relname, CASE c.relkind WHEN 'S' THEN 'SEQUENCE ' ELSE 'TABLE ' END || format('%I.%I', n.nspname, c.relname), c.relowner,
         coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)), ''
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname ~ '^(dp_|ws_|yellow$|yellow_sec$|yellow_op$|yellow_access$)' AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
  SELECT n.nspname || '.' || c.relname, 'TABLE ' || format('%I.%I', n.nspname, c.relname), c.relowner, a.attacl, ' (' || quote_ident(a.attname) || ')'
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname ~ '^(dp_|ws_|yellow$|yellow_sec$|yellow_op$|yellow_access$)' AND a.attacl IS NOT NULL
  UNION ALL
  SELECT n.nspname || '.' || p.proname || '()', 'FUNCTION ' || format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), p.proowner,
         coalesce(p.proacl, acldefault('f', p.proowner)), ''
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname ~ '^(dp_|ws_|yellow$|yellow_sec$|yellow_op$|yellow_access$)'
)
SELECT o.name, o.sql, pg_get_userbyid(o.owner), CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END, x.privilege_type || o.of_column, x.is_grantable
FROM object o LEFT JOIN LATERAL (SELECT * FROM aclexplode(o.acl) e WHERE e.grantee <> o.owner) x ON true)";

constexpr const char* kOpenFunctions = R"(
SELECT EXISTS (SELECT FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
  WHERE p.pronamespace = 'pg_catalog'::regnamespace AND x.grantee = 0
    AND (p.proname LIKE 'pg\_advisory%' OR p.proname LIKE 'pg\_try\_advisory%' OR p.proname LIKE 'lo\_%' OR p.proname IN ('loread', 'lowrite'))))";

constexpr const char* kMark = "SELECT coalesce(obj_description(to_regnamespace('yellow_sec'), 'pg_namespace'), '')";

// $1: the prefix of the logins of runs. A try is known by the comment of its schema.
constexpr const char* kLogins = R"(
WITH made (name, run_id, is_schema, ahead) AS (
  SELECT rolname::text, substr(rolname, length($1) + 1), false, NOT rolcanlogin AND pg_has_role(oid, rtrim($1, '_'), 'MEMBER') FROM pg_roles WHERE starts_with(rolname, $1)
  UNION ALL
  SELECT nspname, substr(nspname, length('scratch_') + 1), true, false FROM pg_namespace
  WHERE nspname ~ '^scratch_[0-9a-f]{8,40}$' AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 || substr(nspname, length('scratch_') + 1))
)
SELECT m.name, m.run_id, coalesce(r.state, ''), CASE WHEN r.closed_at IS NULL THEN 0 ELSE greatest(extract(epoch FROM clock_timestamp() - r.closed_at), 0.001) END,
       coalesce(r.holder, (SELECT nullif(split_part(obj_description(t.oid, 'pg_namespace'), 'yellow try: ', 2), '') FROM pg_namespace t WHERE t.nspname = 'try_' || m.run_id), ''),
       m.is_schema, m.ahead, coalesce(r.transformer, ''),
       array_to_string(ARRAY(SELECT g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles l ON l.oid = a.member
                             WHERE l.rolname = m.name AND g.rolname <> rtrim($1, '_') ORDER BY 1), ' ')
FROM made m LEFT JOIN yellow.run r ON r.id = m.run_id ORDER BY 1)";

constexpr const char* kLeases =
    "SELECT key, holder, CASE WHEN isfinite(lease_until) THEN extract(epoch FROM lease_until - clock_timestamp()) ELSE "
    "-1 END FROM yellow.stream WHERE holder IS NOT NULL ORDER BY key";

plan::RolesFacts ReadRoles(ports::Session& session, const MergePlace& place) {
  // In the private cluster the roles are all of its databases'.
  plan::RolesFacts facts{place.info.container, place.prefix, place.info.embedded ? "" : place.info.database, {}, {}};
  const ports::Rows roles = session.Execute({kRoles, {place.prefix}});
  for (size_t i = 0; i < roles.size(); ++i) {
    facts.roles.push_back({roles.Text(i, 0), roles.Boolean(i, 1), roles.Boolean(i, 2), roles.Boolean(i, 3),
                           roles.Boolean(i, 4), roles.Boolean(i, 5), roles.Boolean(i, 6), roles.Boolean(i, 7),
                           roles.Text(i, 8)});
  }
  const ports::Rows members = session.Execute({kMembers, {place.prefix}});
  for (size_t i = 0; i < members.size(); ++i)
    facts.members.push_back(
        {members.Text(i, 0), members.Text(i, 1), members.Boolean(i, 2), members.Boolean(i, 3), members.Text(i, 4)});
  return facts;
}

/// Without a run there are none that it may have. What a transformer that the model has no more may do is not known.
std::vector<std::string> StrayGroups(const std::string& groups, const std::string& run_state, const std::string& key,
                                     const Applied& applied, const sql::Roles& roles) {
  const plan::Transformer* transformer = applied.physical.FindTransformer(key);
  if (transformer == nullptr && !run_state.empty()) return {};
  std::vector<std::string> stray;
  std::istringstream names(groups);
  for (std::string name; names >> name;) {
    if (transformer == nullptr ||
        (name != roles.WorkspaceGroup(transformer->workspace) && name != roles.OutputGroup(transformer->workspace)))
      stray.push_back(name);
  }
  return stray;
}

plan::GrantsFacts ReadGrants(ports::Session& session, const MergePlace& place) {
  plan::GrantsFacts facts{place.info.container, place.prefix, place.info.database, {}, {}, false};
  const ports::Rows rows = session.Execute(kObjects);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& name = rows.Text(i, 0);
    facts.objects[name] = {rows.Text(i, 1), rows.Text(i, 2)};
    if (rows.IsNull(i, 3)) continue;
    facts.rights.insert({name, rows.Text(i, 3), rows.Text(i, 4)});
    if (rows.Boolean(i, 5)) facts.rights.insert({name, rows.Text(i, 3), rows.Text(i, 4) + " WITH GRANT OPTION"});
  }
  facts.server_functions_open = session.Execute(kOpenFunctions).Boolean(0, 0);
  facts.prepared = session.Execute(kMark).Text(0, 0);
  return facts;
}

std::vector<plan::LoginFacts> ReadLogins(const Effects& effects, ports::Session& session, const std::string& prefix,
                                         const Applied& applied) {
  std::vector<plan::LoginFacts> logins;
  const sql::Roles roles(prefix);
  const ports::Rows rows = session.Execute({kLogins, {roles.RunLogin("")}});
  for (size_t i = 0; i < rows.size(); ++i) {
    plan::LoginFacts login{
        rows.Text(i, 0),    rows.Text(i, 1),   rows.Text(i, 2), std::stod(rows.Text(i, 3)), rows.Text(i, 4), true,
        rows.Boolean(i, 5), rows.Boolean(i, 6)};
    login.stray_groups = StrayGroups(rows.Text(i, 8), rows.Text(i, 2), rows.Text(i, 7), applied, roles);
    login.holder_lives = !login.holder.empty() && effects.processes.MayBeAlive(login.holder);
    logins.push_back(std::move(login));
  }
  return logins;
}

std::vector<plan::LeaseFacts> ReadLeases(const Effects& effects, ports::Session& session) {
  std::vector<plan::LeaseFacts> leases;
  const ports::Rows rows = session.Execute(kLeases);
  for (size_t i = 0; i < rows.size(); ++i) {
    leases.push_back(
        {rows.Text(i, 0), rows.Text(i, 1), effects.processes.MayBeAlive(rows.Text(i, 1)), std::stod(rows.Text(i, 2))});
  }
  return leases;
}

/// Judges what was found out, or says that it was not.
template <typename Facts, typename Judge>
void Add(plan::Findings& findings, const std::string& key, const plan::Answer<Facts>& answer, Judge judge) {
  if (!answer.facts) {
    findings.push_back(plan::Skipped(key, answer.why_not));
    return;
  }
  for (plan::Finding& finding : judge(*answer.facts)) findings.push_back(std::move(finding));
}

}  // namespace

plan::Findings ExamineAccess(const Effects& effects, ports::Session& session, const MergePlace& place,
                             const Applied* applied) {
  const std::string& container = place.info.container;
  plan::Findings findings;
  std::optional<plan::Desired> wanted;
  if (applied != nullptr) {
    wanted = plan::Want(applied->physical, place.prefix);
    const auto observed = Ask(session, [&](ports::Session& s) { return Observe(s, place.prefix); });
    Add(findings, "model/" + container + "/database", observed, [&](const plan::Observed& there) {
      return plan::JudgeDatabase(container, *wanted, there, applied->digest, place.administrator);
    });
  }
  const plan::Desired* model = wanted ? &*wanted : nullptr;
  Add(findings, "roles/" + container, Ask(session, [&](ports::Session& s) { return ReadRoles(s, place); }),
      [&](const plan::RolesFacts& facts) { return plan::JudgeRoles(facts, model, place.administrator); });
  Add(findings, "grants/" + container, Ask(session, [&](ports::Session& s) { return ReadGrants(s, place); }),
      [&](const plan::GrantsFacts& facts) { return plan::JudgeGrants(facts, model, place.administrator); });
  if (applied == nullptr) {
    for (const char* group : {"logins/", "leases/"})
      findings.push_back(plan::Skipped(group + container, "which model was applied is not known"));
    return findings;
  }
  Add(findings, "logins/" + container,
      Ask(session, [&](ports::Session& s) { return ReadLogins(effects, s, place.prefix, *applied); }),
      [&](const auto& logins) { return plan::JudgeLogins(container, logins, place.administrator); });
  Add(findings, "leases/" + container, Ask(session, [&](ports::Session& s) { return ReadLeases(effects, s); }),
      [&](const auto& leases) { return plan::JudgeLeases(container, leases); });
  return findings;
}

}  // namespace yellow::run
