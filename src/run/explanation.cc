#include "run/explanation.h"

#include <algorithm>
#include <set>

#include "base/check.h"
#include "run/world.h"

namespace yellow::run {
namespace {

constexpr int kVerdicts = 6;
constexpr size_t kFeeders = 4;

constexpr const char* kClaims =
    "SELECT r.id FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id WHERE r.transformer = $1 AND c.input = $2 "
    "AND $3::int > c.from_batch AND $3::int <= c.to_batch ORDER BY r.opened_at, r.id";

constexpr const char* kWithoutRun =
    " FROM yellow.event WHERE node = $1 AND kind = 'consumed_unchanged' AND (batches -> $2 ->> 0)::int < $3::int AND "
    "(batches -> $2 ->> 1)::int >= $3::int ORDER BY id DESC LIMIT 1";

bool IsOpen(const RunInfo& run) { return run.closed_at.empty(); }

const graph::IntentionGraph& GraphWith(const Applied& applied, const std::string& node) {
  for (const graph::IntentionGraph& graph : applied.graph.graphs) {
    if (graph.Find(node)) return graph;
  }
  YELLOW_CHECK(false);
}

/// The stream or transformer that a node follows: an Export its Ingest, a Trigger its Transform; itself else.
std::string Followed(const Applied& applied, const std::string& node) {
  const graph::IntentionGraph& graph = GraphWith(applied, node);
  const graph::NodeId id = *graph.Find(node);
  switch (graph.node(id).kind) {
    case graph::NodeKind::kIngest:
    case graph::NodeKind::kTransform:
      return node;
    case graph::NodeKind::kExport:
      return graph.node(graph.predecessors(id)[0]).key;
    case graph::NodeKind::kTrigger:
      return graph.node(graph.successors(id)[0]).key;
  }
  YELLOW_CHECK(false);
}

/// An output is decided on with the transformer that writes it.
std::string DeciderOf(const Applied& applied, const std::string& followed) {
  for (const plan::Transformer& transformer : applied.physical.transformers) {
    if (transformer.output_stream == followed) return transformer.key;
  }
  return followed;
}

bool WaitsForInputs(const std::string& code) {
  return code == "no_new_batch" || code == "no_change" || code == "waiting_inputs" || code == "waiting_all_inputs";
}

std::vector<RecordedVerdict> FeedersOf(ports::Session& engine, const Applied& applied,
                                       const plan::Transformer& transformer) {
  std::vector<RecordedVerdict> feeders;
  std::set<std::string> seen{transformer.key};
  for (const plan::TransformerInput& input : transformer.inputs) {
    const std::string decider = DeciderOf(applied, input.stream);
    if (feeders.size() == kFeeders || !seen.insert(decider).second) continue;
    for (RecordedVerdict& verdict : ReadVerdicts(engine, decider, 1)) feeders.push_back(std::move(verdict));
  }
  return feeders;
}

void ExplainStream(ports::Session& engine, const std::string& stream, Explanation& explanation) {
  if (!ListBatches(engine, stream, 1).empty()) explanation.last_batch = ShowBatch(engine, stream, std::nullopt);
}

void ExplainTransformer(ports::Session& engine, const View& view, const std::string& transformer,
                        Explanation& explanation) {
  const std::vector<RunInfo> runs = ListRuns(engine, transformer, 1);
  if (!runs.empty()) {
    explanation.last_run = runs.front();
    explanation.last_run_abandoned =
        IsOpen(runs.front()) && std::none_of(view.open_runs.begin(), view.open_runs.end(),
                                             [&](const RunView& open) { return open.id == runs.front().id; });
  }
  const ports::Rows cursors =
      engine.Execute({"SELECT input, batch FROM yellow.cursor WHERE consumer = $1 ORDER BY input", {transformer}});
  for (size_t i = 0; i < cursors.size(); ++i)
    explanation.consumed.push_back({cursors.Text(i, 0), static_cast<int>(cursors.Integer(i, 1))});
}

BatchFate FateOf(ports::Session& engine, const plan::Transformer& transformer, const std::string& input,
                 const BatchInfo& batch) {
  BatchFate fate;
  fate.transformer = transformer.key;
  fate.datasets = {input};
  const std::string number = std::to_string(batch.batch);
  const ports::Rows claims = engine.Execute({kClaims, {transformer.key, input, number}});
  for (size_t i = 0; i < claims.size(); ++i) fate.runs.push_back(ShowRun(engine, claims.Text(i, 0)));
  fate.verdicts = ReadVerdictsAbout(engine, transformer.key, input, batch.batch, kVerdicts);
  const ports::Rows cursor =
      engine.Execute({"SELECT batch >= $3::int FROM yellow.cursor WHERE consumer = $1 AND input = $2",
                      {transformer.key, input, number}});
  if (batch.state != "committed") {
    fate.state = BatchFate::State::kNotCommitted;
  } else if (!fate.runs.empty() && fate.runs.back().state == "committed") {
    fate.state = BatchFate::State::kCounted;
  } else if (!fate.runs.empty() && IsOpen(fate.runs.back())) {
    fate.state = BatchFate::State::kInOpenRun;
  } else if (!cursor.empty() && cursor.Boolean(0, 0)) {
    fate.state = BatchFate::State::kWithoutRun;
    const ports::Rows event =
        engine.Execute({"SELECT " + sql::Rfc3339("at") + kWithoutRun, {transformer.key, input, number}});
    if (!event.empty()) fate.at = event.Text(0, 0);
  }
  return fate;
}

/// Datasets of one batch usually share their fate.
bool Same(const BatchFate& a, const BatchFate& b) {
  return a.transformer == b.transformer && a.state == b.state && a.at == b.at &&
         std::equal(a.runs.begin(), a.runs.end(), b.runs.begin(), b.runs.end(),
                    [](const RunInfo& x, const RunInfo& y) { return x.id == y.id; });
}

}  // namespace

std::string_view Word(BatchFate::State state) {
  switch (state) {
    case BatchFate::State::kCounted:
      return "counted";
    case BatchFate::State::kInOpenRun:
      return "in_open_run";
    case BatchFate::State::kWithoutRun:
      return "without_run";
    case BatchFate::State::kWaiting:
      return "waiting";
    case BatchFate::State::kNotCommitted:
      return "not_committed";
  }
  return "";
}

Explanation Explain(ports::Session& engine, const Applied& applied, const Actor& actor,
                    ports::ProcessLauncher& processes, const std::string& node) {
  Explanation explanation;
  explanation.node = node;
  const std::string followed = Followed(applied, node);
  if (followed != node) explanation.follows = followed;
  explanation.decider = DeciderOf(applied, followed);
  if (applied.physical.FindStream(followed) != nullptr) ExplainStream(engine, followed, explanation);
  const plan::Transformer* transformer = applied.physical.FindTransformer(explanation.decider);
  const View view = ReadWorld(engine, applied, actor, processes);
  if (transformer != nullptr) ExplainTransformer(engine, view, transformer->key, explanation);
  explanation.verdicts = ReadVerdicts(engine, explanation.decider, kVerdicts);
  for (Decision& decision : Tick(view)) {
    if (decision.node != explanation.decider) continue;
    const bool moved_on = explanation.verdicts.empty() || explanation.verdicts[0].code != decision.code ||
                          explanation.verdicts[0].sentence != decision.sentence;
    if (transformer != nullptr && WaitsForInputs(decision.code))
      explanation.feeders = FeedersOf(engine, applied, *transformer);
    if (moved_on || decision.action != Action::kWait) explanation.now = std::move(decision);
  }
  return explanation;
}

BatchExplanation ExplainBatch(ports::Session& engine, const Applied& applied, const std::string& stream, int batch,
                              const std::string& only) {
  BatchExplanation explanation;
  explanation.stream = stream;
  explanation.batch = ShowBatch(engine, stream, batch);
  explanation.verdicts = ReadVerdictsAbout(engine, DeciderOf(applied, stream), NameOfNode(stream), batch, kVerdicts);
  for (const plan::Transformer& transformer : applied.physical.transformers) {
    if (!only.empty() && transformer.key != only) continue;
    std::set<std::string> seen;
    for (const plan::TransformerInput& input : transformer.inputs) {
      const std::string address = ToString(input.table.dataset);
      if (input.stream != stream || !seen.insert(address).second) continue;
      BatchFate fate = FateOf(engine, transformer, address, explanation.batch);
      const auto alike = std::find_if(explanation.fates.begin(), explanation.fates.end(),
                                      [&](const BatchFate& other) { return Same(other, fate); });
      if (alike == explanation.fates.end())
        explanation.fates.push_back(std::move(fate));
      else
        alike->datasets.push_back(address);
    }
  }
  return explanation;
}

}  // namespace yellow::run
