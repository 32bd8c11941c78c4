#pragma once

#include <memory>
#include <string>

#include "ports/supervisor.h"

namespace yellow::adapters::process {

/// The protocol of sd_notify(3): datagrams to the unix socket `address` (NOTIFY_SOCKET; `@` stands for the abstract
/// namespace). Nothing is sent when it is empty; what cannot be sent is lost, as the manual asks for.
std::unique_ptr<ports::Supervisor> MakeSupervisor(const std::string& address);

}  // namespace yellow::adapters::process
