#pragma once

#include <string>
#include <vector>

#include "plan/import.h"
#include "ports/database.h"

namespace yellow::run {

/// What a source database says of one schema, in one snapshot. Throws base::Error code "schema" when the schema is not
/// there or the login may not use it, with the schemas there are or the GRANT that is missing.
plan::SourceCatalogue ReadCatalogue(ports::Session& source, const std::string& schema);

}  // namespace yellow::run
