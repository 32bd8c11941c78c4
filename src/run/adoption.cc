#include "run/adoption.h"

#include "run/execute_container.h"
#include "run/trust.h"

namespace yellow::run {

std::optional<AdoptableRun> FindAdoptable(const Effects& effects, ports::Session& engine, const Applied& applied,
                                          const plan::Transformer& transformer) {
  const model::DataTransformer& declared = *applied.model.FindWorkspace(transformer.workspace)->transformer;
  if (!StartsContainer(applied.model, declared) || declared.snapshot == model::SnapshotUse::kRequired)
    return std::nullopt;
  const ports::Rows open = engine.Execute(
      {"SELECT id, mode, floor(extract(epoch FROM deadline - clock_timestamp()))::bigint FROM yellow.run "
       "WHERE transformer = $1 AND state = 'launched' AND definition = $2",
       {transformer.key, transformer.definition}});
  if (open.empty() || !HasContainer(effects, applied, open.Text(0, 0))) return std::nullopt;
  AdoptableRun run;
  run.id = open.Text(0, 0);
  run.mode.incremental = open.Text(0, 1) == "incremental";
  run.seconds_left = open.Integer(0, 2);
  const ports::Rows claims =
      engine.Execute({"SELECT input, from_batch, to_batch FROM yellow.claim WHERE run_id = $1", {run.id}});
  for (size_t i = 0; i < claims.size(); ++i)
    run.claims[claims.Text(i, 0)] = {static_cast<int>(claims.Integer(i, 1)), static_cast<int>(claims.Integer(i, 2))};
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
