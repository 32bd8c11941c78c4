#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/json_schema.h"
#include "cli/outputs.h"

namespace yellow::cli {

int ExportJsonSchema(const Program& program, const Options&, const ExportJsonSchemaOptions& schema) {
  std::string name;
  for (const std::string& word : schema.of) name += (name.empty() ? "" : " ") + word;
  if (name.empty()) {
    program.out << ModelJsonSchema();
    return kDone;
  }
  const auto text = OutputSchema(name);
  if (!text)
    throw base::UsageError("no command prints this with --output json: " + name)
        .Remedy(base::DidYouMean(name, OutputNames()));
  program.out << *text;
  return kDone;
}

}  // namespace yellow::cli
