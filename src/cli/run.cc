#include <algorithm>
#include <ostream>

#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"

namespace yellow::cli {
namespace {

/// Why a node that was asked for does nothing all the same; all but a pause end by themselves.
bool RefusesARequest(const std::string& code) {
  return code == "paused" || code == "busy" || code == "run_open" || code == "limit_reached";
}

}  // namespace

int Run(const Program& program, const Options& options, const RunOptions& run) {
  if (run.apply) {
    if (const int status = Apply(program, options, {"", false, run.brief}); status != kDone) return status;
  }
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(program.out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  if (engines.engines.front().applied->digest != project.digest) {
    program.err
        << "The files are newer than the applied model; running the applied one (yellow plan shows the difference).\n";
  }
  int batches = 0, runs = 0, held = 0, failed = 0;
  bool help_is_needed = false;
  for (Engine& engine : engines.engines) {
    std::vector<std::string> keys;
    for (const std::string& name : run.nodes) keys.push_back(ResolveNode(*engine.applied, name, true));
    run::Request(*engine.session, keys);
    const run::LoopReport report = run::RunUntilQuiet(effects, program.actor, *engine.applied, engine.container);
    batches += report.batches, runs += report.runs, held += report.held, failed += report.failed;
    for (const run::Decision& decision : report.last) {
      const bool asked = std::find(keys.begin(), keys.end(), decision.node) != keys.end();
      const bool waits_for_help = run::WaitsForHelp(decision.code) || (asked && decision.code == "paused");
      help_is_needed |= waits_for_help;
      if (waits_for_help || (asked && RefusesARequest(decision.code))) program.out << decision.sentence << "\n";
    }
  }
  program.out << (batches + runs + held + failed == 0 ? "Nothing is due" : "Done") << ": " << batches
              << " batches committed, " << runs << " of them by a transformer; " << held << " held, " << failed
              << " failed\n";
  return held + failed > 0 || help_is_needed ? kFindings : kDone;
}

}  // namespace yellow::cli
