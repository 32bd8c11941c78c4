#pragma once

#include <memory>
#include <string>

#include "ports/fault.h"

namespace yellow::adapters::faults {

/// What YELLOW_FAULT asks for:
///   `name:n`, `kill@name:n`  SIGKILL at the n-th passing, counted before and after effects
///   `stop@name:n`            SIGSTOP there
///   `fail@name:n`            the n-th effect is not tried and fails, as one that may be retried
///   `lose@name:n`            the n-th effect happens, and its answer is lost with the connection
///   `count:path`             nothing happens; every passing is written to a file, a line each
/// `name` is an effect's name, `name.before`, `name.after`, or `*` for all. Thread-safe.
std::unique_ptr<ports::Faults> MakeFaults(const std::string& setting);

}  // namespace yellow::adapters::faults
