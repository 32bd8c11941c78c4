#include <ostream>

#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/privileges_view.h"

namespace yellow::cli {

int ExportPrivileges(const Program& program, const Options& options) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const run::Applied whole = Compile(project.files, project.environment, project.root, 0, project.digest);
  const sql::Roles roles(whole.model.environment->role_prefix);
  const auto servers = program.open_servers(whole.model, project.data);
  std::vector<Privilege> all;
  for (const std::string& container : MergeContainers(whole.model, whole.physical)) {
    const plan::Desired wanted = plan::Want(InContainer(whole, container).physical, roles.prefix);
    const auto some =
        PrivilegesIn(container, plan::PrivilegesOf(roles, servers->Describe(container).database, &wanted));
    all.insert(all.end(), some.begin(), some.end());
  }
  program.out << (options.json ? Printed(PrivilegeRecord().List(all)) : PrivilegesText(all));
  return kDone;
}

}  // namespace yellow::cli
