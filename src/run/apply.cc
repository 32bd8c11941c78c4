#include "run/apply.h"

#include <map>

#include "base/error.h"
#include "base/hex.h"
#include "base/json_text.h"
#include "base/utf8.h"
#include "run/audit.h"
#include "run/observe.h"
#include "sql/bootstrap.h"
#include "sql/control_schema.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::run {
namespace {

/// What roles.sql has noted as long as there was no audit log.
constexpr const char* kRecordBootstraps =
    R"(SELECT yellow_access.audit_add(noted ->> 'person', 'installation.bootstrapped', current_database(), '',
              noted - 'person'::text)
FROM obj_description('yellow_op'::regnamespace, 'pg_namespace') d,
     jsonb_array_elements(CASE WHEN d LIKE 'yellow: [%' THEN substr(d, length('yellow: ') + 1)::jsonb END) WITH ORDINALITY n (noted, place)
ORDER BY place)";
constexpr int kAttempts = 20;
constexpr std::chrono::milliseconds kPause{250};

void BecomeOwner(ports::Session& session, const std::string& prefix) {
  session.Execute("SET LOCAL ROLE " + sql::Identifier::Quote(sql::Roles(prefix).Owner()).text());
  session.Execute("SET LOCAL lock_timeout = '2s'");
}

/// The functions that a server is prepared with and the schema that they use are of one version.
void RequirePrepared(ports::Session& session) {
  const std::string mark =
      session.Execute("SELECT coalesce(obj_description(to_regnamespace('yellow_sec'), 'pg_namespace'), '')").Text(0, 0);
  if (mark == sql::BootstrapMark()) return;
  throw base::Error("not_prepared", "another version of yellow has prepared the server")
      .Remedy("yellow bootstrap prepares it for this one; then apply");
}

/// Brings Yellow's own schema to this program's version in one transaction, whoever else tries the same.
void Migrate(ports::Session& session, const Actor& actor, const std::string& container, const std::string& prefix) {
  ports::Transaction transaction(session, "", "migrate");
  BecomeOwner(session, prefix);
  const int from = SchemaVersion(session);
  if (from != sql::kControlSchemaVersion) RequirePrepared(session);
  for (const std::string_view script : sql::ControlSchemaScripts(from)) session.ExecuteScript(script);
  session.Execute(
      {"INSERT INTO yellow.installation (schema_version, role_prefix) VALUES ($1, $2) ON CONFLICT "
       "(only_one) DO UPDATE SET schema_version = excluded.schema_version",
       {std::to_string(sql::kControlSchemaVersion), prefix}});
  if (from == 0) session.Execute(kRecordBootstraps);
  if (from != sql::kControlSchemaVersion) {
    RecordAudit(session, actor, from == 0 ? "installation.created" : "installation.migrated", container,
                {{"from", std::to_string(from)}, {"to", std::to_string(sql::kControlSchemaVersion)}});
  }
  transaction.Commit();
}

/// A waiting ALTER blocks every new reader, so it waits two seconds at most and comes back.
void TakeStep(const Effects& effects, ports::Session& session, const std::string& prefix, const plan::Step& step) {
  for (int attempt = 1;; ++attempt) {
    try {
      ports::Transaction transaction(session, "", "step");
      if (step.as_owner) BecomeOwner(session, prefix);
      for (const std::string& statement : step.statements) session.Execute(statement);
      transaction.Commit();
      return;
    } catch (base::Error& error) {
      if (error.sqlstate == "55P03" && attempt < kAttempts) {
        effects.clock.Sleep(kPause);
        continue;
      }
      error.Context("while taking the step: " + step.kind + " " + step.address);
      if (error.sqlstate == "2BP01") error.Remedy("something that is not Yellow's depends on it; drop that first");
      throw;
    }
  }
}

void KeepStreams(ports::Session& session, const Applied& candidate) {
  session.Execute("UPDATE yellow.stream SET retired = true");
  for (const plan::Stream& stream : candidate.physical.streams) {
    session.Execute(
        {"INSERT INTO yellow.stream (key, platform, store, dataset) VALUES ($1, $2, $3, nullif($4, '')) "
         "ON CONFLICT (key) DO UPDATE SET retired = false",
         {stream.key, stream.platform, stream.store, stream.dataset}});
  }
  session.Execute("UPDATE yellow.transformer SET retired = true");
  for (const plan::Transformer& transformer : candidate.physical.transformers) {
    session.Execute(
        {"INSERT INTO yellow.transformer (key, platform, workspace) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE "
         "SET retired = false",
         {transformer.key, transformer.platform, transformer.workspace}});
  }
}

/// Path to content; what is not text stands as {"hex": …}.
std::string FilesAsJson(const std::map<std::string, std::string>& files) {
  std::string json;
  for (const auto& [path, content] : files) {
    const bool text = base::LengthOfText(content) == content.size();
    json += (json.empty() ? "{" : ", ") + base::JsonString(path) + ": " +
            (text ? base::JsonString(content) : "{\"hex\": \"" + base::HexOf(content) + "\"}");
  }
  return json.empty() ? "{}" : json + "}";
}

/// `2 add column, 1 create table`: what the steps were, by kind.
std::string SummaryOf(const plan::Plan& plan) {
  std::map<std::string, int> kinds;
  for (const plan::Step& step : plan.steps) ++kinds[step.kind];
  std::string summary;
  for (const auto& [kind, count] : kinds) summary += (summary.empty() ? "" : ", ") + std::to_string(count) + " " + kind;
  return summary;
}

int StoreModel(ports::Session& session, const Actor& actor, const Applied& candidate, const plan::Plan& plan,
               const std::string& prefix) {
  ports::Transaction transaction(session, "", "model");
  BecomeOwner(session, prefix);
  const std::string version = std::to_string(plan.base_version + 1);
  const std::string environment = candidate.model.environment ? candidate.model.environment->name : "local";
  session.Execute(
      {"INSERT INTO yellow.model (version, environment, files, digest, applied_by, program) VALUES ($1, $2, $5, $3, "
       "$4, '0.1.0')",
       {version, environment, plan.model_digest, actor.person, FilesAsJson(candidate.files)}});
  KeepStreams(session, candidate);
  session.Execute(
      {"INSERT INTO yellow.event (kind, actor, detail) VALUES ('apply', $1, $2)",
       {actor.person, "model version " + version + " applied, " + std::to_string(plan.steps.size()) + " steps"}});
  RecordAudit(session, actor, "model.applied", "model version " + version,
              {{"digest", plan.model_digest},
               {"environment", environment},
               {"steps", std::to_string(plan.steps.size())},
               {"summary", SummaryOf(plan)}});
  transaction.Commit();
  return plan.base_version + 1;
}

int AppliedVersion(ports::Session& session, const std::string& prefix) {
  ports::Transaction transaction(session);
  BecomeOwner(session, prefix);
  const auto stored = NewestModel(session);
  transaction.Commit();
  return stored ? stored->version : 0;
}

/// Held in a session of its own for as long as an apply takes; ends with the session, whatever happens to the program.
class ApplyLock {
 public:
  ApplyLock(const Effects& effects, const std::string& container, const std::string& prefix)
      : session_(
            effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kMigrator, "apply lock"))),
        transaction_(*session_) {
    BecomeOwner(*session_, prefix);
    try {
      session_->Execute("LOCK TABLE yellow.installation IN SHARE UPDATE EXCLUSIVE MODE");
    } catch (base::Error& error) {
      if (error.sqlstate == "55P03")
        throw base::Error("apply_running", "another apply is at work").Retryable().Remedy("wait for it to end");
      throw;
    }
  }

 private:
  std::unique_ptr<ports::Session> session_;
  ports::Transaction transaction_;
};

}  // namespace

ApplyReport Apply(const Effects& effects, const Actor& actor, const std::string& container, const std::string& prefix,
                  const Applied& candidate, const plan::Plan& plan) {
  const auto session =
      effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kMigrator, "apply"));
  // The lock of an apply is a table of the schema itself.
  if (plan.schema_version == 0) Migrate(*session, actor, container, prefix);
  const ApplyLock lock(effects, container, prefix);
  if (plan.schema_version != 0 && plan.migrates()) Migrate(*session, actor, container, prefix);
  ApplyReport report;
  const int version = AppliedVersion(*session, prefix);
  if (version != plan.base_version) {
    throw base::Error("stale_plan", "the plan is stale: it was made against model version " +
                                        std::to_string(plan.base_version) + ", and version " + std::to_string(version) +
                                        " is applied")
        .Remedy("make a new plan");
  }
  const Busy busy(effects.reporter);
  for (const plan::Step& step : plan.steps) {
    effects.reporter.UnderWay(
        {container, step.kind + " " + step.address, report.steps + 1, static_cast<int>(plan.steps.size())});
    TakeStep(effects, *session, prefix, step);
    ++report.steps;
  }
  report.model_version = version;
  if (plan.new_model) {
    report.model_version = StoreModel(*session, actor, candidate, plan, prefix);
  }
  return report;
}

}  // namespace yellow::run
