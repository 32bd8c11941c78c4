#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "ports/stop.h"
#include "ports/watch.h"
#include "run/context.h"
#include "run/pod_job.h"

namespace yellow::run {

/// What serve needs of its surroundings besides the effects. Called from the serving thread only.
struct ServeHooks {
  /// Brings up what Yellow owns of the servers, if it is down.
  std::function<void()> revive;
  /// The newest applied model of the container, compiled.
  std::function<Applied(ports::Session& engine)> compile;
};

struct ServeOptions {
  int jobs = 4;                    ///< batches and runs at once
  int connections = 40;            ///< to the merge database, all jobs together
  std::chrono::seconds grace{30};  ///< after the request to stop, for jobs under way
  PodProgram pod;                  ///< for `jobs: kubernetes`
};

/// Schedules one merge database until `stop` is asked for: tick after tick, as soon as something was committed here or
/// by another process (a notification is a hint, the table is looked at every two seconds all the same), at the next
/// tick of a schedule, and when a job ends. Jobs run on threads of their own, the most urgent first; no node twice at a
/// time. A newer applied model is taken up when no job of the old one is left. Faults that pass are waited for without
/// end. After `stop` no job begins; those under way have `grace` to end. Returns false when some did not: the process
/// must end at once then, without destroying anything that was given here; what was under way goes on with the next
/// one. Throws base::Error for what does not pass by itself.
bool Serve(const Effects& effects, const Actor& actor, const std::string& container, const ServeHooks& hooks,
           const ServeOptions& options, ports::Stop& stop, ports::Watch& watch);

}  // namespace yellow::run
