#pragma once

#include <memory>

#include "ports/server_log.h"

namespace yellow::adapters::files {

/// Logs in folders of this machine: files whose names hold `.json`, packed ones left out. Thread-safe.
std::unique_ptr<ports::ServerLog> MakeServerLog();

}  // namespace yellow::adapters::files
