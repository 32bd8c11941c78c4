#pragma once

#include <string>

#include "plan/plan.h"
#include "run/context.h"

namespace yellow::run {

struct ApplyReport {
  int steps = 0;
  int model_version = 0;
};

/// Takes exactly the plan's steps in one merge database, each in a transaction of its own with a short lock_timeout and
/// retries, then stores the model under the next number. One apply at a time; what a killed one left undone is in the
/// next plan. REQUIRES: the plan has no errors, and no destroying step that the user did not allow. Throws base::Error.
ApplyReport Apply(const Effects& effects, const Actor& actor, const std::string& container, const std::string& prefix,
                  const Applied& candidate, const plan::Plan& plan);

}  // namespace yellow::run
