#pragma once

#include "ports/database.h"

namespace yellow::adapters::postgres {

/// Sets what every session of Yellow wants, whatever the server's own defaults are. Throws base::Error.
void ApplySettings(ports::Session& session);

}  // namespace yellow::adapters::postgres
