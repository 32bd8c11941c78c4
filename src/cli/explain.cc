#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "run/tick.h"
#include "run/world.h"

namespace yellow::cli {
namespace {

std::string LocalTime(const std::string& timestamp) {
  return timestamp.size() < 19 ? timestamp : timestamp.substr(11, 8);
}

void ExplainStream(const Program& program, Engine& engine, const plan::Stream& stream, const std::string& name) {
  const ports::Rows last = engine.session->Execute(
      {"SELECT b.batch, b.state, b.opened_at, b.committed_at, coalesce(b.reason, ''), coalesce(b.run_id, ''), "
       "b.source_read_at, "
       "coalesce((SELECT format('%s inserted, %s updated, %s deleted, %s unchanged', sum(inserted), sum(updated), "
       "sum(deleted), "
       "sum(unchanged)) || CASE WHEN sum(rejected) > 0 THEN format(', %s set aside (yellow batches show)', "
       "sum(rejected)) ELSE '' END FROM yellow.batch_dataset d WHERE d.stream = b.stream AND d.batch = b.batch), '') "
       "FROM yellow.batch b WHERE b.stream = $1 ORDER BY b.batch DESC LIMIT 1",
       {stream.key}});
  if (last.empty()) {
    program.out << name << " has no batch yet.\n";
    return;
  }
  const std::string& state = last.Text(0, 1);
  program.out << name << "'s newest batch is " << last.Text(0, 0) << ", " << state;
  if (state == "committed") {
    program.out << " " << LocalTime(last.Text(0, 3));
    if (!last.Text(0, 5).empty()) program.out << " by run " << last.Text(0, 5);
    program.out << ": " << last.Text(0, 7);
  } else if (!last.Text(0, 4).empty()) {
    program.out << ": " << last.Text(0, 4);
  }
  program.out << ".\n";
}

void ExplainTransformer(const Program& program, Engine& engine, const plan::Transformer& transformer) {
  const ports::Rows last = engine.session->Execute(
      {"SELECT id, state, opened_at, round(extract(epoch FROM coalesce(closed_at, clock_timestamp()) - opened_at), 1), "
       "cause, "
       "coalesce(reason, ''), mode FROM yellow.run WHERE transformer = $1 ORDER BY opened_at DESC LIMIT 1",
       {transformer.key}});
  if (last.empty()) {
    program.out << transformer.workspace << " has not run yet.\n";
  } else {
    program.out << fmt::format("{} last ran {} (run {}, {} s, {}, {}): {}\n", transformer.workspace,
                               LocalTime(last.Text(0, 2)), last.Text(0, 0), last.Text(0, 3), last.Text(0, 6),
                               last.Text(0, 1), last.Text(0, 4));
    if (!last.Text(0, 5).empty()) program.out << "  " << last.Text(0, 5) << "\n";
  }
  const ports::Rows cursors = engine.session->Execute(
      {"SELECT input, batch FROM yellow.cursor WHERE consumer = $1 ORDER BY input", {transformer.key}});
  for (size_t i = 0; i < cursors.size(); ++i) {
    program.out << fmt::format("It has consumed {} up to batch {}.\n", cursors.Text(i, 0), cursors.Text(i, 1));
  }
}

/// The batch itself, and which run of each transformer counted it.
int ExplainBatch(const Program& program, Engine& engine, const std::string& node, int batch) {
  const ports::Rows rows =
      engine.session->Execute({"SELECT state, opened_at, coalesce(committed_at::text, ''), coalesce(reason, ''), "
                               "model_version, coalesce(run_id, ''), (SELECT coalesce(sum(rejected), 0) FROM "
                               "yellow.batch_dataset d WHERE d.stream = b.stream AND d.batch = b.batch) "
                               "FROM yellow.batch b WHERE stream = $1 AND batch = $2",
                               {node, std::to_string(batch)}});
  if (rows.empty())
    throw base::UsageError(fmt::format("{} has no batch {}", node, batch))
        .Remedy("yellow batches list shows those there are");
  program.out << fmt::format("Batch {} of {} is {}; opened {} on model version {}.\n", batch, node, rows.Text(0, 0),
                             LocalTime(rows.Text(0, 1)), rows.Text(0, 4));
  if (!rows.Text(0, 5).empty()) program.out << "It was written by run " << rows.Text(0, 5) << ".\n";
  if (!rows.Text(0, 3).empty()) program.out << rows.Text(0, 3) << "\n";
  if (const int64_t rejected = rows.Integer(0, 6); rejected > 0)
    program.out << fmt::format("{} rows that it read were set aside: yellow batches show {} {}\n", rejected, node,
                               batch);
  const plan::Stream* stream = engine.applied->physical.FindStream(node);
  for (const sql::TableLayout& table : stream->tables) {
    const std::string input = model::ToString(table.dataset);
    const ports::Rows consumed = engine.session->Execute(
        {"SELECT r.transformer, r.id, r.state, r.opened_at FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id "
         "WHERE c.input = $1 AND $2::int > c.from_batch AND $2::int <= c.to_batch ORDER BY r.opened_at",
         {input, std::to_string(batch)}});
    for (size_t i = 0; i < consumed.size(); ++i) {
      program.out << fmt::format("{} of it was in run {} of {} at {}: {}.\n", input, consumed.Text(i, 1),
                                 consumed.Text(i, 0), LocalTime(consumed.Text(i, 3)), consumed.Text(i, 2));
    }
    if (consumed.empty()) program.out << input << " of it was in no run.\n";
  }
  return kDone;
}

}  // namespace

int Explain(const Program& program, const Options& options, const ExplainOptions& explain) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  for (Engine& engine : engines.engines) {
    const bool last_engine = &engine == &engines.engines.back();
    std::string node;
    try {
      node = ResolveNode(*engine.applied, explain.node, false);
    } catch (const base::Error&) {
      if (last_engine) throw;
      continue;
    }
    const plan::Stream* stream = engine.applied->physical.FindStream(node);
    const plan::Transformer* transformer = engine.applied->physical.FindTransformer(node);
    if (stream == nullptr && transformer == nullptr && !last_engine) continue;
    if (explain.batch) {
      if (stream == nullptr) throw base::UsageError("--batch goes with a stream, not with " + node);
      return ExplainBatch(program, engine, node, *explain.batch);
    }
    if (stream != nullptr) ExplainStream(program, engine, *stream, explain.node);
    if (transformer != nullptr) ExplainTransformer(program, engine, *transformer);
    for (const run::Decision& decision :
         run::Tick(run::ReadWorld(*engine.session, *engine.applied, program.actor, program.processes))) {
      if (decision.node == node) program.out << decision.sentence << "\n";
    }
    if (stream == nullptr && transformer == nullptr) {
      for (const graph::IntentionGraph& graph : engine.applied->graph.graphs) {
        const auto id = graph.Find(node);
        if (!id) continue;
        program.out << node << " follows";
        for (const graph::NodeId left : graph.predecessors(*id)) program.out << " " << graph.node(left).key;
        program.out << " by itself: it is a view, or the start of a transformer.\n";
      }
    }
    return kDone;
  }
  return kDone;
}

}  // namespace yellow::cli
