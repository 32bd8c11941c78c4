#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"
#include "cli/views/history_json.h"
#include "cli/views/status_view.h"
#include "run/batches.h"

namespace yellow::cli {
int StreamsList(const Program& program, const Options& options, const StreamsOptions&) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  Json list = Json::array();
  std::vector<std::vector<std::string>> table{{"STREAM", "KEY", "STATE", "BATCH", ""}};
  for (Engine& engine : engines.engines) {
    for (const StatusRow& row : ReadStatus(program, engine).streams) {
      list.push_back(StreamRecord().Write(row));
      table.push_back({row.name, row.key, row.state, row.batch == 0 ? "-" : std::to_string(row.batch),
                       row.reason.substr(0, row.reason.find('\n'))});
    }
  }
  program.out << (options.json ? Printed(list) : TextTable(table, {3}));
  return kDone;
}

}  // namespace yellow::cli
