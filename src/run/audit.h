#pragma once

#include <string>
#include <utility>
#include <vector>

#include "run/context.h"

namespace yellow::run {

/// Writes what somebody did into the audit log (SECURITY 5), in the session's transaction: it is recorded if and only
/// if it is done. `action` is one of the words of docs/howto/audit.md, `details` names and texts besides; the
/// account of who has called stands among them as `identity`. Any of Yellow's own logins may. Throws base::Error.
void RecordAudit(ports::Session& session, const Actor& actor, const std::string& action, const std::string& subject,
                 const std::vector<std::pair<std::string, std::string>>& details = {});

}  // namespace yellow::run
