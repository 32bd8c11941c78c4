#pragma once

#include "run/batch_runner.h"

namespace yellow::run {

enum class RunOutcome { kCommitted, kNothingDue, kFailed, kTimedOut, kLost, kHeld, kCancelled, kBusy, kFenced };

struct RunReport {
  RunOutcome outcome = RunOutcome::kCommitted;
  std::string run_id;
  BatchReport output;  ///< of the output batch, when committed
  std::string reason_code, reason;
};

/// One run of one DataTransformer (DESIGN 9): prepare, claim, launch, execute, quiesce, ingest the output in one
/// transaction with the cursors. `cause` is why it is due, in words; it is recorded with the run.
RunReport RunTransformer(const Effects& effects, const Actor& actor, const Applied& applied,
                         const plan::Transformer& transformer, const std::string& cause);

}  // namespace yellow::run
