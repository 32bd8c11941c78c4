#pragma once

#include <string>
#include <variant>

#include "run/commit.h"
#include "run/context.h"
#include "run/output_batch.h"
#include "run/run_mode.h"

namespace yellow::run {

/// A run whose code has ended well, if it had any.
struct FinishedRun {
  const plan::Transformer& transformer;
  const plan::Stream& output;
  const std::string& id;
  const RunMode& mode;
  const Claims& claims;
  std::string cause;     ///< for the event
  bool repairs = false;  ///< it had none: a person has written its output, and the transformer is as due as before
};

struct TakenOutput {
  int batch = 0;
  Merged merged;
};

/// Locks, checks and merges every output of a run, moves its cursors and closes it, in the transaction of `session` (as
/// the output role), which the caller ends with the fence. A Hold: nothing of the transaction may be committed.
std::variant<TakenOutput, Hold> TakeOutputIn(ports::Session& session, const Actor& actor, const Applied& applied,
                                             const FinishedRun& run);

}  // namespace yellow::run
