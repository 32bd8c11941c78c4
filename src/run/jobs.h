#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/batch_runner.h"
#include "run/context.h"
#include "run/tick.h"
#include "run/transform_runner.h"

namespace yellow::run {

/// What was done since it was made.
struct LoopReport {
  int batches = 0;  ///< committed, outputs included
  int runs = 0;     ///< committed
  int held = 0;
  int failed = 0;
  std::vector<Decision> last;  ///< the verdicts with which it stopped
};

/// What came of a job.
enum class JobState {
  kCommitted,
  kConsumed,    ///< its new inputs need no run, and were counted
  kHeld,        ///< it waits for the source or a person
  kFailed,      ///< what failed is recorded
  kCancelled,   ///< by a person
  kNothingDue,  ///< somebody else has done it, or it is not time
  kBusy,        ///< somebody else is at it
  // Of a run that jobs hand on (handed_run.h):
  kOpened,
  kLaunched,  ///< its code was started, and goes on alone
  kRunning,   ///< its code is at work
  kEnded,     ///< its code has ended, or is overdue: the run is to be closed
  kFinished,  ///< its output waits to be ingested
  kClosed     ///< nothing is left to do with it
};

/// One word for it, as programs read it; and back.
std::string_view WordOf(JobState state);
std::optional<JobState> JobStateOf(std::string_view word);

struct JobReport {
  JobState state = JobState::kCommitted;
  std::string run_id;  ///< empty of an ingestion
  BatchReport batch;   ///< the committed one, or of an ingestion the one that is held
  std::string reason_code, reason;
};

/// Carries out one decision to ingest or to transform, and says what came of it. Who gets anything but kCommitted
/// leaves the node alone for a while. Several may run at once, on different nodes.
JobReport Work(const Effects& effects, const Actor& actor, const Applied& applied, const Decision& decision);

/// Says it, and what it means as a job.
JobReport ReportOf(Reporter& reporter, const plan::Transformer& transformer, const RunReport& report);

/// Makes a stream due, unless a batch of it was opened since then. `asked_at`: RFC 3339.
void AskForBatch(ports::Session& engine, const std::string& stream, const std::string& asked_at);

/// Counts a job.
void Add(LoopReport& total, const Decision& decision, const JobReport& report);

/// A verdict that nothing but a person or the source can change.
bool WaitsForHelp(const std::string& code);

/// role_prefix of the environment.
std::string PrefixOf(const Applied& applied);

}  // namespace yellow::run
