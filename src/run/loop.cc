#include "run/loop.h"

#include <set>

#include "base/error.h"
#include "run/audit.h"
#include "run/execute_container.h"
#include "run/notice_delivery.h"
#include "run/patience.h"
#include "run/retention.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/try_runner.h"
#include "run/verdicts.h"
#include "run/witness.h"
#include "run/world.h"

namespace yellow::run {
namespace {

/// One tick and the most urgent thing that it says; false when nothing is due.
bool Step(const Effects& effects, const Actor& actor, const Applied& applied, ports::Session& engine, Witness& witness,
          std::set<std::string>& left_alone, LoopReport& total) {
  if (!EndOverdueRuns(effects, engine, actor, applied).empty()) DropOrphanLogins(effects, engine, PrefixOf(applied));
  View view = ReadWorld(engine, applied, actor, effects.processes);
  if (witness.Look(engine, actor, view)) view = ReadWorld(engine, applied, actor, effects.processes);
  total.last = Tick(view);
  Record(engine, total.last);
  for (const Decision& decision : total.last) {
    if (decision.action == Action::kWait || left_alone.count(decision.node) != 0) continue;
    if (decision.action == Action::kConsume) {
      ConsumeUnchanged(engine, applied, decision.node);
    } else {
      const JobReport report = Work(effects, actor, applied, decision);
      Add(total, decision, report);
      if (report.state != JobState::kCommitted) left_alone.insert(decision.node);
    }
    return true;
  }
  return false;
}

}  // namespace

void Request(ports::Session& engine, const Actor& actor, const std::vector<std::string>& nodes) {
  for (const std::string& node : nodes) {
    ports::Transaction transaction(engine, "", "ask");
    engine.Execute({"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = $1", {node}});
    engine.Execute(
        {"UPDATE yellow.transformer SET requested_at = clock_timestamp(), retry_at = NULL, failed_definition = NULL "
         "WHERE key = $1",
         {node}});
    RecordAudit(engine, actor, "node.requested", node);
    transaction.Commit();
  }
}

LoopReport RunUntilQuiet(const Effects& effects, const Actor& actor, const Applied& applied,
                         const std::string& container) {
  LoopReport total;
  std::set<std::string> left_alone;
  Witness witness(effects, container, applied.data_folder);
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  std::unique_ptr<ports::Session> engine;
  while (true) {
    try {
      if (engine == nullptr) {
        engine = effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kEngine, "control"));
        DropOrphanLogins(effects, *engine, PrefixOf(applied));
        DropAbandonedTries(effects, *engine, container, applied);
        effects.processes.CleanUp(applied.data_folder);
        RemoveOrphanContainers(effects, *engine, applied);
      }
      if (!Step(effects, actor, applied, *engine, witness, left_alone, total)) {
        ForgetOld(effects, *engine, applied);
        DeliverAtTheEnd(effects, actor, applied, *engine);
        return total;
      }
      patience.Renew();
    } catch (const base::Error& error) {
      engine.reset();
      if (!error.retryable || !Again(effects, patience, container, error)) throw;
    }
  }
}

}  // namespace yellow::run
