#include "cli/audit_place.h"

namespace yellow::cli {

access::AuditEffects AuditEffectsOf(const Program& program, ports::Endpoints& endpoints) {
  return {program.connector, endpoints, program.entropy, program.files, program.audit_log};
}

access::AuditPlace AuditPlaceOf(const Project& project, const std::string& container) {
  const auto& environment = project.loaded.model.environment;
  return {container, project.data, project.root,
          environment ? environment->audit.anchors : std::vector<model::AnchorTarget>{}};
}

}  // namespace yellow::cli
