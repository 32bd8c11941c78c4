#pragma once

#include <memory>

#include "ports/database.h"

namespace yellow::adapters::postgres {

/// PostgreSQL through libpq. The connector may be used from any thread, each session from one at a time.
std::unique_ptr<ports::Connector> MakeConnector();

}  // namespace yellow::adapters::postgres
