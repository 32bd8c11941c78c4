#include "run/rehearsal.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "merge/columns.h"
#include "plan/desired.h"
#include "plan/rehearsal.h"
#include "run/apply.h"
#include "run/batch_runner.h"
#include "run/commit.h"
#include "run/observe.h"
#include "run/transform_runner.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr const char* kSeed = "yellow_seed";

using sql::Quoted;

std::string CreateTable(const std::string& name, const std::vector<model::Column>& columns) {
  std::string list;
  for (const model::Column& column : columns)
    list += (list.empty() ? "" : ", ") + Quoted(column.name) + " " + model::ToSql(column.type);
  return "TABLE " + name + " (" + list + ")";
}

/// Puts rows of a fixture into a table of the dataset's columns. Throws base::Error code "fixture" with file and line.
void Insert(ports::Session& session, const std::string& table, const plan::Fixture& fixture) {
  std::string columns, values;
  for (size_t i = 0; i < fixture.table.columns.size(); ++i) {
    columns += (columns.empty() ? "" : ", ") + Quoted(fixture.table.columns[i]);
    values += (values.empty() ? "$" : ", $") + std::to_string(i + 1);
  }
  const std::string text = "INSERT INTO " + table + " (" + columns + ") VALUES (" + values + ")";
  for (const base::CsvRow& row : fixture.table.rows) {
    try {
      session.Execute({text, row.values});
    } catch (const base::Error& error) {
      if (error.sqlstate.empty()) throw;
      throw base::Error("fixture", fixture.file + ":" + std::to_string(row.line) + ": " + error.what());
    }
  }
}

/// The rows of a relation as text, in the order of their keys.
plan::TableRows ReadRows(ports::Session& session, const sql::TableLayout& table, const std::string& from) {
  plan::TableRows rows;
  std::string columns, order;
  for (const model::Column& column : table.columns) {
    rows.columns.push_back(column.name);
    columns += (columns.empty() ? "" : ", ") + Quoted(column.name) + "::text";
  }
  rows.key = table.key;
  for (const std::string& key : table.key) order += (order.empty() ? " ORDER BY " : ", ") + Quoted(key);
  rows.rows = session.Execute("SELECT " + columns + " FROM " + from + order).rows;
  return rows;
}

}  // namespace

ports::CredentialValue RehearsalSecrets::Read(const std::string& credential, const model::SecretSource& source) {
  if (credential == own_credential_) return real_.Read(credential, source);
  return {credential, base::Secret(credential), base::Secret(credential)};
}

base::Secret RehearsalSecrets::ReadUrl(const model::WebhookUrl&) {
  throw base::Error("secret", "nobody is told of a rehearsal");
}

Rehearsal::Rehearsal(const Effects& effects, ports::Servers& servers, const Actor& actor, const Applied& applied)
    : effects_(effects),
      actor_(actor),
      applied_(applied),
      transformer_(applied.physical.transformers.at(0)),
      session_(effects.connector.Open(
          servers.Service(transformer_.container, ports::ServiceRole::kSuperuser, "rehearsal"))) {
  MakeSourceTables();
  const std::string& prefix = applied.model.environment->role_prefix;
  const auto session =
      effects.connector.Open(servers.Service(transformer_.container, ports::ServiceRole::kMigrator, "rehearsal plan"));
  session->Execute("SET ROLE " + Quoted(sql::Roles(prefix).Owner()));
  const plan::Plan plan =
      plan::Difference(plan::Want(applied.physical, prefix), Observe(*session, prefix), applied.digest);
  Apply(effects, actor, transformer_.container, prefix, applied, plan);
  Remember();
}

/// Yellow's own state after apply, which a reset puts back.
void Rehearsal::Remember() {
  const ports::Rows state = session_->Execute(
      "SELECT relname FROM pg_class WHERE relnamespace = 'yellow'::regnamespace AND relkind = 'r' AND relname NOT IN "
      "('installation', 'model')");
  for (size_t i = 0; i < state.size(); ++i) {
    const std::string table = sql::Qualified("yellow", state.Text(i, 0)), copy = Quoted("initial_" + state.Text(i, 0));
    session_->Execute("CREATE TEMPORARY TABLE " + copy + " AS TABLE " + table);
    restore_ += "INSERT INTO " + table + " OVERRIDING SYSTEM VALUE TABLE " + copy + ";";
  }
}

void Rehearsal::MakeSourceTables() {
  for (const model::Datastore& store : applied_.model.datastores) {
    if (!std::holds_alternative<model::SqlSnapshot>(store.capture)) continue;
    for (const model::Dataset& dataset : store.datasets)
      session_->Execute("CREATE " + CreateTable("public." + Quoted(dataset.table), dataset.columns));
  }
  session_->ExecuteScript("GRANT USAGE ON SCHEMA public TO " + Quoted(plan::kRehearsalReader) +
                          "; GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + Quoted(plan::kRehearsalReader));
}

/// Everything as it was after apply: no rows, no batches, no runs.
void Rehearsal::Reset() {
  const ports::Rows tables = session_->Execute(
      "SELECT string_agg(c.oid::regclass::text, ', ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind = 'r' AND (n.nspname ~ '^dp_' OR n.nspname = 'public' OR n.nspname = 'yellow' AND c.relname "
      "NOT IN ('installation', 'model'))");
  // Rows come back as they were, whatever refers to what.
  session_->ExecuteScript("BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE " + tables.Text(0, 0) + ";" +
                          restore_ + "COMMIT");
}

void Rehearsal::Fill(const plan::TestCase& test) {
  for (const auto& [address, fixture] : test.inputs) {
    const model::Datastore& store = *applied_.model.FindDatastore(address.store);
    if (std::holds_alternative<model::SqlSnapshot>(store.capture)) {
      Insert(*session_, "public." + Quoted(store.FindDataset(address.dataset)->table), fixture);
    } else {
      SeedOwnOutput(address, fixture);
    }
  }
}

/// The own output as an input holds what an earlier run is supposed to have written: batch 1 of its stream.
void Rehearsal::SeedOwnOutput(const model::DatasetAddress& address, const plan::Fixture& fixture) {
  const auto table = std::find_if(transformer_.outputs.begin(), transformer_.outputs.end(),
                                  [&](const sql::TableLayout& output) { return output.dataset == address; });
  const std::string seed = std::string("pg_temp.") + kSeed;
  session_->Execute(std::string("DROP TABLE IF EXISTS ") + seed);
  session_->Execute("CREATE TEMPORARY " + CreateTable(kSeed, table->columns));
  Insert(*session_, seed, fixture);
  ports::Transaction transaction(*session_);
  session_->Execute(
      {"INSERT INTO yellow.batch (stream, batch, state, attempt, model_version) VALUES ($1, 1, 'committed', 'seed', "
       "$2) "
       "ON CONFLICT DO NOTHING",
       {transformer_.output_stream, std::to_string(applied_.version)}});
  const merge::MergeSpec spec{*table, 1, seed, merge::SourceMeaning::kSnapshot};
  for (const merge::MergeStatement& step : merge::Merge(spec)) session_->Execute(step.statement);
  session_->Execute(
      {"UPDATE yellow.batch SET committed_at = clock_timestamp() WHERE stream = $1", {transformer_.output_stream}});
  transaction.Commit();
}

std::optional<RehearsalFailure> Rehearsal::Ingest() {
  for (const plan::Stream& stream : applied_.physical.streams) {
    if (stream.workspace) continue;
    const BatchReport report = RunBatch(effects_, actor_, applied_, stream);
    if (report.outcome == BatchOutcome::kCommitted) continue;
    return RehearsalFailure{"input", "the input cannot be ingested: " + report.reason, ""};
  }
  return std::nullopt;
}

std::optional<RehearsalFailure> Rehearsal::Transform() {
  const RunReport report = RunTransformer(effects_, actor_, applied_, transformer_, "a test");
  if (report.outcome == RunOutcome::kCommitted) return std::nullopt;
  const ports::Rows log =
      session_->Execute({"SELECT coalesce(log, '') FROM yellow.run WHERE id = $1", {report.run_id}});
  return RehearsalFailure{report.reason_code, report.reason, log.empty() ? "" : log.Text(0, 0)};
}

Rehearsal::Tables Rehearsal::Read(const std::string& dataset, const plan::Fixture& fixture) {
  const plan::Stream& output = *applied_.physical.FindStream(transformer_.output_stream);
  const auto table = std::find_if(output.tables.begin(), output.tables.end(),
                                  [&](const sql::TableLayout& layout) { return layout.dataset.dataset == dataset; });
  const std::string expected = std::string("pg_temp.") + kSeed;
  session_->Execute("DROP TABLE IF EXISTS " + expected);
  session_->Execute("CREATE TEMPORARY " + CreateTable(kSeed, table->columns));
  Insert(*session_, expected, fixture);
  const bool forensic = table->milestoning == model::Milestoning::kForensic;
  return {ReadRows(*session_, *table, expected),
          ReadRows(*session_, *table,
                   merge::Target(*table) +
                       (forensic ? " WHERE yellow_batch_out = " + std::to_string(sql::kOpenBatch) : std::string()))};
}

Rehearsal::Result Rehearsal::Run(const plan::TestCase& test) {
  try {
    Reset();
    Fill(test);
    if (auto failure = Ingest()) return *failure;
    if (auto failure = Transform()) return *failure;
    std::map<std::string, Tables> tables;
    for (const auto& [dataset, fixture] : test.outputs) tables[dataset] = Read(dataset, fixture);
    return tables;
  } catch (const base::Error& error) {
    if (error.code != "fixture") throw;
    return RehearsalFailure{error.code, error.what(), ""};
  }
}

}  // namespace yellow::run
