#include <algorithm>
#include <map>
#include <set>

#include "base/suggest.h"
#include "plan/doctor_source.h"
#include "run/ask.h"
#include "run/doctor.h"
#include "run/doctor_server.h"
#include "run/source_schema.h"
#include "run/trust.h"

namespace yellow::run {
namespace {

constexpr const char* kTable =
    "SELECT has_schema_privilege(n.oid, 'USAGE'), has_any_column_privilege(c.oid, 'SELECT'), "
    "row_security_active(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND "
    "c.relname = $2 AND c.relkind IN ('r', 'p', 'v', 'm', 'f')";

/// A credential at a container, with the session that it gave.
struct OpenSource {
  plan::CredentialFacts facts;
  std::unique_ptr<ports::Session> session;
  std::string why_not;  ///< without a session
};

OpenSource OpenWith(const Effects& effects, const std::string& container, const std::string& credential) {
  OpenSource source{{credential + "/" + container, "", container, "", ""}, nullptr, ""};
  try {
    const ports::ConnectionTarget target = effects.endpoints.Source(container, credential, "doctor");
    source.facts.user = target.user;
    source.session = effects.connector.Open(target);
  } catch (const base::Error& error) {
    source.facts.failure = error.what();
    source.facts.remedy = error.remedy;
    source.why_not = "nobody could log in to " + container + " with " + credential;
  }
  return source;
}

plan::SourceColumnFacts Compare(const model::Column& column, const std::vector<SourceColumn>& columns) {
  plan::SourceColumnFacts facts{column.name, column.from, true, "", true, ""};
  const auto found =
      std::find_if(columns.begin(), columns.end(), [&](const SourceColumn& c) { return c.name == column.from; });
  if (found == columns.end()) {
    facts.there = false;
    std::vector<std::string> names;
    for (const SourceColumn& c : columns) names.push_back(c.name);
    facts.near = base::Suggest(column.from, names);
    return facts;
  }
  facts.readable = found->readable;
  facts.unfit = Unfit(*found, column.type).value_or("");
  return facts;
}

plan::SourceTableFacts ReadTable(const model::Datastore& store, const model::SqlSnapshot& snapshot,
                                 const model::Dataset& dataset, const OpenSource& source) {
  plan::SourceTableFacts facts;
  facts.store = store.name, facts.dataset = dataset.name;
  facts.schema = snapshot.schema, facts.table = dataset.table;
  facts.login = source.facts.user;
  std::vector<SourceColumn> columns;
  if (source.session == nullptr) {
    facts.why_not = source.why_not;
  } else {
    const auto answer = Ask(*source.session, [&](ports::Session& session) {
      columns = ReadSourceColumns(session, facts.schema, facts.table);
      return session.Execute({kTable, {facts.schema, facts.table}});
    });
    facts.why_not = answer.why_not;
    facts.there = answer.facts && !answer.facts->empty();
    if (facts.there) {
      facts.schema_usable = answer.facts->Boolean(0, 0), facts.readable = answer.facts->Boolean(0, 1);
      facts.rows_hidden = answer.facts->Boolean(0, 2);
    }
  }
  for (const model::Column& column : dataset.columns) facts.columns.push_back(Compare(column, columns));
  return facts;
}

void Append(plan::Findings& findings, plan::Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(findings));
}

plan::Findings ExamineSourceServer(const Effects& effects, OpenSource& source) {
  const std::string& container = source.facts.container;
  std::string why_not = source.why_not;
  if (source.session != nullptr) {
    const auto server =
        Ask(*source.session, [&](ports::Session& session) { return ReadServer(effects, session, container, false); });
    if (server.facts) return plan::JudgeServer(*server.facts, {}, "");
    why_not = server.why_not;
  }
  return {plan::Skipped("server/" + container, why_not), plan::Skipped("clocks/" + container, why_not)};
}

}  // namespace

plan::Findings ExamineSources(const Effects& effects, const model::Model& model,
                              const std::vector<plan::Stream>& streams) {
  plan::Findings servers, credentials, tables;
  std::map<std::pair<std::string, std::string>, OpenSource> sources;
  std::set<std::string> seen;
  for (const plan::Stream& stream : streams) {
    const model::Datastore* store = model.FindDatastore(stream.store);
    const auto* snapshot = store == nullptr ? nullptr : std::get_if<model::SqlSnapshot>(&store->capture);
    if (snapshot == nullptr) continue;
    const std::string& container = snapshot->container.text;
    const auto [place, is_new] = sources.try_emplace({container, snapshot->credential.text});
    OpenSource& source = place->second;
    if (is_new) {
      source = OpenWith(effects, container, snapshot->credential.text);
      credentials.push_back(plan::JudgeCredential(source.facts));
      if (seen.insert(container).second) Append(servers, ExamineSourceServer(effects, source));
    }
    for (const sql::TableLayout& table : stream.tables) {
      Append(tables,
             plan::JudgeSourceTable(ReadTable(*store, *snapshot, *store->FindDataset(table.dataset.dataset), source)));
    }
  }
  Append(servers, std::move(credentials));
  Append(servers, std::move(tables));
  return servers;
}

plan::Findings ExamineHandedOn(const Effects& effects, const model::Model& model,
                               const model::Environment& environment) {
  std::set<std::string> names;
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    for (const model::Name& name : workspace.transformer->credentials) names.insert(name.text);
    const auto& mask = workspace.transformer->code.mask;
    if (mask && mask->mask_key) names.insert(mask->mask_key->text);
  }
  plan::Findings findings;
  for (const std::string& name : names) {
    plan::CredentialFacts facts{name, "", "", "", ""};
    const auto place = std::find_if(environment.credentials.begin(), environment.credentials.end(),
                                    [&](const model::CredentialPlace& p) { return p.credential == name; });
    try {
      if (place == environment.credentials.end()) {
        throw base::Error("secret", "the environment does not say where credential " + name + " is")
            .Remedy("add it under credentials: in environments/" + environment.name + ".yaml");
      }
      effects.secrets.Read(name, place->source);
    } catch (const base::Error& error) {
      facts.failure = error.what();
      facts.remedy = error.remedy;
    }
    findings.push_back(plan::JudgeCredential(facts));
  }
  return findings;
}

namespace {

plan::Finding ExamineEngine(const Effects& effects, const model::Environment& environment) {
  const std::string key = "launcher/engine";
  try {
    const ports::EngineInfo engine = effects.containers.Of(environment)->Describe();
    return plan::Well(key, engine.name + " " + engine.version + " answers at " + engine.place +
                               "; each run of code has a container of its own");
  } catch (const base::Error& error) {
    return {key, plan::Health::kProblem, "launcher.engine", error.what(), error.remedy};
  }
}

}  // namespace

plan::Finding ExamineLauncher(const Effects& effects, const Actor& actor, const model::Model& model,
                              const model::Environment& environment) {
  const std::string key = "launcher/isolation";
  if (environment.launcher != model::LauncherKind::kProcess) return ExamineEngine(effects, environment);
  std::vector<std::string> workspaces;
  for (const model::Workspace& workspace : model.workspaces) {
    if (workspace.transformer && StartsProcess(model, *workspace.transformer)) workspaces.push_back(workspace.name);
  }
  if (workspaces.empty()) return plan::Well(key, "no transformer starts a program on this machine");
  const std::string notice = TrustNotice(effects.processes, actor, workspaces);
  if (notice.empty()) return plan::Well(key, "each run of code has an operating-system user of its own");
  return {key, plan::Health::kWarning, "launcher.trusted", notice,
          "run yellow as root where the code is not to be trusted"};
}

}  // namespace yellow::run
