#pragma once

#include <memory>

#include "ports/stop.h"

namespace yellow::adapters::process {

/// SIGTERM and SIGINT. After the first, a second one ends the process at once. One object a process.
std::unique_ptr<ports::Stop> MakeStop();

}  // namespace yellow::adapters::process
