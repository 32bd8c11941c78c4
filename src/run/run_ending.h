#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/context.h"
#include "run/state.h"

/// How a run ends without its output: in its own process, by a person, or by whoever finds it. The old output stays,
/// the cursors stay.
namespace yellow::run {

struct RunEnding {
  RunEvent event = RunEvent::kFailed;
  std::string code, reason;
  std::optional<int> retries;  ///< it counts as a failure against these; else it does not
};

/// Closes an open run, and when it counts says when the next attempt may begin: after a back-off that doubles from ten
/// seconds to ten minutes, or, when it was the last, not before something changes. Runs in the caller's transaction.
/// Throws base::Error code "fenced" when the run is not open.
void EndRun(ports::Session& session, const Actor& actor, const std::string& run_id, const RunEnding& ending);

/// Tells that a run has failed, in the same transaction; not when it was lost or cancelled.
void TellRunFailed(ports::Session& session, const Applied& applied, const std::string& transformer,
                   const std::string& run_id, const RunEnding& ending);

/// A run's output that a guard holds: the batch gets a number, under which a person can release it for the next run,
/// unless an earlier one has it already. Tells so. In the transaction that ends the run.
void HoldOutput(ports::Session& session, const Applied& applied, const plan::Stream& output, const std::string& run_id,
                const RunEnding& ending);

/// The reason if a person has cancelled the run.
std::optional<std::string> CancelledBecause(ports::Session& session, const std::string& run_id);

/// Who works on a run ends its step at the deadline himself; after so many more he could not.
inline constexpr int64_t kOverdueSeconds = 30;

/// Ends runs whose step is not done half a minute after its deadline (yellow.run.deadline), whoever works on them: that
/// process is stuck, and finds the run closed when it goes on. A handed run that waits for its next job is lost then.
/// Returns their ids.
std::vector<std::string> EndOverdueRuns(const Effects& effects, ports::Session& engine, const Actor& actor,
                                        const Applied& applied);

}  // namespace yellow::run
