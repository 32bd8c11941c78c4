#pragma once

#include <memory>

#include "ports/audit_log.h"

namespace yellow::adapters::audit {

/// Segments are `NNNNNN.jsonl`, mode 0600. Anchors go to files, to commits of /usr/bin/git or that of PATH, and to
/// /dev/log.
std::unique_ptr<ports::AuditLog> MakeAuditLog();

}  // namespace yellow::adapters::audit
