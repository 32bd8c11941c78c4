#include "run/try_runner.h"
#include "run/audit.h"

#include "base/error.h"
#include "merge/preview.h"
#include "plan/try_layout.h"
#include "run/execute_container.h"
#include "run/run_login.h"
#include "run/trust.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr std::string_view kTryOf = "yellow try: ";  // the comment of a schema, before its holder

std::string PrefixOf(const Applied& applied) {
  return applied.model.environment ? applied.model.environment->role_prefix : "yellow";
}

/// The owner of everything in the merge database.
std::unique_ptr<ports::Session> OpenOwner(const Effects& effects, const std::string& container,
                                          const std::string& prefix) {
  auto session = effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kMigrator, "try"));
  session->Execute("SET ROLE " + sql::Identifier::Quote(sql::Roles(prefix).Owner()).text());
  return session;
}

std::string FolderOf(const Applied& applied, const std::string& run_id) {
  return applied.data_folder + "/runs/" + run_id;
}

/// An empty schema that records whose try it is.
void MakeSchema(ports::Session& owner, const std::string& run_id, const std::string& comment) {
  const std::string schema = sql::Identifier::Quote(plan::TrySchema(run_id)).text();
  ports::Transaction transaction(owner);
  owner.Execute("DROP SCHEMA IF EXISTS " + schema + " CASCADE");
  owner.Execute("CREATE SCHEMA " + schema);
  owner.Execute("COMMENT ON SCHEMA " + schema + " IS " + sql::Literal(comment));
  transaction.Commit();
}

/// What a try has made, in an order that can be broken off at any point: the schema with its record goes last, but
/// before the login what is granted to it.
void Drop(const Effects& effects, ports::Session& engine, ports::Session& owner, const Applied& applied,
          const std::string& run_id, const std::string& comment) {
  RunLogin login(effects, engine, PrefixOf(applied), run_id);
  login.Quiesce();
  MakeSchema(owner, run_id, comment);
  login.Drop();
  effects.files.RemoveTree(FolderOf(applied, run_id));
  owner.Execute("DROP SCHEMA IF EXISTS " + sql::Identifier::Quote(plan::TrySchema(run_id)).text() + " CASCADE");
}

class OneTry {
 public:
  OneTry(const Effects& effects, const Actor& actor, const Applied& candidate, const Applied& applied)
      : effects_(effects),
        actor_(actor),
        candidate_(candidate),
        applied_(applied),
        container_(candidate.physical.transformers.at(0).container),
        run_id_(NewRunId(effects)),
        layout_(LayoutOf()),
        engine_(effects.connector.Open(effects.endpoints.Service(container_, ports::ServiceRole::kEngine, "try"))),
        owner_(OpenOwner(effects, container_, PrefixOf(candidate))) {}

  ~OneTry() {
    try {
      Drop(effects_, *engine_, *owner_, candidate_, run_id_, Comment());
    } catch (const base::Error& error) {
      effects_.reporter.Line("What the try has made stays until the next yellow run: " + std::string(error.what()));
    }
  }
  OneTry(const OneTry&) = delete;
  OneTry& operator=(const OneTry&) = delete;

  TryReport Run(size_t rows) {
    TryReport report;
    const bool container =
        StartsContainer(candidate_.model, *candidate_.model.FindWorkspace(layout_.transformer.workspace)->transformer);
    if (container) FetchImage(effects_, candidate_, layout_.transformer, nullptr);
    const base::Secret password = Prepare();
    report.code = Execute(password, report.inputs);
    if (container) RemoveContainer(effects_, candidate_, run_id_);
    RunLogin(effects_, *engine_, PrefixOf(candidate_), run_id_).Quiesce();
    if (report.code.outcome != CodeOutcome::kFinished) return report;
    for (const sql::TableLayout& output : layout_.transformer.outputs)
      report.datasets.push_back(CompareOutput(output, rows));
    return report;
  }

 private:
  plan::TryLayout LayoutOf() const {
    auto laid = plan::LayTry(candidate_.physical, applied_.physical, PrefixOf(candidate_), run_id_);
    if (auto* layout = std::get_if<plan::TryLayout>(&laid)) return std::move(*layout);
    std::string all;
    for (const std::string& problem : std::get<std::vector<std::string>>(laid))
      all += (all.empty() ? "" : "; ") + problem;
    throw base::Error("not_applied", all).Remedy("yellow run --apply first; the transformer itself may wait");
  }

  std::string Comment() const { return std::string(kTryOf) + actor_.holder; }

  base::Secret Prepare() {
    MakeSchema(*owner_, run_id_, Comment());
    const model::DataTransformer& declared =
        *candidate_.model.FindWorkspace(layout_.transformer.workspace)->transformer;
    base::Secret password = RunLogin(effects_, *engine_, PrefixOf(candidate_), run_id_)
                                .OpenAlone(declared.start_limit.seconds + declared.timeout.seconds);
    ports::Transaction transaction(*owner_);
    for (const std::string& statement : layout_.statements) owner_->Execute(statement);
    RecordAudit(*owner_, actor_, "transformer.tried", layout_.transformer.key, {{"run", run_id_}});
    transaction.Commit();
    return password;
  }

  /// On one snapshot, which sees exactly the batches that are reported.
  CodeResult Execute(const base::Secret& password, std::map<std::string, int>& inputs) {
    const auto keeper =
        effects_.connector.Open(effects_.endpoints.Service(container_, ports::ServiceRole::kEngine, "try keeper"));
    ports::Transaction snapshot(*keeper, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
    std::map<std::string, std::pair<int, int>> claims;
    for (const plan::TransformerInput& input : layout_.transformer.inputs) {
      const int batch = CommittedBatch(*keeper, input.stream);
      const std::string address = ToString(input.table.dataset);
      if (batch == 0 && !input.own_output)
        throw base::Error("not_applied", address + " has no committed batch yet").Remedy("yellow run --apply first");
      claims[address] = {0, batch};
      inputs[address] = batch;
    }
    const std::string exported = keeper->Execute("SELECT pg_export_snapshot()").Text(0, 0);
    const std::string login = sql::Roles(PrefixOf(candidate_)).RunLogin(run_id_);
    return ExecuteCode(effects_, {candidate_, layout_.transformer, run_id_, "full", exported,
                                  effects_.endpoints.As(container_, login, password, "try " + run_id_), claims,
                                  [] { return true; }, nullptr, nullptr, actor_.holder});
  }

  static int CommittedBatch(ports::Session& session, const std::string& stream) {
    return static_cast<int>(session
                                .Execute({"SELECT coalesce(max(batch), 0) FROM yellow.batch WHERE stream = $1 AND "
                                          "state = 'committed'",
                                          {stream}})
                                .Integer(0, 0));
  }

  TriedDataset CompareOutput(const sql::TableLayout& output, size_t limit) {
    TriedDataset tried;
    tried.dataset = output.dataset.dataset;
    const auto& committed = layout_.committed.at(tried.dataset);
    if (committed) tried.batch = CommittedBatch(*owner_, layout_.transformer.output_stream);
    const merge::Preview preview{
        {output, 0, sql::Qualified(output.schema, output.output_table),
         output.incremental_output ? merge::SourceMeaning::kSnapshotWithOp : merge::SourceMeaning::kSnapshot},
        committed};
    const ports::Rows counts = owner_->Execute(merge::PreviewCounts(preview));
    merge::Counters& counters = tried.counters;
    counters.inserted = counts.Integer(0, 0), counters.updated = counts.Integer(0, 1);
    counters.deleted = counts.Integer(0, 2), counters.unchanged = counts.Integer(0, 3);
    counters.staged = counters.inserted + counters.updated + counters.unchanged;
    const model::Datastore& store = *candidate_.model.FindDatastore(output.dataset.store);
    const int64_t before = counters.unchanged + counters.updated + counters.deleted;
    tried.breach =
        merge::BreachOf(tried.dataset, counters, before, std::get<model::TransformerOutput>(store.capture).guards);
    for (const model::Column& column : output.columns) tried.columns.push_back(column.name);
    tried.rows = owner_->Execute(merge::PreviewRows(preview, limit)).rows;
    return tried;
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& candidate_;
  const Applied& applied_;
  const std::string container_, run_id_;
  const plan::TryLayout layout_;
  std::unique_ptr<ports::Session> engine_, owner_;
};

}  // namespace

TryReport Try(const Effects& effects, const Actor& actor, const Applied& candidate, const Applied& applied,
              size_t rows) {
  return OneTry(effects, actor, candidate, applied).Run(rows);
}

int DropAbandonedTries(const Effects& effects, ports::Session& engine, const std::string& container,
                       const Applied& applied) {
  const ports::Rows schemas =
      engine.Execute({"SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname ~ "
                      "'^try_[0-9a-f]+$' AND starts_with(obj_description(oid, 'pg_namespace'), $1)",
                      {std::string(kTryOf)}});
  int dropped = 0;
  for (size_t i = 0; i < schemas.size(); ++i) {
    if (effects.processes.MayBeAlive(schemas.Text(i, 1).substr(kTryOf.size()))) continue;
    const auto owner = OpenOwner(effects, container, PrefixOf(applied));
    Drop(effects, engine, *owner, applied, schemas.Text(i, 0).substr(plan::TrySchema("").size()), schemas.Text(i, 1));
    ++dropped;
  }
  return dropped;
}

}  // namespace yellow::run
