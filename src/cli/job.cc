#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/find_node.h"
#include "cli/views/history_json.h"
#include "run/jobs.h"
#include "run/world.h"

namespace yellow::cli {
namespace {

int StatusOf(run::JobState state) {
  switch (state) {
    case run::JobState::kCommitted:
    case run::JobState::kConsumed:
      return kDone;
    case run::JobState::kHeld:
    case run::JobState::kFailed:
    case run::JobState::kCancelled:
      return kFindings;
    case run::JobState::kNothingDue:
      return kNothingDue;
    case run::JobState::kBusy:
      return kFenced;
  }
  return kFailed;
}

/// What the scheduler would decide now for this node, and no other.
run::Decision DecisionOn(const Program& program, const Engine& engine, const std::string& node) {
  const std::vector<run::Decision> decisions =
      run::Tick(run::ReadWorld(*engine.session, *engine.applied, program.actor, program.processes));
  const auto found = std::find_if(decisions.begin(), decisions.end(),
                                  [&](const run::Decision& decision) { return decision.node == node; });
  if (found == decisions.end())
    throw base::UsageError("nothing is decided on this node: " + node)
        .Remedy("name a stream of a source, or a transformer");
  return *found;
}

run::JobReport Carry(const Program& program, Engines& engines, const Found& found, run::Reporter& reporter) {
  const run::Decision decision = DecisionOn(program, *found.engine, found.key);
  run::JobReport report;
  if (decision.action == run::Action::kWait) {
    report.state =
        decision.code == "busy" || decision.code == "run_open" ? run::JobState::kBusy : run::JobState::kNothingDue;
    report.reason_code = decision.code, report.reason = decision.sentence;
    reporter.Line(decision.sentence);
    return report;
  }
  if (decision.action == run::Action::kConsume) {
    run::ConsumeUnchanged(*found.engine->session, *found.engine->applied, found.key);
    report.state = run::JobState::kConsumed, report.reason_code = decision.code, report.reason = decision.sentence;
    reporter.Line(decision.sentence);
    return report;
  }
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  return run::Work(effects, program.actor, *found.engine->applied, decision);
}

int Job(const Program& program, const Options& options, const JobOptions& job,
        Found (*find)(Engines&, const std::string&)) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(options.json ? program.err : program.out);
  const Found found = find(engines, job.node);
  const run::JobReport report = Carry(program, engines, found, reporter);
  if (!job.result.empty())
    program.files.Fill(AbsolutePath(program, job.result), std::string(run::WordOf(report.state)));
  if (options.json) program.out << Printed(JobRecord().Write({found.key, report}));
  return StatusOf(report.state);
}

}  // namespace

int JobIngest(const Program& program, const Options& options, const JobOptions& job) {
  return Job(program, options, job, &FindStream);
}

int JobTransform(const Program& program, const Options& options, const JobOptions& job) {
  return Job(program, options, job, &FindTransformer);
}

}  // namespace yellow::cli
