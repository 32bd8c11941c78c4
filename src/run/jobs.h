#pragma once

#include <string>
#include <vector>

#include "run/context.h"
#include "run/tick.h"

namespace yellow::run {

/// What was done since it was made.
struct LoopReport {
  int batches = 0;  ///< committed, outputs included
  int runs = 0;     ///< committed
  int held = 0;
  int failed = 0;
  std::vector<Decision> last;  ///< the verdicts with which it stopped
};

/// Carries out one decision to ingest or to transform, and says what came of it. Returns false when the node could not
/// be worked on now, so that the caller leaves it alone for a while. Several may run at once, on different nodes.
bool Work(const Effects& effects, const Actor& actor, const Applied& applied, const Decision& decision,
          LoopReport& total);

/// A verdict that nothing but a person or the source can change.
bool WaitsForHelp(const std::string& code);

/// role_prefix of the environment.
std::string PrefixOf(const Applied& applied);

}  // namespace yellow::run
