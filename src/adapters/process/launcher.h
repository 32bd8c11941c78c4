#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/holder.h"
#include "ports/process.h"

namespace yellow::adapters::process {

/// Children of this process: a process group each, exactly the environment given, no files inherited, killed when this
/// process dies. Output is copied by the child's own descriptor, and the group is ended when the file passes its limit.
std::unique_ptr<ports::ProcessLauncher> MakeLauncher();

/// This process, as a holder of leases.
ports::Holder ThisProcess();

/// Runs a program on our terminal with these variables added to our environment; returns its exit status, 127 if it is
/// not there.
int RunInForeground(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables);

}  // namespace yellow::adapters::process
