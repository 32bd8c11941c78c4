#pragma once

#include "access/audit_writer.h"
#include "plan/finding.h"

namespace yellow::access {

/// What `yellow doctor` says of the audit log of one merge database: `audit/<container>`, and whether its end could be
/// noted outside: `audit/<container>/<anchor>`. `audit verify` reads the log itself. Throws nothing.
plan::Findings ExamineAudit(const AuditEffects& effects, const AuditPlace& place);

}  // namespace yellow::access
