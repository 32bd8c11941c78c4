#include "run/run_login.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

/// A fresh password and what the server is told of it.
struct Password {
  base::Secret password;
  std::string verifier;
};

/// Takes some milliseconds: a verifier is meant to be slow to compute.
Password MakePassword(const Effects& effects) {
  Password made{effects.entropy.Password(), ""};
  made.verifier = effects.connector.ScramVerifier(made.password);
  return made;
}

// Also a login that its run made after somebody else had closed it, and those made ahead whose time is over. $1: the
// prefix of logins, $2: a transformer or '', $3: the group of all of them.
constexpr const char* kOrphans = R"(
WITH login AS MATERIALIZED (
  SELECT substr(rolname, length($1) + 1) AS id, oid, rolcanlogin, rolvaliduntil FROM pg_roles WHERE starts_with(rolname, $1)
)
SELECT id FROM yellow.run
WHERE state IN ('committed', 'failed', 'timed_out', 'lost', 'cancelled') AND ($2 = '' OR transformer = $2)
  AND (login IS NOT NULL OR id IN (SELECT id FROM login))
UNION
SELECT id FROM login
WHERE NOT rolcanlogin AND rolvaliduntil < clock_timestamp() AND pg_has_role(oid, $3, 'MEMBER')
  AND EXISTS (SELECT FROM pg_namespace WHERE nspname = 'scratch_' || id))";  // the prefix may be another database's,
                                                                             // too

constexpr int kEndAttempts = 200;
constexpr std::chrono::milliseconds kEndPause{10};
constexpr int kTimeDigits = 12, kChanceDigits = 8;

}  // namespace

std::string NewRunId(const Effects& effects) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(effects.clock.Now().time_since_epoch());
  return fmt::format("{:0{}x}", now.count(), kTimeDigits) + effects.entropy.Hex(kChanceDigits);
}

std::optional<ports::TimePoint> MadeAt(const std::string& run_id) {
  if (run_id.size() != kTimeDigits + kChanceDigits || run_id.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  return ports::TimePoint{std::chrono::milliseconds{std::stoll(run_id.substr(0, kTimeDigits), nullptr, 16)}};
}

RunLogin::RunLogin(const Effects& effects, ports::Session& engine, std::string prefix, std::string run_id)
    : effects_(effects), engine_(engine), prefix_(std::move(prefix)), run_id_(std::move(run_id)) {}

std::string RunLogin::name() const { return sql::Roles(prefix_).RunLogin(run_id_); }

base::Secret RunLogin::Open(const std::string& workspace, int64_t valid_seconds) {
  Password made = MakePassword(effects_);
  const sql::Roles roles(prefix_);
  OpenWith(made.verifier, roles.WorkspaceGroup(workspace), roles.OutputGroup(workspace), valid_seconds);
  return std::move(made.password);
}

base::Secret RunLogin::OpenAlone(int64_t valid_seconds) {
  Password made = MakePassword(effects_);
  OpenWith(made.verifier, std::nullopt, std::nullopt, valid_seconds);
  return std::move(made.password);
}

base::Secret RunLogin::MakeAhead(std::chrono::seconds valid) {
  Password made = MakePassword(effects_);
  engine_.Execute({"SELECT yellow_sec.run_prepare($1, $2, clock_timestamp() + make_interval(secs => $3))",
                   {run_id_, made.verifier, std::to_string(valid.count())}});
  return std::move(made.password);
}

void RunLogin::OpenMadeAhead(const std::string& workspace, int64_t valid_seconds) {
  const sql::Roles roles(prefix_);
  OpenWith(std::nullopt, roles.WorkspaceGroup(workspace), roles.OutputGroup(workspace), valid_seconds);
}

void RunLogin::OpenWith(const std::optional<std::string>& verifier, const std::optional<std::string>& readers,
                        const std::optional<std::string>& writers, int64_t valid_seconds) {
  engine_.Execute({"SELECT yellow_sec.run_open($1, $2, clock_timestamp() + make_interval(secs => $3), $4, $5)",
                   {run_id_, verifier, std::to_string(valid_seconds), readers, writers}});
}

void RunLogin::Quiesce() {
  engine_.Execute({"SELECT yellow_sec.run_disable($1)", {run_id_}});
  for (int attempt = 0; engine_.Execute({"SELECT yellow_sec.run_end($1)", {run_id_}}).Integer(0, 0) > 0; ++attempt) {
    if (attempt == kEndAttempts) throw base::Error("quiesce", "sessions of the run do not end: " + run_id_).Retryable();
    effects_.clock.Sleep(kEndPause);
  }
  RollBackPrepared();
}

void RunLogin::RollBackPrepared() {
  const ports::Rows prepared = engine_.Execute({"SELECT yellow_sec.run_prepared($1)", {run_id_}});
  if (prepared.empty()) return;
  engine_.Execute("SET ROLE " + sql::Identifier::Quote(name()).text());
  for (size_t i = 0; i < prepared.size(); ++i)
    engine_.Execute("ROLLBACK PREPARED " + sql::Literal(prepared.Text(i, 0)));
  engine_.Execute("RESET ROLE");
}

void RunLogin::Drop() {
  engine_.Execute({"SELECT yellow_sec.run_drop($1)", {run_id_}});
  engine_.Execute({"UPDATE yellow.run SET login = NULL WHERE id = $1", {run_id_}});
}

int DropOrphanLogins(const Effects& effects, ports::Session& engine, const std::string& prefix,
                     const std::string& transformer) {
  const sql::Roles roles(prefix);
  const ports::Rows orphans = engine.Execute({kOrphans, {roles.RunLogin(""), transformer, roles.RunBase()}});
  for (size_t i = 0; i < orphans.size(); ++i) {
    RunLogin login(effects, engine, prefix, orphans.Text(i, 0));
    login.Quiesce();
    try {
      login.Drop();
    } catch (const base::Error& error) {
      // It can do nothing any more; one that cannot be dropped must not stop everybody else.
      effects.reporter.Line("The login of run " + orphans.Text(i, 0) + " could not be dropped: " + error.what());
    }
  }
  return static_cast<int>(orphans.size());
}

}  // namespace yellow::run
