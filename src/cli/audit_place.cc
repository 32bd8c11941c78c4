#include "cli/audit_place.h"

#include <algorithm>

namespace yellow::cli {

access::AuditEffects AuditEffectsOf(const Program& program, ports::Endpoints& endpoints) {
  return {program.connector, endpoints, program.entropy, program.files, program.audit_log};
}

access::AuditPlace AuditPlaceOf(const Project& project, const std::string& container) {
  const auto& environment = project.loaded.model.environment;
  return {container, project.data, project.root,
          environment ? environment->audit.anchors : std::vector<model::AnchorTarget>{}};
}

std::string ServerLogFolder(const Project& project, const ports::ConnectionInfo& server) {
  const auto& environment = project.loaded.model.environment;
  const std::string named = environment ? environment->audit.server_log : "";
  if (server.embedded || named.empty()) return server.log;
  return named.starts_with('/') ? named : project.root + "/" + named;
}

std::vector<access::WitnessPlace> WitnessPlacesOf(const Project& project, ports::Servers& servers,
                                                  const std::vector<std::string>& containers) {
  std::vector<access::WitnessPlace> places;
  for (const std::string& container : containers) {
    const ports::ConnectionInfo info = servers.Describe(container);
    access::WitnessPlace place{
        ServerLogFolder(project, info), info.embedded ? info.folder + "/server.log" : "", {container}};
    if (place.folder.empty()) continue;
    const auto same = std::find_if(places.begin(), places.end(),
                                   [&](const access::WitnessPlace& one) { return one.folder == place.folder; });
    if (same == places.end()) {
      places.push_back(std::move(place));
    } else {
      same->containers.push_back(container);
    }
  }
  return places;
}

}  // namespace yellow::cli
