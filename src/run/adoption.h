#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/physical.h"
#include "run/context.h"
#include "run/output_batch.h"
#include "run/run_mode.h"
#include "run/state.h"

namespace yellow::run {

/// The open run of a transformer, of which there is one at most.
struct OpenRun {
  std::string id;
  RunState state = RunState::kPreparing;
  std::string definition;
  std::string cause;
  std::string handed_to;  ///< the scheduler whose jobs take its steps; empty: a process that holds the lease
  RunMode mode;
  Claims claims;
  int64_t seconds_left = 0;  ///< until its deadline; less than nothing when that has passed
};

std::optional<OpenRun> FindOpenRun(ports::Session& engine, const std::string& transformer);

/// Whether somebody's next job may still take it over: it is left alone until half a minute after its deadline.
bool IsHanded(const OpenRun& run);

/// A handed run whose code has ended, and whose output nobody has taken in for a minute.
struct WaitingOutput {
  std::string run_id;
  std::string transformer;
};

/// In the order of their ends.
std::vector<WaitingOutput> FindWaitingOutputs(ports::Session& engine);

/// The launched run of this transformer, whose job has outlived the process that started it, if its definition is still
/// the same, its code does not need the keeper's snapshot for certain, and its container is there. Throws base::Error
/// when the engine does not answer, retryable.
std::optional<OpenRun> FindAdoptable(const Effects& effects, ports::Session& engine, const Applied& applied,
                                     const plan::Transformer& transformer);

/// The statements that make it this process's run.
std::vector<sql::Statement> Adopting(const Actor& actor, const std::string& run_id);

}  // namespace yellow::run
