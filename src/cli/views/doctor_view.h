#pragma once

#include <string>

#include "cli/views/record.h"
#include "plan/finding.h"

namespace yellow::cli {

/// In the order in which they are shown: by group, what was found first in it first; each key once.
plan::Findings Ordered(plan::Findings findings);

/// A line a group where all is well; what is not, each with its remedy; and how many there were. REQUIRES: Ordered.
std::string DoctorText(const plan::Findings& findings);
const Record<plan::Finding>& DoctorRecord();

}  // namespace yellow::cli
