#include "run/adoption.h"

#include "run/execute_container.h"
#include "run/run_ending.h"
#include "run/state_store.h"
#include "run/trust.h"

namespace yellow::run {

std::optional<OpenRun> FindOpenRun(ports::Session& engine, const std::string& transformer) {
  const ports::Rows open = engine.Execute(
      {"SELECT id, state, definition, cause, coalesce(handed_to, ''), mode, "
       "floor(extract(epoch FROM deadline - clock_timestamp()))::bigint FROM yellow.run WHERE transformer = $1 AND "
       "state IN ('preparing', 'launched', 'finished', 'ingesting')",
       {transformer}});
  if (open.empty()) return std::nullopt;
  OpenRun run;
  run.id = open.Text(0, 0);
  run.state = RunStateOf(open.Text(0, 1));
  run.definition = open.Text(0, 2);
  run.cause = open.Text(0, 3);
  run.handed_to = open.Text(0, 4);
  run.mode.incremental = open.Text(0, 5) == "incremental";
  run.seconds_left = open.Integer(0, 6);
  const ports::Rows claims =
      engine.Execute({"SELECT input, from_batch, to_batch FROM yellow.claim WHERE run_id = $1", {run.id}});
  for (size_t i = 0; i < claims.size(); ++i)
    run.claims[claims.Text(i, 0)] = {static_cast<int>(claims.Integer(i, 1)), static_cast<int>(claims.Integer(i, 2))};
  return run;
}

bool IsHanded(const OpenRun& run) { return !run.handed_to.empty() && run.seconds_left > -kOverdueSeconds; }

std::vector<WaitingOutput> FindWaitingOutputs(ports::Session& engine) {
  const ports::Rows rows = engine.Execute(
      "SELECT id, transformer FROM yellow.run WHERE state IN ('finished', 'ingesting') AND handed_to IS NOT NULL AND "
      "finished_at < clock_timestamp() - interval '1 minute' ORDER BY finished_at, id");
  std::vector<WaitingOutput> waiting;
  for (size_t i = 0; i < rows.size(); ++i) waiting.push_back({rows.Text(i, 0), rows.Text(i, 1)});
  return waiting;
}

std::optional<OpenRun> FindAdoptable(const Effects& effects, ports::Session& engine, const Applied& applied,
                                     const plan::Transformer& transformer) {
  const model::DataTransformer& declared = *applied.model.FindWorkspace(transformer.workspace)->transformer;
  if (!StartsContainer(applied.model, declared) || declared.snapshot == model::SnapshotUse::kRequired)
    return std::nullopt;
  auto run = FindOpenRun(engine, transformer.key);
  if (!run || run->state != RunState::kLaunched || run->definition != transformer.definition) return std::nullopt;
  if (!HasContainer(effects, applied, run->id)) return std::nullopt;
  return run;
}

std::vector<sql::Statement> Adopting(const Actor& actor, const std::string& run_id) {
  return {{"UPDATE yellow.run SET holder = $2, keeper_pid = NULL WHERE id = $1 AND state = 'launched'",
           {run_id, actor.holder}},
          {"INSERT INTO yellow.event (kind, node, run_id, actor, detail) SELECT 'run_adopted', transformer, id, $2, "
           "'the process that started its job has ended' FROM yellow.run WHERE id = $1",
           {run_id, actor.person}}};
}

}  // namespace yellow::run
