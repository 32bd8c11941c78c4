#include "run/jobs.h"

#include <fmt/format.h>

#include "base/check.h"
#include "run/batch_runner.h"
#include "run/transform_runner.h"

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
      if (report.reason_code == "model_moved") {
        ++total.failed;
        reporter.Line(fmt::format("{}: {}\n  = start again: yellow run", name, report.reason));
        return;
      }
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
    case RunOutcome::kCancelled:
      reporter.Line(fmt::format("{}: run {} was {}\n  = to run it after all: yellow run {}", name, report.run_id,
                                report.reason, name));
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

}  // namespace

bool Work(const Effects& effects, const Actor& actor, const Applied& applied, const Decision& decision,
          LoopReport& total) {
  const Busy busy(effects.reporter);
  if (decision.action == Action::kIngest) {
    const plan::Stream* stream = applied.physical.FindStream(decision.node);
    const BatchReport report = RunBatch(effects, actor, applied, *stream);
    ReportBatch(effects.reporter, NameOf(*stream), report, total);
    return report.outcome == BatchOutcome::kCommitted;
  }
  YELLOW_CHECK(decision.action == Action::kTransform);
  const plan::Transformer* transformer = applied.physical.FindTransformer(decision.node);
  const RunReport report = RunTransformer(effects, actor, applied, *transformer, decision.cause);
  ReportRun(effects.reporter, *transformer, report, total);
  return report.outcome == RunOutcome::kCommitted;
}

bool WaitsForHelp(const std::string& code) {
  return code == "held_waiting" || code == "gave_up" || code == "waiting_inputs" || code == "backing_off";
}

std::string PrefixOf(const Applied& applied) {
  return applied.model.environment ? applied.model.environment->role_prefix : "yellow";
}

}  // namespace yellow::run
