#include "run/erase.h"

#include <algorithm>
#include <memory>
#include <set>

#include "base/error.h"
#include "merge/erase.h"
#include "plan/erasure.h"
#include "run/adoption.h"
#include "run/execute_container.h"
#include "run/quoted_rows.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/tick.h"
#include "run/trust.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

// A lease that has ended, or lies further ahead than one is long, is nobody's; but a process that is paused may hold
// locks under it.
constexpr const char* kEndSessions =
    "SELECT yellow_sec.backends_end(backends) FROM yellow.stream WHERE key = ANY ($1::text[]) AND backends <> '{}' AND "
    "(lease_until < clock_timestamp() OR lease_until > clock_timestamp() + interval '20 seconds')";

// Whoever has a batch of them under way without a lease finds itself fenced.
constexpr const char* kTakeEpochs =
    "UPDATE yellow.stream SET epoch = epoch + 1, holder = NULL, backends = '{}', lease_until = '-infinity' WHERE key = "
    "ANY ($1::text[]) AND (lease_until < clock_timestamp() OR lease_until > clock_timestamp() + interval '20 "
    "seconds') RETURNING key";

// What is counted instead of the table is that there are fewer now.
constexpr const char* kCountDown =
    "UPDATE yellow.batch_dataset d SET live_rows = live_rows - $3::bigint WHERE stream = $1 AND dataset = $2 AND batch "
    "= (SELECT max(batch) FROM yellow.batch_dataset n WHERE n.stream = $1 AND n.dataset = $2)";

constexpr const char* kRunAgain =
    "UPDATE yellow.transformer SET requested_at = clock_timestamp(), retry_at = NULL, failed_definition = NULL, "
    "failures = 0, definition = NULL WHERE key = ANY ($1::text[])";

constexpr const char* kRecordEvents =
    "INSERT INTO yellow.event (kind, node, actor, detail) SELECT 'row_erased', node, $2, $3 FROM unnest($1::text[]) "
    "node";

constexpr const char* kRecordEmptied =
    "INSERT INTO yellow.event (kind, node, actor, detail) SELECT 'outputs_emptied', node, $2, $3 FROM "
    "unnest($1::text[]) node";

base::Error AtWork(const std::string& node) {
  return base::Error("busy", "waits for " + NameOfNode(node) + ", which is at work").Retryable();
}

std::string Joined(const std::vector<std::string>& names, const char* by) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : by) + name;
  return list;
}

std::string Listed(const std::vector<std::string>& names) { return Joined(names, ", "); }

std::string ParameterOf(const OperationOrder& order, const std::string& name) {
  const auto found = order.parameters.find(name);
  if (found == order.parameters.end()) throw base::Error("parameter", "it was not told its " + name);
  return found->second;
}

class EraseOperation {
 public:
  EraseOperation(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
                 const OperationOrder& order)
      : effects_(effects),
        actor_(actor),
        applied_(applied),
        container_(container),
        order_(order),
        prefix_(applied.model.environment ? applied.model.environment->role_prefix : "yellow"),
        address_{order.scope.object, ParameterOf(order, "dataset")},
        session_(Connect(ports::ServiceRole::kEngine)) {
    const model::Dataset* declared = applied.model.FindDataset(address_);
    if (declared == nullptr || declared->key.empty())
      throw base::Error("dataset", "the model has no such dataset with a key any more: " + ToString(address_));
    erasure_ = plan::PlanErasure(applied.model, applied.physical, address_, container);
    if (erasure_.datasets.empty()) throw base::Error("dataset", "it is kept elsewhere: " + ToString(address_));
  }

  void Run() {
    ReadKey();
    ports::Transaction transaction(*session_, "", "erase");
    Exclude();
    for (const plan::ErasedDataset& one : erasure_.datasets) EraseFrom(one);
    figures_["texts"] = ForgetQuotedRows(*session_, erasure_.streams, erasure_.transformers);
    session_->Execute({kRunAgain, {sql::TextArray(erasure_.run_again)}});
    session_->Execute(
        {kRecordEvents, {sql::TextArray(erasure_.streams), order_.person, "under request " + order_.request}});
    Tell();
    EmptyOutputs();
    RemoveLogs();
    OweSpace();
    EndOperation(*session_, actor_, order_, true, figures_);
    transaction.Commit();
  }

 private:
  std::unique_ptr<ports::Session> Connect(ports::ServiceRole role) {
    return effects_.connector.Open(effects_.endpoints.Service(container_, role, "erase " + order_.request));
  }

  /// The values in the order of the dataset's key. What they are is not said to anybody.
  void ReadKey() {
    const ports::Rows given =
        session_->Execute({"SELECT key, value FROM jsonb_each_text($1::jsonb)", {ParameterOf(order_, "key")}});
    for (size_t i = 0; i < given.size(); ++i)
      if (!given.IsNull(i, 1)) key_[given.Text(i, 0)] = given.Text(i, 1);
    const std::vector<std::string>& columns = erasure_.datasets.front().table.key;
    const bool whole = given.size() == columns.size() &&
                       std::all_of(columns.begin(), columns.end(), [&](const auto& c) { return key_.count(c) != 0; });
    if (!whole) throw base::Error("key", "the key of " + ToString(address_) + " is " + Listed(columns) + " by now");
  }

  std::vector<std::string> KeyOf(const sql::TableLayout& table) const {
    std::vector<std::string> values;
    for (const std::string& column : table.key) values.push_back(key_.at(column));
    return values;
  }

  /// From here on nobody else writes what is concerned until the end of the transaction.
  void Exclude() {
    const int64_t newest = session_->Execute("SELECT max(version) FROM yellow.model").Integer(0, 0);
    if (newest != applied_.version)
      throw base::Error("model_moved", "another model has been applied meanwhile").Retryable();
    session_->Execute({kEndSessions, {sql::TextArray(erasure_.streams)}});
    const ports::Rows taken = session_->Execute({kTakeEpochs, {sql::TextArray(erasure_.streams)}});
    std::set<std::string> missing(erasure_.streams.begin(), erasure_.streams.end());
    for (size_t i = 0; i < taken.size(); ++i) missing.erase(taken.Text(i, 0));
    if (!missing.empty()) throw AtWork(*missing.begin());
    for (const std::string& key : erasure_.transformers) EndLeftOpen(*applied_.physical.FindTransformer(key));
  }

  /// A run whose output nobody has a lease of is nobody's, unless another scheduler has it for its next job. On a
  /// session of its own, as what ends it takes several transactions.
  void EndLeftOpen(const plan::Transformer& transformer) {
    const auto open = FindOpenRun(*session_, transformer.key);
    if (!open) return;
    if (IsHanded(*open)) throw AtWork(transformer.key);
    const auto other = Connect(ports::ServiceRole::kEngine);
    RunLogin(effects_, *other, prefix_, open->id).Quiesce();
    if (StartsContainer(applied_.model, *applied_.model.FindWorkspace(transformer.workspace)->transformer))
      RemoveContainer(effects_, applied_, open->id);
    EndRun(
        *session_, actor_, open->id,
        {RunEvent::kLost, "lost", "the process that ran it has ended, and a row that it may have read is erased", {}});
  }

  void EraseFrom(const plan::ErasedDataset& one) {
    const sql::TableLayout table = AsFound(one.table);
    const bool asked_for = one.table.dataset == address_;
    const auto count = [&](const char* name, int64_t rows) { std::get<int64_t>(figures_[name]) += rows; };
    for (const merge::EraseStatement& step : merge::Erase(table, KeyOf(table))) {
      const ports::Rows gone = session_->Execute(step.statement);
      if (step.from == merge::ErasedFrom::kStaging) continue;
      const int64_t rows = gone.Integer(0, 0), live = gone.Integer(0, 1);
      switch (step.from) {
        case merge::ErasedFrom::kTable:
          count(asked_for ? "versions" : "versions_of_outputs", rows);
          if (!one.stream.empty() && live > 0)
            session_->Execute({kCountDown, {one.stream, table.dataset.dataset, std::to_string(live)}});
          break;
        case merge::ErasedFrom::kChanges:
          count("changes", rows);
          break;
        case merge::ErasedFrom::kSetAside:
          count("set_aside", rows);
          break;
        case merge::ErasedFrom::kStaging:
          break;
      }
      if (asked_for && live > 0) was_live_ = true;
    }
    // A batch that is under way is read again.
    session_->Execute({"DELETE FROM yellow.mark WHERE stream = $1", {one.stream}});
    touched_.push_back(table);
  }

  sql::TableLayout AsFound(const sql::TableLayout& table) {
    const ports::Rows found = session_->Execute(merge::FindTables(table));
    return merge::LayoutAsFound(table, {found.Boolean(0, 0), found.Boolean(0, 1), found.Boolean(0, 2),
                                        found.Boolean(0, 3), found.Boolean(0, 4)});
  }

  /// In which columns of the outputs of SQL and of code the key stands as it is, and in how many rows of all their
  /// tables: whether these were made from the row is for people to say.
  void LookThroughDerived() {
    std::vector<std::string> named, not_looked_through;
    for (const sql::TableLayout& one : erasure_.derived) {
      const auto names = plan::NamesOfTheKey(one, erasure_.datasets.front().table);
      if (names.empty()) {
        not_looked_through.push_back(ToString(one.dataset));
        continue;
      }
      std::vector<int64_t> rows(names.size(), 0);
      for (const sql::Statement& count :
           merge::CountNamed(AsFound(one), names, KeyOf(erasure_.datasets.front().table))) {
        const ports::Rows found = session_->Execute(count);
        for (size_t i = 0; i < names.size(); ++i) rows[i] += found.Integer(0, i);
      }
      const size_t before = named.size();
      for (size_t i = 0; i < names.size(); ++i)
        if (rows[i] > 0)
          named.push_back(ToString(one.dataset) + "." + Joined(names[i], "+") + " " + std::to_string(rows[i]));
      if (named.size() == before) named.push_back(ToString(one.dataset) + " 0");
    }
    if (!named.empty()) figures_["named_in"] = Listed(named);
    if (!not_looked_through.empty()) figures_["not_looked_through"] = Listed(not_looked_through);
  }

  /// What is left to be done by people.
  void Tell() {
    std::vector<std::string> again, derived;
    for (const std::string& key : erasure_.run_again) again.push_back(NameOfNode(key));
    for (const sql::TableLayout& one : erasure_.derived) derived.push_back(ToString(one.dataset));
    if (!again.empty()) figures_["run_again"] = Listed(again);
    if (!derived.empty())
      figures_["derived"] = Listed(derived) +
                            ": their history may hold what was made from it; for each row of it: "
                            "yellow erase --dataset " +
                            derived.front() + " --key …";
    LookThroughDerived();
    const plan::Stream* stream = applied_.physical.FindStream(erasure_.datasets.front().stream);
    if (!was_live_ || stream == nullptr) return;
    if (stream->workspace) {
      figures_["comes_back"] = "with the next run of " + *stream->workspace + " that makes it";
      return;
    }
    const ports::Rows last = session_->Execute(
        {"SELECT max(batch) FROM yellow.batch WHERE stream = $1 AND state = 'committed'", {stream->key}});
    figures_["comes_back"] = "with the next batch, unless the source has removed it: it was in batch " +
                             (last.IsNull(0, 0) ? std::string("0") : last.Text(0, 0));
  }

  /// What the last run has left there, if it was not taken in.
  void EmptyOutputs() {
    const auto writer = Connect(ports::ServiceRole::kIngestOut);
    // With a trace of its own: it stays when the erasure is rolled back, and nobody may take the emptiness for an
    // output.
    ports::Transaction emptying(*writer, "", "erase.outputs");
    std::vector<std::string> streams;
    for (const std::string& key : erasure_.transformers)
      streams.push_back(applied_.physical.FindTransformer(key)->output_stream);
    writer->Execute({kRecordEmptied, {sql::TextArray(streams), order_.person, "under request " + order_.request}});
    for (const std::string& key : erasure_.transformers) {
      const plan::Transformer* transformer = applied_.physical.FindTransformer(key);
      for (const sql::TableLayout& output : transformer->outputs)
        writer->Execute({"SELECT yellow_op.dt_clear($1, $2)", {output.schema, output.output_table}});
    }
    emptying.Commit();
  }

  /// As far as they lie on this machine.
  void RemoveLogs() {
    const ports::Rows runs = session_->Execute(
        {"SELECT id FROM yellow.run WHERE transformer = ANY ($1::text[])", {sql::TextArray(erasure_.transformers)}});
    std::set<std::string> ids;
    for (size_t i = 0; i < runs.size(); ++i) ids.insert(runs.Text(i, 0));
    const std::string folder = applied_.data_folder + "/runs";
    int64_t removed = 0;
    for (const std::string& name : effects_.files.FoldersIn(folder)) {
      if (ids.count(name) == 0) continue;
      effects_.files.RemoveTree(folder + "/" + name);
      ++removed;
    }
    figures_["logs"] = removed;
  }

  /// Of every table from which something went.
  void OweSpace() {
    std::vector<std::string> names{"yellow.batch", "yellow.run", "yellow.event", "yellow.verdict",
                                   "yellow_access.request"};
    for (const sql::TableLayout& table : touched_) {
      if (!table.merge_table.empty()) names.push_back(sql::Qualified(table.schema, table.merge_table));
      if (table.changes) names.push_back(sql::Qualified(table.schema, table.change_log_table));
      if (table.sets_aside) names.push_back(sql::Qualified(table.schema, table.rejected_table));
    }
    session_->Execute(
        {"SELECT yellow_access.space_owe($1, $2, $3)", {order_.request, actor_.holder, sql::TextArray(names)}});
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const std::string& container_;
  const OperationOrder& order_;
  const std::string prefix_;
  const model::DatasetAddress address_;
  std::unique_ptr<ports::Session> session_;
  plan::Erasure erasure_;
  std::map<std::string, std::string> key_;
  std::vector<sql::TableLayout> touched_;
  bool was_live_ = false;
  Figures figures_{{"versions", int64_t{0}}};
};

}  // namespace

std::vector<std::string> NodesToErase(const Applied& applied, const OperationOrder& order) {
  const auto dataset = order.parameters.find("dataset");
  if (dataset == order.parameters.end()) return {};
  const model::DatasetAddress address{order.scope.object, dataset->second};
  if (applied.model.FindDataset(address) == nullptr) return {};
  std::set<std::string> containers, nodes;
  for (const plan::Stream& stream : applied.physical.streams) containers.insert(stream.container);
  for (const std::string& container : containers) {
    const plan::Erasure erasure = plan::PlanErasure(applied.model, applied.physical, address, container);
    nodes.insert(erasure.streams.begin(), erasure.streams.end());
    nodes.insert(erasure.transformers.begin(), erasure.transformers.end());
  }
  return {nodes.begin(), nodes.end()};
}

void Erase(const Effects& effects, const Actor& actor, const Applied& applied, const std::string& container,
           const OperationOrder& order) {
  EraseOperation(effects, actor, applied, container, order).Run();
}

}  // namespace yellow::run
