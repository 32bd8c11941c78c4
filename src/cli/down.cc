#include <ostream>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/history_json.h"

namespace yellow::cli {

int Down(const Program& program, const Options& options) {
  const Project project = OpenProject(program, options);
  const auto servers = program.open_servers(project.loaded.model, project.data);
  const bool was_running = servers->Stop();
  if (options.json) {
    program.out << Printed(DoneRecord().Write({project.root, was_running ? "stopped" : "not_running"}));
    return kDone;
  }
  program.out << (was_running ? "Stopped the private PostgreSQL of " : "No private PostgreSQL was running for ")
              << project.root << "; the data stays.\n";
  return kDone;
}

}  // namespace yellow::cli
