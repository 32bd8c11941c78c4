#pragma once

#include <optional>
#include <string>

#include "plan/physical.h"
#include "run/context.h"
#include "run/output_batch.h"
#include "run/run_mode.h"

namespace yellow::run {

/// An open run whose job has outlived the process that started it.
struct AdoptableRun {
  std::string id;
  RunMode mode;
  Claims claims;
  int64_t seconds_left = 0;  ///< until its deadline; less than nothing when that has passed
};

/// The launched run of this transformer, if its definition is still the same, its code does not need the keeper's
/// snapshot for certain, and its container is there. Throws base::Error when the engine does not answer, retryable.
std::optional<AdoptableRun> FindAdoptable(const Effects& effects, ports::Session& engine, const Applied& applied,
                                          const plan::Transformer& transformer);

/// The statements that make it this process's run.
std::vector<sql::Statement> Adopting(const Actor& actor, const std::string& run_id);

}  // namespace yellow::run
