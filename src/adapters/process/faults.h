#pragma once

#include <memory>
#include <string>

#include "ports/fault.h"

namespace yellow::adapters::process {

/// `setting` is the value of YELLOW_FAULT: empty for no fault, `name:n` or `*:n` to kill this process with SIGKILL at
/// the n-th passing of that point, `count:FILE` to append the name of every point passed to a file.
std::unique_ptr<ports::Faults> MakeFaults(const std::string& setting);

}  // namespace yellow::adapters::process
