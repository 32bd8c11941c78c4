#include <ostream>

#include "cli/commands.h"
#include "cli/exit_status.h"

namespace yellow::cli {

int Down(const Program& program, const Options& options) {
  const Project project = OpenProject(program, options);
  const auto servers = program.open_servers(project.loaded.model, project.data);
  program.out << (servers->Stop() ? "Stopped the private PostgreSQL of " : "No private PostgreSQL was running for ")
              << project.root << "; the data stays.\n";
  return kDone;
}

}  // namespace yellow::cli
