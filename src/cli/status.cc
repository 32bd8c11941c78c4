#include <ostream>

#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/status_view.h"

namespace yellow::cli {

int Status(const Program& program, const Options& options) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  std::vector<StatusOfEngine> all;
  bool files_are_newer = false;
  bool findings = false;
  for (Engine& engine : engines.engines) {
    all.push_back(ReadStatus(program, engine));
    files_are_newer |= engine.applied->digest != project.digest;
    for (const StatusRow& row : all.back().streams) findings |= row.state == "held" || row.state == "failed";
  }
  if (options.json) {
    StatusDocument document{project.environment, files_are_newer, {}, {}, {}};
    if (project.loaded.model.environment) {
      for (const model::ContainerPlace& place : project.loaded.model.environment->containers)
        document.containers.push_back(engines.servers->Describe(place.container));
    }
    for (const StatusOfEngine& one : all) {
      document.streams.insert(document.streams.end(), one.streams.begin(), one.streams.end());
      document.undelivered.insert(document.undelivered.end(), one.undelivered.begin(), one.undelivered.end());
    }
    program.out << Printed(StatusRecord().Write(document));
  } else {
    program.out << StatusText(project, all, files_are_newer);
  }
  return findings ? kFindings : kDone;
}

}  // namespace yellow::cli
