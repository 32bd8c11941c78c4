#pragma once

#include <string>

#include "access/audit_writer.h"
#include "cli/project.h"

namespace yellow::cli {

access::AuditEffects AuditEffectsOf(const Program& program, ports::Endpoints& endpoints);

/// Where the audit log of a merge database is kept; its anchors are those of the files as they are now.
access::AuditPlace AuditPlaceOf(const Project& project, const std::string& container);

}  // namespace yellow::cli
