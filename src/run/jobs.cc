#include "run/jobs.h"

#include <fmt/format.h>

#include "base/check.h"

namespace yellow::run {
namespace {

std::string Counts(const BatchReport& report) {
  return fmt::format("{} inserted, {} updated, {} deleted{}", report.inserted, report.updated, report.deleted,
                     report.rejected == 0 ? "" : fmt::format(", {} set aside", report.rejected));
}

JobReport Reported(Reporter& reporter, const std::string& name, const BatchReport& report) {
  const auto done = [&](JobState state) { return JobReport{state, "", report, report.reason_code, report.reason}; };
  switch (report.outcome) {
    case BatchOutcome::kCommitted:
      reporter.Line(fmt::format("{}: batch {} committed: {}", name, report.batch, Counts(report)));
      return done(JobState::kCommitted);
    case BatchOutcome::kHeld:
      reporter.Line(
          fmt::format("{}: batch {} held: {}\n  = yellow batches show {}", name, report.batch, report.reason, name));
      return done(JobState::kHeld);
    case BatchOutcome::kFailed:
      reporter.Line(fmt::format("{}: batch failed: {}", name, report.reason));
      return done(JobState::kFailed);
    case BatchOutcome::kBusy:
    case BatchOutcome::kFenced:
      if (report.reason_code == "model_moved") {
        reporter.Line(fmt::format("{}: {}\n  = start again: yellow run", name, report.reason));
        return done(JobState::kFailed);
      }
      reporter.Line(fmt::format("{}: another yellow process is at work here", name));
      return done(JobState::kBusy);
  }
  YELLOW_CHECK(false);
}

std::string OutputOf(const plan::Transformer& transformer) { return transformer.outputs.front().dataset.store; }

std::string NameOf(const plan::Stream& stream) {
  return stream.dataset.empty() ? stream.store : stream.store + "." + stream.dataset;
}

}  // namespace

JobReport ReportOf(Reporter& reporter, const plan::Transformer& transformer, const RunReport& report) {
  const std::string& name = transformer.workspace;
  const auto done = [&](JobState state) {
    return JobReport{state, report.run_id, report.output, report.reason_code, report.reason};
  };
  switch (report.outcome) {
    case RunOutcome::kCommitted:
      reporter.Line(fmt::format("{}: run {} committed: {}", name, report.run_id, Counts(report.output)));
      return done(JobState::kCommitted);
    case RunOutcome::kHeld:
      reporter.Line(fmt::format("{}: run {}: output held: {}\n  = yellow batches show {}", name, report.run_id,
                                report.reason, OutputOf(transformer)));
      return done(JobState::kHeld);
    case RunOutcome::kFailed:
    case RunOutcome::kTimedOut:
    case RunOutcome::kLost:
      reporter.Line(fmt::format("{}: run {} failed: {}\n  = yellow runs show {}", name, report.run_id, report.reason,
                                report.run_id));
      return done(JobState::kFailed);
    case RunOutcome::kCancelled:
      reporter.Line(fmt::format("{}: run {} was {}\n  = to run it after all: yellow run {}", name, report.run_id,
                                report.reason, name));
      return done(JobState::kCancelled);
    case RunOutcome::kNothingDue:
      return done(JobState::kNothingDue);
    case RunOutcome::kBusy:
    case RunOutcome::kFenced:
      reporter.Line(fmt::format("{}: another yellow process is at work here", name));
      return done(JobState::kBusy);
  }
  YELLOW_CHECK(false);
}

std::string_view WordOf(JobState state) {
  switch (state) {
    case JobState::kCommitted:
      return "committed";
    case JobState::kConsumed:
      return "consumed";
    case JobState::kHeld:
      return "held";
    case JobState::kFailed:
      return "failed";
    case JobState::kCancelled:
      return "cancelled";
    case JobState::kNothingDue:
      return "nothing_due";
    case JobState::kBusy:
      return "busy";
    case JobState::kOpened:
      return "opened";
    case JobState::kLaunched:
      return "launched";
    case JobState::kRunning:
      return "running";
    case JobState::kEnded:
      return "ended";
    case JobState::kFinished:
      return "finished";
    case JobState::kClosed:
      return "closed";
  }
  YELLOW_CHECK(false);
}

std::optional<JobState> JobStateOf(std::string_view word) {
  for (int i = 0; i <= static_cast<int>(JobState::kClosed); ++i)
    if (WordOf(static_cast<JobState>(i)) == word) return static_cast<JobState>(i);
  return std::nullopt;
}

JobReport Work(const Effects& effects, const Actor& actor, const Applied& applied, const Decision& decision) {
  const Busy busy(effects.reporter);
  if (decision.action == Action::kIngest) {
    const plan::Stream* stream = applied.physical.FindStream(decision.node);
    return Reported(effects.reporter, NameOf(*stream), RunBatch(effects, actor, applied, *stream));
  }
  YELLOW_CHECK(decision.action == Action::kTransform);
  const plan::Transformer* transformer = applied.physical.FindTransformer(decision.node);
  return ReportOf(effects.reporter, *transformer,
                  RunTransformer(effects, actor, applied, *transformer, decision.cause));
}

void AskForBatch(ports::Session& engine, const std::string& stream, const std::string& asked_at) {
  ports::Transaction transaction(engine, "", "ask");
  engine.Execute(
      {"UPDATE yellow.stream SET requested_at = $2::timestamptz WHERE key = $1 AND requested_at IS NULL AND "
       "coalesce(last_opened_at < $2::timestamptz, true)",
       {stream, asked_at}});
  transaction.Commit();
}

void Add(LoopReport& total, const Decision& decision, const JobReport& report) {
  total.batches += report.state == JobState::kCommitted;
  total.runs += report.state == JobState::kCommitted && decision.action == Action::kTransform;
  total.held += report.state == JobState::kHeld;
  total.failed += report.state == JobState::kFailed;
}

bool WaitsForHelp(const std::string& code) {
  return code == "held_waiting" || code == "gave_up" || code == "waiting_inputs" || code == "backing_off";
}

std::string PrefixOf(const Applied& applied) {
  return applied.model.environment ? applied.model.environment->role_prefix : "yellow";
}

}  // namespace yellow::run
