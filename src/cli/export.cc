#include <ostream>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/json_schema.h"

namespace yellow::cli {

int ExportJsonSchema(const Program& program, const Options&) {
  program.out << ModelJsonSchema();
  return kDone;
}

}  // namespace yellow::cli
