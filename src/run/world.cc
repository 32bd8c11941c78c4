#include "run/world.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "merge/merge.h"
#include "run/notices.h"
#include "run/run_ending.h"
#include "run/verdicts.h"

namespace yellow::run {
namespace {

constexpr int kDefaultRuns = 4;

constexpr const char* kStreams = R"(
SELECT s.key, s.paused, s.lease_until > clock_timestamp() AND s.lease_until < clock_timestamp() + interval '20 seconds',
       extract(epoch FROM s.last_opened_at)::numeric * 1000000, extract(epoch FROM s.requested_at)::numeric * 1000000,
       coalesce(n.state, ''), coalesce(n.released, false),
       coalesce(c.batch, 0), s.holder,
       coalesce(n.batch, 0), coalesce(n.reason, ''), coalesce(n.reason_code, ''), s.holder = $1,
       extract(epoch FROM coalesce(c.source_read_at, c.committed_at))::numeric * 1000000, extract(epoch FROM s.resumed_at)::numeric * 1000000
FROM yellow.stream s LEFT JOIN LATERAL
     (SELECT * FROM yellow.batch b WHERE b.stream = s.key ORDER BY b.batch DESC LIMIT 1) n ON true LEFT JOIN LATERAL
     (SELECT * FROM yellow.batch b WHERE b.stream = s.key AND b.state = 'committed' ORDER BY b.batch DESC LIMIT 1) c ON true
WHERE NOT s.retired)";

constexpr const char* kTransformers = R"(
SELECT t.key, coalesce(t.definition, ''), coalesce(t.failed_definition, ''), extract(epoch FROM t.retry_at)::numeric * 1000000,
       t.requested_at IS NOT NULL, t.failures, coalesce(r.id, ''), coalesce(r.state, ''), coalesce(r.definition, ''),
       coalesce(r.reason, ''), extract(epoch FROM r.opened_at)::numeric * 1000000,
       extract(epoch FROM r.deadline)::numeric * 1000000, coalesce(r.reason_code, ''),
       coalesce(r.handed_to IS NOT NULL AND r.deadline > clock_timestamp() - make_interval(secs => $1), false)
FROM yellow.transformer t LEFT JOIN LATERAL
     (SELECT * FROM yellow.run r WHERE r.transformer = t.key AND r.request IS NULL ORDER BY r.opened_at DESC, r.id DESC LIMIT 1) r ON true WHERE NOT t.retired)";

// Batches of one input past the cursor, and whether any of their counters is not zero. A dataset that is new in its
// store has none before it is in a batch. Each part is found by an index, whatever the history's length: an EXISTS
// would be free to read all of it.
constexpr const char* kInput = R"(
SELECT coalesce((SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), 0),
       coalesce((SELECT d.batch FROM yellow.batch_dataset d WHERE d.stream = $3 AND d.dataset = $4 AND d.batch = (
                 SELECT b.batch FROM yellow.batch b WHERE b.stream = $3 AND b.state = 'committed' ORDER BY b.batch DESC LIMIT 1)), 0),
       EXISTS (SELECT FROM yellow.batch_dataset d JOIN yellow.batch b USING (stream, batch)
               WHERE d.stream = $3 AND d.dataset = $4 AND b.state = 'committed' AND d.inserted + d.updated + d.deleted > 0
               AND d.batch > coalesce((SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), 0)))";

std::optional<ports::TimePoint> Microseconds(const ports::Rows& rows, size_t row, size_t column) {
  if (rows.IsNull(row, column)) return std::nullopt;
  return ports::TimePoint{std::chrono::microseconds{rows.Integer(row, column)}};
}

StreamView::UnderWay UnderWayOf(const std::string& state) {
  if (state == "open") return StreamView::UnderWay::kOpen;
  if (state == "staged") return StreamView::UnderWay::kStaged;
  if (state == "held") return StreamView::UnderWay::kHeld;
  return StreamView::UnderWay::kNone;
}

/// A row of kStreams, as far as the model has no say.
StreamView StreamOf(const ports::Rows& rows, size_t i, bool leased) {
  StreamView one;
  one.key = rows.Text(i, 0);
  one.paused = rows.Boolean(i, 1);
  one.busy = leased && !rows.Boolean(i, 12);
  if (one.busy) one.holder = rows.Text(i, 8);
  one.last_opened_at = Microseconds(rows, i, 3);
  one.requested_at = Microseconds(rows, i, 4);
  one.under_way = UnderWayOf(rows.Text(i, 5));
  one.released = rows.Boolean(i, 6);
  one.last_committed = static_cast<int>(rows.Integer(i, 7));
  one.newest = static_cast<int>(rows.Integer(i, 9));
  one.newest_failed = rows.Text(i, 5) == "failed";
  one.reason = rows.Text(i, 10);
  one.reason_code = rows.Text(i, 11);
  one.releasable = merge::IsGuarded(one.reason_code);
  one.last_read_at = Microseconds(rows, i, 13);
  one.resumed_at = Microseconds(rows, i, 14);
  return one;
}

/// Keys of the streams that transformers write: what counts for these.
struct Outputs {
  std::set<std::string> paused;
  std::set<std::string> leased;  ///< to a process that may be alive: its run goes on
};

/// Fills in the streams that are decided on. `rows`: of kStreams.
Outputs ReadStreams(const ports::Rows& rows, const Applied& applied, ports::ProcessLauncher& processes, View& view) {
  Outputs outputs;
  for (size_t i = 0; i < rows.size(); ++i) {
    const plan::Stream* stream = applied.physical.FindStream(rows.Text(i, 0));
    if (stream == nullptr) continue;
    const bool leased = rows.Boolean(i, 2) && !rows.IsNull(i, 8) && processes.MayBeAlive(rows.Text(i, 8));
    if (stream->workspace) {
      if (rows.Boolean(i, 1)) outputs.paused.insert(stream->key);
      if (leased) outputs.leased.insert(stream->key);
      view.outputs.push_back(StreamOf(rows, i, leased));
      continue;
    }
    StreamView one = StreamOf(rows, i, leased);
    one.schedule = std::get<model::SqlSnapshot>(applied.model.FindDatastore(stream->store)->capture).schedule;
    for (const graph::IntentionGraph& graph : applied.graph.graphs) {
      if (const auto id = graph.Find(stream->key)) one.priority = graph.node(*id).priority;
    }
    view.streams.push_back(std::move(one));
  }
  return outputs;
}

bool IsOpen(const std::string& run_state) {
  return run_state == "preparing" || run_state == "launched" || run_state == "finished" || run_state == "ingesting";
}

bool HasFailed(const std::string& run_state) { return run_state == "failed" || run_state == "timed_out"; }

/// The transformer's last run, as a row of kTransformers holds it: open, failed, or neither. One that is open without
/// the lease of its output is lost as soon as somebody takes the lease, unless it waits for its next job.
void ReadLastRun(const ports::Rows& rows, size_t i, bool leased, TransformerView& one) {
  one.last_run_at = Microseconds(rows, i, 10);
  if (!one.last_run_at) return;
  const std::string& state = rows.Text(i, 7);
  RunView run{rows.Text(i, 6),           state,           NameOfNode(one.key), *one.last_run_at,
              Microseconds(rows, i, 11), rows.Text(i, 9), rows.Text(i, 12)};
  if (IsOpen(state) && (leased || rows.Boolean(i, 13)))
    one.open_run = std::move(run);
  else if (IsOpen(state))
    one.left_open = true;
  else if (HasFailed(state))
    one.failed_run = std::move(run);
}

sql::Statement InputQuestion(const std::string& transformer, const plan::TransformerInput& input) {
  return {kInput, {transformer, ToString(input.table.dataset), input.stream, input.table.dataset.dataset}};
}

/// `answers`: one for each of the transformer's inputs.
void ReadInputs(std::span<const ports::Rows> answers, const plan::Transformer& transformer, TransformerView& one) {
  for (size_t i = 0; i < transformer.inputs.size(); ++i) {
    const plan::TransformerInput& input = transformer.inputs[i];
    const std::string address = ToString(input.table.dataset);
    const ports::Rows& found = answers[i];
    one.inputs.push_back({address, input.reference, input.own_output, static_cast<int>(found.Integer(0, 0)),
                          static_cast<int>(found.Integer(0, 1)), found.Boolean(0, 2), NameOfNode(input.stream)});
  }
}

/// Whether a triggering input has a batch that the last run, which failed, did not have.
bool IsNewerThanRun(ports::Session& engine, const std::string& run_id, const TransformerView& one) {
  const ports::Rows claims = engine.Execute({"SELECT input, to_batch FROM yellow.claim WHERE run_id = $1", {run_id}});
  std::map<std::string, int64_t> claimed;
  for (size_t i = 0; i < claims.size(); ++i) claimed[claims.Text(i, 0)] = claims.Integer(i, 1);
  return std::any_of(one.inputs.begin(), one.inputs.end(), [&](const InputView& input) {
    return !input.reference && !input.own_output && input.last_committed > claimed[input.input];
  });
}

/// What the model says of a transformer, and whether its output is paused.
TransformerView Declared(const plan::Transformer& placed, const model::DataTransformer& declared,
                         const Outputs& outputs) {
  TransformerView one;
  one.key = placed.key;
  one.priority = placed.priority;
  one.trigger = declared.trigger;
  one.deterministic = declared.deterministic;
  one.retries = declared.retries;
  one.output = NameOfNode(placed.output_stream);
  one.paused = outputs.paused.count(placed.output_stream) != 0;
  return one;
}

/// `rows`: of kTransformers. `inputs`: where in `answers` those of each transformer's inputs begin.
void ReadTransformers(ports::Session& engine, const Applied& applied, const ports::Rows& rows, const Outputs& outputs,
                      const std::map<std::string, size_t>& inputs, const std::vector<ports::Rows>& answers,
                      View& view) {
  for (size_t i = 0; i < rows.size(); ++i) {
    const plan::Transformer* transformer = applied.physical.FindTransformer(rows.Text(i, 0));
    if (transformer == nullptr) continue;
    const model::DataTransformer& declared = *applied.model.FindWorkspace(transformer->workspace)->transformer;
    TransformerView one = Declared(*transformer, declared, outputs);
    one.definition_changed = rows.Text(i, 1) != transformer->definition;
    // Who has mended the code need not wait for the back-off of what was wrong with it.
    if (rows.Text(i, 8) == transformer->definition) one.retry_at = Microseconds(rows, i, 3);
    one.requested = rows.Boolean(i, 4);
    one.failures = static_cast<int>(rows.Integer(i, 5));
    ReadLastRun(rows, i, outputs.leased.count(transformer->output_stream) != 0, one);
    if (one.open_run) view.open_runs.push_back(*one.open_run);
    ReadInputs(std::span(answers).subspan(inputs.at(transformer->key)), *transformer, one);
    one.gave_up = rows.Text(i, 2) == transformer->definition && !IsNewerThanRun(engine, rows.Text(i, 6), one);
    view.transformers.push_back(std::move(one));
  }
  view.run_limit = applied.model.environment && applied.model.environment->max_runs
                       ? *applied.model.environment->max_runs
                       : kDefaultRuns;
}

}  // namespace

View ReadWorld(ports::Session& engine, const Applied& applied, const Actor& actor, ports::ProcessLauncher& processes) {
  std::vector<sql::Statement> questions{"SELECT extract(epoch FROM clock_timestamp())::numeric * 1000000",
                                        {kStreams, {actor.holder}},
                                        {kTransformers, {std::to_string(kOverdueSeconds)}}};
  std::map<std::string, size_t> inputs;
  for (const plan::Transformer& transformer : applied.physical.transformers) {
    inputs[transformer.key] = questions.size();
    for (const plan::TransformerInput& input : transformer.inputs)
      questions.push_back(InputQuestion(transformer.key, input));
  }
  const std::vector<model::NoticeReceiver>& receivers = ReceiversOf(applied);
  const bool tells_of_access = std::any_of(receivers.begin(), receivers.end(),
                                           [](const auto& one) { return one.Wants(model::NoticeEvent::kAccess); });
  if (tells_of_access) questions.emplace_back("SELECT key, code, reason FROM yellow_access.alarms()");
  ports::Transaction transaction(engine, "ISOLATION LEVEL REPEATABLE READ READ ONLY", "", std::move(questions));
  const std::vector<ports::Rows> answers = transaction.Received();
  View view;
  view.now = *Microseconds(answers[0], 0, 0);
  const Outputs outputs = ReadStreams(answers[1], applied, processes, view);
  ReadTransformers(engine, applied, answers[2], outputs, inputs, answers, view);
  if (tells_of_access) {
    const ports::Rows& alarms = answers.back();
    for (size_t i = 0; i < alarms.size(); ++i)
      view.access.push_back({alarms.Text(i, 0), alarms.Text(i, 1), alarms.Text(i, 2)});
  }
  transaction.Commit();
  return view;
}

void ConsumeUnchanged(ports::Session& engine, const Applied& applied, const std::string& key) {
  const plan::Transformer& transformer = *applied.physical.FindTransformer(key);
  ports::Transaction transaction(engine, "ISOLATION LEVEL REPEATABLE READ", "consume");
  if (engine.Execute({"SELECT 1 FROM yellow.transformer WHERE key = $1 FOR UPDATE", {key}}).empty()) return;
  if (!engine
           .Execute({"SELECT 1 FROM yellow.run WHERE transformer = $1 AND state IN ('preparing', 'launched', "
                     "'finished', 'ingesting')",
                     {key}})
           .empty())
    return;
  std::vector<BatchRange> moved;
  for (const plan::TransformerInput& input : transformer.inputs) {
    const std::string address = ToString(input.table.dataset);
    const ports::Rows found = engine.Execute(InputQuestion(key, input));
    if (found.Boolean(0, 2)) return;
    if (found.Integer(0, 1) == found.Integer(0, 0)) continue;
    engine.Execute(
        {"INSERT INTO yellow.cursor (consumer, input, batch) VALUES ($1, $2, $3) ON CONFLICT (consumer, input) DO "
         "UPDATE SET batch = excluded.batch",
         {key, address, found.Text(0, 1)}});
    moved.push_back({address, static_cast<int>(found.Integer(0, 0)), static_cast<int>(found.Integer(0, 1))});
  }
  if (moved.empty()) return;
  engine.Execute(
      {"INSERT INTO yellow.event (kind, node, actor, detail, batches) VALUES ('consumed_unchanged', $1, 'yellow', "
       "'consumed without a run: no row changed', $2::jsonb)",
       {key, BatchesJson(moved)}});
  transaction.Commit();
}

}  // namespace yellow::run
