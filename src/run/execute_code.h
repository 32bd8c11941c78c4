#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "plan/physical.h"
#include "run/context.h"

namespace yellow::run {

/// What the code of one run is given.
struct CodeContext {
  const Applied& applied;
  const plan::Transformer& transformer;
  std::string run_id;
  std::string mode;                                   ///< full or incremental
  std::string snapshot;                               ///< of the keeper; empty: there is none
  ports::ConnectionTarget target;                     ///< as the run's login
  std::map<std::string, std::pair<int, int>> claims;  ///< Store.dataset -> (from, to]
  std::function<bool()> wanted;                       ///< false: end it, nobody will look at what it does
  std::function<bool()> taken_over;                   ///< true: leave it, another process waits for it; may be empty
  /// Gives what MakeWorkplace has made for the run, when the code is a process; empty: it is made here.
  std::function<std::unique_ptr<ports::Workplace>()> workplace;
  std::string holder;  ///< of a try or test, whose container goes with that process; empty: it may go on without it
};

/// Reason code of code that could not import its snapshot: the run is tried again at once and not counted.
inline constexpr std::string_view kSnapshotReason = "snapshot";
inline constexpr int kSnapshotStatus = 75;  ///< EX_TEMPFAIL of sysexits(3): the snapshot could not be imported

enum class CodeOutcome { kFinished, kFailed, kTimedOut, kSnapshotGone };

struct CodeResult {
  CodeOutcome outcome = CodeOutcome::kFinished;
  int exit_status = 0;
  std::string reason_code, reason;
  std::string log;  ///< the last MiB of what it printed
};

/// The workplace of code that runs as a process, with the code in it, and the folder of its log. Throws base::Error.
std::unique_ptr<ports::Workplace> MakeWorkplace(const Effects& effects, const Applied& applied,
                                                const model::ProcessCode& code, const std::string& run_id);

/// Runs the transformer's code to its end: SQL and masks in one transaction on the run's snapshot as the run's login,
/// source code as a local process, an image as a container. Throws base::Error only when the merge database is lost.
CodeResult ExecuteCode(const Effects& effects, const CodeContext& context);

/// The environment of the process (DESIGN 9.5).
std::map<std::string, std::string> EnvironmentOf(const Effects& effects, const CodeContext& context);

}  // namespace yellow::run
