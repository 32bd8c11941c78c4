#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/history_json.h"
#include "run/audit.h"

namespace yellow::cli {

namespace {

/// In each merge database of the private server, while it answers. What stands in the way of the record keeps nobody
/// from stopping a server.
void RecordStop(const Program& program, const Project& project, ports::Servers& servers) {
  for (const std::string& container : MergeContainersOf(project)) {
    if (!servers.Describe(container).embedded) continue;
    try {
      const auto session = program.connector.Open(servers.Service(container, ports::ServiceRole::kEngine, "down"));
      if (!session->Execute("SELECT to_regclass('yellow_access.audit') IS NOT NULL").Boolean(0, 0)) continue;
      run::RecordAudit(*session, program.actor, "server.stopped", container);
    } catch (const base::Error& error) {
      program.err << "That it stops is not in the audit log of " << container << ": " << error.what() << "\n";
    }
  }
}

}  // namespace

int Down(const Program& program, const Options& options) {
  const Project project = OpenProject(program, options);
  const auto servers = program.open_servers(project.loaded.model, project.data);
  if (servers->Running()) RecordStop(program, project, *servers);
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
