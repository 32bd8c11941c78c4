#pragma once

#include <chrono>
#include <memory>

#include "ports/database.h"

namespace yellow::adapters::postgres {

/// PostgreSQL through libpq. The connector may be used from any thread, each session from one at a time.
/// `silence`: how long a call over TCP may hear nothing before the server is asked whether it still works.
std::unique_ptr<ports::Connector> MakeConnector(std::chrono::milliseconds silence = std::chrono::seconds(15));

}  // namespace yellow::adapters::postgres
