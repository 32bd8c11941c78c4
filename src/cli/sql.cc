#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "sql/names.h"

namespace yellow::cli {
namespace {

const plan::PlacedWorkspace& WorkspaceOf(const std::vector<Engine>& engines, const std::string& name) {
  std::vector<std::string> names;
  const plan::PlacedWorkspace* only = nullptr;
  for (const Engine& engine : engines) {
    for (const plan::PlacedWorkspace& workspace : engine.applied->physical.workspaces) {
      if (workspace.workspace == name) return workspace;
      names.push_back(workspace.workspace);
      only = &workspace;
    }
  }
  if (name.empty() && names.size() == 1) return *only;
  std::string list;
  for (const std::string& candidate : names) list += (list.empty() ? "" : ", ") + candidate;
  if (name.empty()) throw base::UsageError("which workspace? There are: " + list).Remedy("yellow sql -w WORKSPACE");
  const std::string near = base::Suggest(name, names);
  throw base::UsageError("no such workspace in the applied model: " + name)
      .Remedy(near.empty() ? "there are: " + list : "did you mean " + near + "?");
}

}  // namespace

// psql as the superuser of the private cluster, who steps down to the group of the workspace's readers before the first
// statement. On a named server nobody has that standing access.
int Sql(const Program& program, const Options& options, const SqlOptions& sql) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const plan::PlacedWorkspace& workspace = WorkspaceOf(engines.engines, sql.workspace);
  const ports::ConnectionInfo info = engines.servers->Describe(workspace.container);
  if (!info.embedded) {
    throw base::Error("access", "sql needs an approved request on a named server: " + info.host)
        .Remedy("readers that the model names connect with their own login");
  }
  const ports::ConnectionTarget target =
      engines.servers->Service(workspace.container, ports::ServiceRole::kSuperuser, "sql " + workspace.workspace);
  const sql::Roles roles(project.loaded.model.environment ? project.loaded.model.environment->role_prefix : "yellow");
  const std::map<std::string, std::string> variables{
      {"PGHOST", target.host},
      {"PGPORT", std::to_string(target.port)},
      {"PGDATABASE", target.database},
      {"PGUSER", target.user},
      {"PGAPPNAME", target.application_name},
      {"PGOPTIONS", "-c role=" + roles.WorkspaceGroup(workspace.workspace) + " -c search_path=" + workspace.schema}};
  std::vector<std::string> command{"psql", "-X", "-v", "ON_ERROR_STOP=1"};
  if (!sql.command.empty()) command.insert(command.end(), {"-c", sql.command});
  return program.foreground(command, variables) == 0 ? kDone : kFailed;
}

}  // namespace yellow::cli
