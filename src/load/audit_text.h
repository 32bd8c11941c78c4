#pragma once

#include "base/diagnostics.h"
#include "load/node.h"
#include "load/shape.h"
#include "model/audit.h"

namespace yellow::load {

/// `audit:` of an environment.
const Shape& AuditShape();
/// Reads what fits that shape; what is wrong in a value is a diagnostic and leaves it out.
model::Audit ReadAudit(const Node& node, base::Diagnostics& diagnostics);

}  // namespace yellow::load
