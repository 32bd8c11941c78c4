#include "run/world.h"

#include <algorithm>
#include <map>

namespace yellow::run {
namespace {

constexpr int kDefaultRuns = 4;

constexpr const char* kStreams = R"(
SELECT s.key, s.paused, s.lease_until > clock_timestamp() AND s.lease_until < clock_timestamp() + interval '20 seconds' AND s.holder <> $1,
       extract(epoch FROM s.last_opened_at)::numeric * 1000000, extract(epoch FROM s.requested_at)::numeric * 1000000,
       coalesce(u.state, ''), coalesce(u.released, false),
       coalesce((SELECT max(c.batch) FROM yellow.batch c WHERE c.stream = s.key AND c.state = 'committed'), 0), s.holder
FROM yellow.stream s LEFT JOIN yellow.batch u ON u.stream = s.key AND u.state IN ('open', 'staged', 'held') WHERE NOT s.retired)";

constexpr const char* kTransformers = R"(
SELECT t.key, coalesce(t.definition, ''), coalesce(t.failed_definition, ''), extract(epoch FROM t.retry_at)::numeric * 1000000,
       t.requested_at IS NOT NULL, t.failures, extract(epoch FROM (SELECT max(opened_at) FROM yellow.run r WHERE r.transformer = t.key))::numeric * 1000000,
       coalesce((SELECT r.holder FROM yellow.run r WHERE r.transformer = t.key AND r.state IN ('preparing', 'launched', 'finished', 'ingesting')), ''),
       coalesce((SELECT r.id FROM yellow.run r WHERE r.transformer = t.key ORDER BY opened_at DESC LIMIT 1), ''),
       coalesce((SELECT r.definition FROM yellow.run r WHERE r.transformer = t.key ORDER BY opened_at DESC LIMIT 1), '')
FROM yellow.transformer t WHERE NOT t.retired)";

// Batches of one input past the cursor, and whether any of their counters is not zero.
constexpr const char* kInput = R"(
SELECT coalesce((SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), 0),
       coalesce((SELECT max(batch) FROM yellow.batch WHERE stream = $3 AND state = 'committed'), 0),
       EXISTS (SELECT FROM yellow.batch_dataset d JOIN yellow.batch b USING (stream, batch)
               WHERE d.stream = $3 AND d.dataset = $4 AND b.state = 'committed' AND d.inserted + d.updated + d.deleted > 0
               AND d.batch > coalesce((SELECT batch FROM yellow.cursor WHERE consumer = $1 AND input = $2), 0)),
       coalesce((SELECT c.to_batch FROM yellow.claim c WHERE c.run_id = $5 AND c.input = $2), 0))";

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

void ReadStreams(ports::Session& engine, const Applied& applied, const Actor& actor, ports::ProcessLauncher& processes,
                 View& view) {
  const ports::Rows rows = engine.Execute({kStreams, {actor.holder}});
  for (size_t i = 0; i < rows.size(); ++i) {
    const plan::Stream* stream = applied.physical.FindStream(rows.Text(i, 0));
    if (stream == nullptr || stream->workspace) continue;
    StreamView one;
    one.key = stream->key;
    one.paused = rows.Boolean(i, 1);
    one.busy = !rows.IsNull(i, 2) && rows.Boolean(i, 2) && processes.MayBeAlive(rows.Text(i, 8));
    one.last_opened_at = Microseconds(rows, i, 3);
    one.requested_at = Microseconds(rows, i, 4);
    one.under_way = UnderWayOf(rows.Text(i, 5));
    one.released = rows.Boolean(i, 6);
    one.last_committed = static_cast<int>(rows.Integer(i, 7));
    one.schedule = std::get<model::SqlSnapshot>(applied.model.FindDatastore(stream->store)->capture).schedule;
    for (const graph::IntentionGraph& graph : applied.graph.graphs) {
      if (const auto id = graph.Find(stream->key)) one.priority = graph.node(*id).priority;
    }
    view.streams.push_back(std::move(one));
  }
}

void ReadTransformers(ports::Session& engine, const Applied& applied, ports::ProcessLauncher& processes, View& view) {
  const ports::Rows rows = engine.Execute(kTransformers);
  int open_runs = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const plan::Transformer* transformer = applied.physical.FindTransformer(rows.Text(i, 0));
    if (transformer == nullptr) continue;
    const model::DataTransformer& declared = *applied.model.FindWorkspace(transformer->workspace)->transformer;
    TransformerView one;
    one.key = transformer->key;
    one.priority = transformer->priority;
    one.trigger = declared.trigger;
    one.deterministic = declared.deterministic;
    one.definition_changed = rows.Text(i, 1) != transformer->definition;
    // Who has mended the code need not wait for the back-off of what was wrong with it.
    if (rows.Text(i, 9) == transformer->definition) one.retry_at = Microseconds(rows, i, 3);
    one.requested = rows.Boolean(i, 4);
    one.last_run_at = Microseconds(rows, i, 6);
    one.open_run = !rows.Text(i, 7).empty() && processes.MayBeAlive(rows.Text(i, 7));
    open_runs += one.open_run;
    bool newer_than_failed_run = false;
    for (const plan::TransformerInput& input : transformer->inputs) {
      const std::string address = ToString(input.table.dataset);
      const ports::Rows found = engine.Execute(
          {kInput, {transformer->key, address, input.stream, input.table.dataset.dataset, rows.Text(i, 8)}});
      InputView in{address,
                   input.reference,
                   input.own_output,
                   static_cast<int>(found.Integer(0, 0)),
                   static_cast<int>(found.Integer(0, 1)),
                   found.Boolean(0, 2)};
      newer_than_failed_run |= !in.reference && !in.own_output && in.last_committed > found.Integer(0, 3);
      one.inputs.push_back(std::move(in));
    }
    one.gave_up = rows.Text(i, 2) == transformer->definition && !newer_than_failed_run;
    view.transformers.push_back(std::move(one));
  }
  const int limit = applied.model.environment && applied.model.environment->max_runs
                        ? *applied.model.environment->max_runs
                        : kDefaultRuns;
  view.free_runs = limit - open_runs;
}

}  // namespace

View ReadWorld(ports::Session& engine, const Applied& applied, const Actor& actor, ports::ProcessLauncher& processes) {
  ports::Transaction transaction(engine, "ISOLATION LEVEL REPEATABLE READ READ ONLY");
  View view;
  view.now = *Microseconds(engine.Execute("SELECT extract(epoch FROM clock_timestamp())::numeric * 1000000"), 0, 0);
  ReadStreams(engine, applied, actor, processes, view);
  ReadTransformers(engine, applied, processes, view);
  transaction.Commit();
  return view;
}

void Record(ports::Session& engine, const std::vector<Decision>& decisions) {
  for (const Decision& decision : decisions) {
    engine.Execute(
        {"WITH fresh AS (INSERT INTO yellow.verdict (node, code, sentence) VALUES ($1, $2, $3) ON CONFLICT (node) DO "
         "UPDATE "
         "SET code = excluded.code, sentence = excluded.sentence, decided_at = clock_timestamp() "
         "WHERE verdict.code <> excluded.code OR verdict.sentence <> excluded.sentence RETURNING node) "
         "INSERT INTO yellow.event (kind, node, actor, detail) SELECT 'verdict', node, 'yellow', $3 FROM fresh",
         {decision.node, decision.code, decision.sentence}});
  }
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
  std::string moved;
  for (const plan::TransformerInput& input : transformer.inputs) {
    const std::string address = ToString(input.table.dataset);
    const ports::Rows found = engine.Execute({kInput, {key, address, input.stream, input.table.dataset.dataset, ""}});
    if (found.Boolean(0, 2)) return;
    if (found.Integer(0, 1) == found.Integer(0, 0)) continue;
    engine.Execute(
        {"INSERT INTO yellow.cursor (consumer, input, batch) VALUES ($1, $2, $3) ON CONFLICT (consumer, input) DO "
         "UPDATE SET batch = excluded.batch",
         {key, address, found.Text(0, 1)}});
    moved += (moved.empty() ? "" : ", ") + address + " " + found.Text(0, 0) + ".." + found.Text(0, 1);
  }
  if (moved.empty()) return;
  engine.Execute(
      {"INSERT INTO yellow.event (kind, node, actor, detail) VALUES ('consumed_unchanged', $1, 'yellow', $2)",
       {key, "consumed without a run, nothing changed: " + moved}});
  transaction.Commit();
}

}  // namespace yellow::run
