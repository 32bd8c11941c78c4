#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ports/server_programs.h"

namespace yellow::adapters::embedded {

/// The folder of PostgreSQL's own programs: YELLOW_PG_BIN, or the newest of the distribution's, version 15 or later.
/// Throws base::Error code "embedded" when there is none.
std::string FolderOfServerPrograms();

std::unique_ptr<ports::ServerPrograms> MakeServerPrograms();

}  // namespace yellow::adapters::embedded
