#include <charconv>
#include <map>
#include <sstream>

#include "plan/doctor_server.h"
#include "plan/doctor_source.h"
#include "run/ask.h"
#include "run/doctor.h"
#include "run/doctor_server.h"
#include "sql/control_schema.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr const char* kServer = R"(
SELECT split_part(current_setting('server_version'), ' ', 1), pg_encoding_to_char(d.encoding),
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', d.datcollate), coalesce(to_jsonb(d) ->> 'datcollversion', ''),
       current_setting('fsync') = 'off', current_setting('full_page_writes') = 'off'
FROM pg_database d WHERE d.datname = current_database())";

constexpr const char* kCollation =
    "SELECT coalesce(pg_database_collation_actual_version(oid), '') FROM pg_database WHERE datname = "
    "current_database()";

constexpr const char* kConnections = R"(
SELECT current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
         - coalesce(current_setting('reserved_connections', true)::bigint, 0),
       (SELECT sum(numbackends) FROM pg_stat_database), (SELECT count(*) FROM pg_stat_activity WHERE starts_with(usename, $1 || '_')),
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()), coalesce((SELECT rolconnlimit FROM pg_roles WHERE rolname = $1 || '_engine'), -1))";

constexpr const char* kSizes =
    "SELECT pg_database_size(current_database()), coalesce((SELECT max(relpages::bigint * "
    "current_setting('block_size')::bigint) FROM pg_class WHERE relkind = 'r'), 0)";

constexpr const char* kWaiting = R"(
SELECT l.pid, coalesce(a.usename, ''), coalesce(a.application_name, ''), coalesce(n.nspname || '.' || c.relname, 'a ' || l.locktype),
       extract(epoch FROM clock_timestamp() - l.waitstart), array_to_string(pg_blocking_pids(l.pid), ' ')
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT l.granted AND l.waitstart IS NOT NULL AND coalesce(l.database, 0) IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
ORDER BY l.waitstart)";

constexpr const char* kSessions =
    "SELECT pid, coalesce(usename, ''), coalesce(application_name, '') FROM pg_stat_activity WHERE datname = "
    "current_database()";

constexpr const char* kPrepared =
    "SELECT gid, owner, extract(epoch FROM clock_timestamp() - prepared) FROM pg_prepared_xacts WHERE database = "
    "current_database() ORDER BY prepared";

constexpr const char* kIdle =
    "SELECT i.pid, coalesce(i.login, ''), coalesce(i.application, ''), coalesce(i.seconds, 0), i.holds_back FROM "
    "yellow_sec.sessions_idle() i WHERE NOT "
    "(i.login "
    "= $1 || '_engine' AND i.application ~ '^yellow (try )?keeper')";

// The writers of a stream that is being worked on and the code of an open run may be idle, as a keeper's snapshot is.
constexpr const char* kAtWork = R"(
 AND NOT EXISTS (SELECT FROM yellow.stream s WHERE i.pid = ANY (s.backends) AND s.lease_until > clock_timestamp())
 AND NOT EXISTS (SELECT FROM yellow.run r WHERE r.login = i.login AND r.closed_at IS NULL))";

plan::SessionName NameOf(const ports::Rows& rows, size_t row, size_t column) {
  return {rows.Integer(row, column), rows.Text(row, column + 1), rows.Text(row, column + 2)};
}

double Seconds(ports::TimePoint time) {
  return static_cast<double>(time.time_since_epoch().count()) / 1e6;  // an Instant counts microseconds
}

std::vector<plan::WaitingLock> ReadWaiting(ports::Session& session) {
  std::map<std::string, plan::SessionName> sessions;
  const ports::Rows all = session.Execute(kSessions);
  for (size_t i = 0; i < all.size(); ++i) sessions[all.Text(i, 0)] = NameOf(all, i, 0);
  std::vector<plan::WaitingLock> waiting;
  const ports::Rows rows = session.Execute(kWaiting);
  for (size_t i = 0; i < rows.size(); ++i) {
    plan::WaitingLock lock{NameOf(rows, i, 0), rows.Text(i, 3), std::stod(rows.Text(i, 4)), {}};
    std::istringstream pids(rows.Text(i, 5));
    for (std::string pid; pids >> pid;) {
      const auto found = sessions.find(pid);
      lock.blockers.push_back(found == sessions.end() ? plan::SessionName{std::stol(pid), "", ""} : found->second);
    }
    waiting.push_back(std::move(lock));
  }
  return waiting;
}

void ReadIdle(ports::Session& session, const std::string& prefix, plan::LockFacts& facts) {
  const bool seen =
      session
          .Execute({"SELECT to_regprocedure('yellow_sec.sessions_idle()') IS NOT NULL AND EXISTS (SELECT FROM pg_roles "
                    "WHERE rolname = $1 || '_roles' AND pg_has_role(oid, 'pg_read_all_stats', 'USAGE'))",
                    {prefix}})
          .Boolean(0, 0);
  if (!seen) {
    facts.why_no_sessions = "what other sessions do is not shown to Yellow's logins";
    return;
  }
  const bool applied = session.Execute("SELECT to_regclass('yellow.run') IS NOT NULL").Boolean(0, 0);
  const ports::Rows rows = session.Execute({std::string(kIdle) + (applied ? kAtWork : ""), {prefix}});
  for (size_t i = 0; i < rows.size(); ++i)
    facts.idle.push_back({NameOf(rows, i, 0), std::stod(rows.Text(i, 3)), rows.Boolean(i, 4)});
}

}  // namespace

plan::ServerFacts ReadServer(const Effects& effects, ports::Session& session, const std::string& container,
                             bool merge) {
  plan::ServerFacts facts;
  facts.container = container;
  facts.merge = merge;
  facts.version = session.server_version();
  const ports::Rows server = session.Execute(kServer);
  facts.shown = server.Text(0, 0), facts.encoding = server.Text(0, 1), facts.locale = server.Text(0, 2);
  facts.collation = server.Text(0, 3);
  if (server.Boolean(0, 4)) facts.unsafe.emplace_back("fsync = off");
  if (server.Boolean(0, 5)) facts.unsafe.emplace_back("full_page_writes = off");
  if (merge && facts.version >= 150000) facts.collation_now = session.Execute(kCollation).Text(0, 0);
  const double before = Seconds(effects.clock.Now());
  const double theirs = std::stod(session.Execute("SELECT extract(epoch FROM clock_timestamp())").Text(0, 0));
  const double after = Seconds(effects.clock.Now());
  facts.clock_ahead = theirs - (before + after) / 2;
  facts.clock_doubt = (after - before) / 2;
  return facts;
}

plan::Findings ExamineServer(const Effects& effects, ports::Session& session, const MergePlace& place,
                             const model::Environment& limits) {
  const std::string& container = place.info.container;
  plan::Findings findings;
  const auto server = Ask(session, [&](ports::Session& s) { return ReadServer(effects, s, container, true); });
  if (server.facts) {
    findings = plan::JudgeServer(*server.facts, place.administrator, place.info.database);
  } else {
    findings.push_back(plan::Skipped("server/" + container, server.why_not));
  }
  const auto connections = Ask(session, [&](ports::Session& s) {
    const ports::Rows row = s.Execute({kConnections, {place.prefix}});
    return plan::ConnectionFacts{container,         row.Integer(0, 0), row.Integer(0, 1),     row.Integer(0, 2),
                                 row.Integer(0, 3), row.Integer(0, 4), limits.max_connections};
  });
  findings.push_back(connections.facts ? plan::JudgeConnections(*connections.facts)
                                       : plan::Skipped("connections/" + container, connections.why_not));
  const auto locks = Ask(session, [&](ports::Session& s) {
    plan::LockFacts facts;
    facts.container = container;
    facts.waiting = ReadWaiting(s);
    ReadIdle(s, place.prefix, facts);
    const ports::Rows prepared = s.Execute(kPrepared);
    for (size_t i = 0; i < prepared.size(); ++i)
      facts.prepared.push_back({prepared.Text(i, 0), prepared.Text(i, 1), std::stod(prepared.Text(i, 2))});
    return facts;
  });
  if (!locks.facts) {
    findings.push_back(plan::Skipped("locks/" + container, locks.why_not));
  } else {
    for (plan::Finding& finding : plan::JudgeLocks(*locks.facts, place.administrator))
      findings.push_back(std::move(finding));
  }
  return findings;
}

plan::Findings ExamineDisks(const Effects& effects, ports::Session* session, const MergePlace& place) {
  const std::string& name = place.info.container;
  plan::DiskFacts facts{name, place.info.folder, 0, 0, 0, 0};
  if (session != nullptr) {
    const auto sizes = Ask(*session, [](ports::Session& s) {
      const ports::Rows row = s.Execute(kSizes);
      return std::pair(row.Integer(0, 0), row.Integer(0, 1));
    });
    if (sizes.facts) std::tie(facts.database, facts.largest) = *sizes.facts;
  }
  const auto space = facts.path.empty() ? std::nullopt : effects.files.Space(facts.path);
  if (!space) {
    std::string text = "the disk of " + place.info.host + " cannot be seen from here";
    if (facts.database > 0) text += "; the database has " + plan::Bytes(static_cast<double>(facts.database));
    return {plan::Skipped("disk/" + name, text, "look there for what is free")};
  }
  facts.free = space->free, facts.total = space->total;
  return {plan::JudgeDisk(facts)};
}

plan::Finding ExamineDataFolder(const Effects& effects, const std::string& data) {
  const auto space = effects.files.Space(data);
  if (!space) return plan::Skipped("disk/data", "there is no data folder yet: " + data);
  return plan::JudgeDisk({"data", data, space->free, space->total, 0, 0});
}

Logins TryLogins(const Effects& effects, const MergePlace& place) {
  Logins logins;
  const sql::Roles roles(place.prefix);
  using Role = ports::ServiceRole;
  for (const auto& [role, name] : {std::pair(Role::kEngine, roles.Engine()),
                                   {Role::kIngestOut, roles.IngestOut()},
                                   {Role::kMigrator, roles.Migrator()},
                                   {Role::kAccess, roles.Access()}}) {
    plan::CredentialFacts facts{place.info.container + "/" + name, name, place.info.container, "", ""};
    try {
      auto session = effects.connector.Open(effects.endpoints.Service(place.info.container, role, "doctor"));
      // Only these two read Yellow's own state.
      if (logins.session == nullptr && (role == Role::kEngine || role == Role::kIngestOut))
        logins.session = std::move(session);
    } catch (const base::Error& error) {
      facts.failure = error.what();
      facts.remedy =
          error.retryable ? error.remedy : "yellow bootstrap makes Yellow's logins and their passwords again";
    }
    logins.findings.push_back(plan::JudgeCredential(facts));
  }
  return logins;
}

FoundModel FindModel(ports::Session& session, const MergePlace& place, const std::string& digest) {
  FoundModel found;
  const std::string of = "model/" + place.info.container;
  try {
    const int version = SchemaVersion(session);
    found.stored = NewestModel(session);
    if (version != 0 && version < sql::kControlSchemaVersion) {
      found.findings.push_back({of + "/schema", plan::Health::kProblem, "older_schema",
                                "an older version of yellow has been at work here", "yellow apply migrates it"});
    } else if (version != 0) {
      found.findings.push_back(plan::Well(of + "/schema"));
    }
    found.findings.push_back(
        found.stored
            ? plan::Well(of + "/applied", "model version " + std::to_string(found.stored->version) +
                                              (found.stored->digest == digest ? "" : " (files are newer: yellow plan)"))
            : plan::Finding{of + "/applied", plan::Health::kWarning, "not_applied",
                            "no model was applied yet; sources are checked as the files have them",
                            "yellow plan shows what it would do, yellow apply does it"});
  } catch (const base::Error& error) {
    found.findings.push_back({of + "/schema", plan::Health::kProblem, error.code, error.what(), error.remedy});
  }
  return found;
}

}  // namespace yellow::run
