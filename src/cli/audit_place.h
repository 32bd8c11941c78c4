#pragma once

#include <string>

#include "access/audit_writer.h"
#include "access/log_witness.h"
#include "cli/project.h"

namespace yellow::cli {

access::AuditEffects AuditEffectsOf(const Program& program, ports::Endpoints& endpoints);

/// Where the audit log of a merge database is kept; its anchors are those of the files as they are now.
access::AuditPlace AuditPlaceOf(const Project& project, const std::string& container);

/// Where the JSON log of a server is, as the environment says or Yellow knows; empty: nobody has said.
std::string ServerLogFolder(const Project& project, const ports::ConnectionInfo& server);

/// The logs of the servers of these merge databases, as far as it is known where they are.
std::vector<access::WitnessPlace> WitnessPlacesOf(const Project& project, ports::Servers& servers,
                                                  const std::vector<std::string>& containers);

}  // namespace yellow::cli
