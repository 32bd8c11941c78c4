#include <fmt/format.h>

#include <ostream>
#include <set>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/explain_view.h"
#include "cli/views/status_view.h"

namespace yellow::cli {
namespace {

/// Every engine knows the whole graph; the node is explained in the database that has its tables.
bool HasNode(const run::Applied& applied, const std::string& node) {
  if (applied.physical.FindStream(node) != nullptr || applied.physical.FindTransformer(node) != nullptr) return true;
  for (const graph::IntentionGraph& graph : applied.graph.graphs) {
    const auto id = graph.Find(node);
    if (!id) continue;
    for (const graph::NodeId left : graph.predecessors(*id)) {
      if (applied.physical.FindStream(graph.node(left).key) != nullptr) return true;
    }
    for (const graph::NodeId right : graph.successors(*id)) {
      if (applied.physical.FindTransformer(graph.node(right).key) != nullptr) return true;
    }
  }
  return false;
}

/// A batch of a stream, or the batches of this number of every input of a transformer.
std::vector<run::BatchExplanation> ExplainBatches(Engine& engine, const std::string& node, int batch) {
  const run::Applied& applied = *engine.applied;
  if (applied.physical.FindStream(node) != nullptr)
    return {run::ExplainBatch(*engine.session, applied, node, batch, "")};
  const plan::Transformer* transformer = applied.physical.FindTransformer(node);
  if (transformer == nullptr)
    throw base::UsageError("--batch goes with a stream or a transformer, not with " + node)
        .Remedy("yellow explain of a stream --batch N");
  std::vector<run::BatchExplanation> explanations;
  std::set<std::string> streams;
  for (const plan::TransformerInput& input : transformer->inputs) streams.insert(input.stream);
  for (const std::string& stream : streams) {
    try {
      explanations.push_back(run::ExplainBatch(*engine.session, applied, stream, batch, node));
    } catch (const base::UsageError&) {  // this input has no batch of the number
    }
  }
  if (explanations.empty())
    throw base::UsageError(fmt::format("no input of {} has a batch {}", node, batch)).Remedy("yellow batches list");
  return explanations;
}

void PrintBatches(const Program& program, const Options& options,
                  const std::vector<run::BatchExplanation>& explanations, const std::string& today) {
  if (options.json) {
    program.out << Printed(BatchExplanationRecord().List(explanations));
    return;
  }
  for (const run::BatchExplanation& explanation : explanations) program.out << BatchExplanationText(explanation, today);
}

}  // namespace

int Explain(const Program& program, const Options& options, const ExplainOptions& explain) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const std::string today = Rfc3339(program.clock.Now());
  for (Engine& engine : engines.engines) {
    const std::string node = ResolveNode(*engine.applied, explain.node, false);
    if (!HasNode(*engine.applied, node)) continue;
    if (explain.batch) {
      PrintBatches(program, options, ExplainBatches(engine, node, *explain.batch), today);
      return kDone;
    }
    const run::Explanation explanation =
        run::Explain(*engine.session, *engine.applied, program.actor, program.processes, node);
    program.out << (options.json ? Printed(ExplanationRecord().Write(explanation))
                                 : ExplanationText(explanation, explain.node, today));
    return kDone;
  }
  throw base::UsageError("no merge database has this node: " + explain.node);
}

}  // namespace yellow::cli
