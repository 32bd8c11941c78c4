#include "run/reingest.h"

#include <algorithm>

#include "base/error.h"
#include "run/jobs.h"
#include "run/notices.h"
#include "run/run_steps.h"

namespace yellow::run {
namespace {

constexpr const char* kRunSince =
    "SELECT id FROM yellow.run WHERE transformer = $1 AND (request IS NULL OR state = 'committed') AND "
    "coalesce(closed_at, 'infinity') > $2::timestamptz ORDER BY opened_at DESC LIMIT 1";

constexpr const char* kErasedSince =
    "SELECT 1 FROM yellow.event WHERE node = $1 AND kind IN ('row_erased', 'outputs_emptied') AND at > $2::timestamptz "
    "LIMIT 1";

constexpr const char* kRequestHasEnded = "55000";

std::string CauseOf(const OperationOrder& order) {
  return "repair under request " + order.request + " of " + order.person + ", ticket " + order.ticket;
}

const plan::Transformer& TransformerOf(const Applied& applied, const OperationOrder& order) {
  const auto& all = applied.physical.transformers;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.workspace == order.scope.object; });
  if (found == all.end())
    throw base::Error("no_transformer", "the applied model has no transformer of " + order.scope.object);
  return *found;
}

/// What was to be taken in is what stood in the tables when it was asked for, and mended since; a run begins by
/// emptying them, and they are emptied after a repair, too.
void RequireUntouched(ports::Session& engine, const plan::Transformer& transformer, const OperationOrder& order) {
  if (!engine.Execute({kErasedSince, {transformer.output_stream, order.asked_at}}).empty())
    throw base::Error("erased_since", "a row was erased after this was asked for, and the tables were emptied for it");
  const ports::Rows since = engine.Execute({kRunSince, {transformer.key, order.asked_at}});
  if (since.empty()) return;
  throw base::Error("run_since", "run " + since.Text(0, 0) + " of " + transformer.workspace +
                                     " was at work after this was asked for, so the tables do not hold any more what "
                                     "was to be taken in; pause " +
                                     NameOfNode(transformer.output_stream) + " before you ask");
}

Figures FiguresOf(const std::string& run_id, const BatchReport& report) {
  return {{"run", run_id},
          {"batch", int64_t{report.batch}},
          {"inserted", report.inserted},
          {"updated", report.updated},
          {"deleted", report.deleted},
          {"unchanged", report.unchanged}};
}

/// The run that was refused is recorded with the end of the operation.
void EndRefused(RunSteps& steps, const Actor& actor, const OperationOrder& order, RunOutcome outcome,
                const RunEnding& ending, Figures figures) {
  figures["run"] = steps.run_id();
  steps.FailRepair(order.request, CauseOf(order), outcome, ending,
                   [&](ports::Session& session) { EndOperation(session, actor, order, false, figures); });
}

RunReport TakeIn(RunSteps& steps, const Actor& actor, const OperationOrder& order) {
  const std::string& workspace = order.scope.object;
  try {
    steps.IngestRepair(order.request, CauseOf(order), [&](ports::Session& session, const BatchReport& report) {
      EndOperation(session, actor, order, true, FiguresOf(steps.run_id(), report));
    });
    return steps.Committed();
  } catch (const RefusedOutput& refused) {
    const RunEnding ending{RunEvent::kFailed, refused.hold.code, refused.hold.reason, {}};
    EndRefused(steps, actor, order, RunOutcome::kHeld, ending,
               {{"code", ending.code}, {"reason", TellableReason(ending.code, ending.reason, workspace)}});
    return steps.Ended(RunOutcome::kHeld, ending.code, ending.reason);
  } catch (const base::Error& error) {
    // Whoever took the lease over works on the output: what has come of that is seen by the next try.
    if (error.code == "fenced") throw base::Error(error).Retryable();
    const bool late = steps.StepTimedOut(error);
    if ((error.retryable && !late) || error.sqlstate == kRequestHasEnded) throw;
    const RunEnding ending = late ? RunEnding{RunEvent::kTimedOut, "timeout", steps.step_limit(), {}}
                                  : RunEnding{RunEvent::kFailed, error.code, base::Describe(error), {}};
    const RunOutcome outcome = late ? RunOutcome::kTimedOut : RunOutcome::kFailed;
    EndRefused(steps, actor, order, outcome, ending,
               late ? Figures{{"code", ending.code}, {"reason", ending.reason}} : FailureOf(error));
    return steps.Ended(outcome, ending.code, ending.reason);
  }
}

}  // namespace

void Reingest(const Effects& effects, const Actor& actor, const Applied& applied, const OperationOrder& order) {
  const plan::Transformer& transformer = TransformerOf(applied, order);
  Actor person = actor;
  person.person = order.person;
  RunSteps steps(effects, person, applied, transformer);
  steps.ConnectEngine();
  if (!steps.TakeLease()) throw base::Error("busy", "another process works on its output").Retryable();
  RequireUntouched(steps.engine(), transformer, order);
  steps.WorkOn(NewRunId(effects));
  const Busy busy(effects.reporter);
  ReportOf(effects.reporter, transformer, TakeIn(steps, actor, order));
}

}  // namespace yellow::run
