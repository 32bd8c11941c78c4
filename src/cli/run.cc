#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/views/deploy_json.h"

namespace yellow::cli {
namespace {

/// Why a node that was asked for does nothing all the same; all but a pause end by themselves.
bool RefusesARequest(const std::string& code) {
  return code == "paused" || code == "busy" || code == "run_open" || code == "limit_reached";
}

}  // namespace

RunOutcome RunAll(const Program& program, const Options& options, const RunOptions& run) {
  RunOutcome outcome;
  if (run.apply) outcome.applied = ApplyAll(program, options, {"", false, run.brief});
  std::ostream& out = Narration(program, options);
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  ProgressReporter reporter(program, out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  if (engines.engines.front().applied->digest != project.digest) {
    program.err
        << "The files are newer than the applied model; running the applied one (yellow plan shows the difference).\n";
  }
  for (Engine& engine : engines.engines) {
    std::vector<std::string> keys;
    for (const std::string& name : run.nodes) keys.push_back(ResolveNode(*engine.applied, name, true));
    run::Request(*engine.session, program.actor, keys);
    const run::LoopReport report = run::RunUntilQuiet(effects, program.actor, *engine.applied, engine.container);
    outcome.batches += report.batches, outcome.runs += report.runs;
    outcome.held += report.held, outcome.failed += report.failed;
    for (const run::Decision& decision : report.last) {
      const bool asked = std::find(keys.begin(), keys.end(), decision.node) != keys.end();
      const bool waits_for_help = run::WaitsForHelp(decision.code) || (asked && decision.code == "paused");
      outcome.help_is_needed |= waits_for_help;
      if (!waits_for_help && !(asked && RefusesARequest(decision.code))) continue;
      out << decision.sentence << "\n";
      outcome.waiting.push_back(decision);
    }
  }
  out << (outcome.idle() ? "Nothing is due" : "Done") << ": " << outcome.batches << " batches committed, "
      << outcome.runs << " of them by a transformer; " << outcome.held << " held, " << outcome.failed << " failed\n";
  return outcome;
}

int Run(const Program& program, const Options& options, const RunOptions& run) {
  const RunOutcome outcome = RunAll(program, options, run);
  if (options.json) program.out << Printed(RunOutcomeRecord().Write(outcome));
  return outcome.findings() ? kFindings : kDone;
}

}  // namespace yellow::cli
