#pragma once

#include <memory>
#include <string>

#include "ports/process.h"

namespace yellow::adapters::process {

/// A folder for the code of one run: below /var/lib/yellow/runs with a user of its own, else below `data`/work. A lock
/// file beside it, which this process and the guardian of the code hold, tells it from one that was left behind.
/// Throws base::Error.
std::unique_ptr<ports::Workplace> MakeLocalWorkplace(const std::string& data, const std::string& name);

/// Ends what processes that have ended left behind in such places: processes first, then folders.
void CleanWorkplaces(const std::string& data);

}  // namespace yellow::adapters::process
