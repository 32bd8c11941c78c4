#include "run/loop.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "run/patience.h"
#include "run/run_login.h"
#include "run/verdicts.h"
#include "run/world.h"

namespace yellow::run {
namespace {

std::string Counts(const BatchReport& report) {
  return fmt::format("{} inserted, {} updated, {} deleted{}", report.inserted, report.updated, report.deleted,
                     report.rejected == 0 ? "" : fmt::format(", {} set aside", report.rejected));
}

void ReportBatch(Reporter& reporter, const std::string& name, const BatchReport& report, LoopReport& total) {
  switch (report.outcome) {
    case BatchOutcome::kCommitted:
      ++total.batches;
      reporter.Line(fmt::format("{}: batch {} committed: {}", name, report.batch, Counts(report)));
      return;
    case BatchOutcome::kHeld:
      ++total.held;
      reporter.Line(
          fmt::format("{}: batch {} held: {}\n  = yellow batches show {}", name, report.batch, report.reason, name));
      return;
    case BatchOutcome::kFailed:
      ++total.failed;
      reporter.Line(fmt::format("{}: batch failed: {}", name, report.reason));
      return;
    case BatchOutcome::kBusy:
    case BatchOutcome::kFenced:
      reporter.Line(fmt::format("{}: another yellow process is at work here", name));
      return;
  }
}

std::string OutputOf(const plan::Transformer& transformer) { return transformer.outputs.front().dataset.store; }

void ReportRun(Reporter& reporter, const plan::Transformer& transformer, const RunReport& report, LoopReport& total) {
  const std::string& name = transformer.workspace;
  switch (report.outcome) {
    case RunOutcome::kCommitted:
      ++total.runs;
      ++total.batches;
      reporter.Line(fmt::format("{}: run {} committed: {}", name, report.run_id, Counts(report.output)));
      return;
    case RunOutcome::kHeld:
      ++total.held;
      reporter.Line(fmt::format("{}: run {}: output held: {}\n  = yellow batches show {}", name, report.run_id,
                                report.reason, OutputOf(transformer)));
      return;
    case RunOutcome::kFailed:
    case RunOutcome::kTimedOut:
    case RunOutcome::kLost:
      ++total.failed;
      reporter.Line(fmt::format("{}: run {} failed: {}\n  = yellow runs show {}", name, report.run_id, report.reason,
                                report.run_id));
      return;
    case RunOutcome::kNothingDue:
      return;
    case RunOutcome::kBusy:
    case RunOutcome::kFenced:
      reporter.Line(fmt::format("{}: another yellow process is at work here", name));
      return;
  }
}

std::string NameOf(const plan::Stream& stream) {
  return stream.dataset.empty() ? stream.store : stream.store + "." + stream.dataset;
}

/// Carries out one decision. Returns false when the node could not be worked on now, so that this loop leaves it alone.
bool Act(const Effects& effects, const Actor& actor, const Applied& applied, ports::Session& engine,
         const Decision& decision, LoopReport& total) {
  if (decision.action == Action::kConsume) {
    ConsumeUnchanged(engine, applied, decision.node);
    return true;
  }
  if (decision.action == Action::kIngest) {
    const plan::Stream* stream = applied.physical.FindStream(decision.node);
    const BatchReport report = RunBatch(effects, actor, applied, *stream);
    ReportBatch(effects.reporter, NameOf(*stream), report, total);
    return report.outcome == BatchOutcome::kCommitted;
  }
  const plan::Transformer* transformer = applied.physical.FindTransformer(decision.node);
  const RunReport report = RunTransformer(effects, actor, applied, *transformer, decision.cause);
  ReportRun(effects.reporter, *transformer, report, total);
  return report.outcome == RunOutcome::kCommitted;
}

std::string PrefixOf(const Applied& applied) {
  return applied.model.environment ? applied.model.environment->role_prefix : "yellow";
}

/// One tick and the most urgent thing that it says; false when nothing is due.
bool Step(const Effects& effects, const Actor& actor, const Applied& applied, ports::Session& engine,
          std::set<std::string>& left_alone, LoopReport& total) {
  total.last = Tick(ReadWorld(engine, applied, actor, effects.processes));
  Record(engine, total.last);
  for (const Decision& decision : total.last) {
    if (decision.action == Action::kWait || left_alone.count(decision.node) != 0) continue;
    if (!Act(effects, actor, applied, engine, decision, total)) left_alone.insert(decision.node);
    return true;
  }
  return false;
}

}  // namespace

void Request(ports::Session& engine, const std::vector<std::string>& nodes) {
  for (const std::string& node : nodes) {
    engine.Execute({"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = $1", {node}});
    engine.Execute(
        {"UPDATE yellow.transformer SET requested_at = clock_timestamp(), retry_at = NULL, failed_definition = NULL "
         "WHERE key = $1",
         {node}});
  }
}

LoopReport RunUntilQuiet(const Effects& effects, const Actor& actor, const Applied& applied,
                         const std::string& container) {
  LoopReport total;
  std::set<std::string> left_alone;
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  std::unique_ptr<ports::Session> engine;
  while (true) {
    try {
      if (engine == nullptr) {
        engine = effects.connector.Open(effects.endpoints.Service(container, ports::ServiceRole::kEngine, "control"));
        DropOrphanLogins(effects, *engine, PrefixOf(applied));
      }
      if (!Step(effects, actor, applied, *engine, left_alone, total)) return total;
      patience.Renew();
    } catch (const base::Error& error) {
      engine.reset();
      if (!error.retryable || !Again(effects, patience, container, error)) throw;
    }
  }
}

}  // namespace yellow::run
