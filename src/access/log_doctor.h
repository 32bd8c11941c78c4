#pragma once

#include <string>

#include "plan/finding.h"
#include "ports/database.h"
#include "ports/server_log.h"

namespace yellow::access {

/// The log of the server of one merge database.
struct LogPlace {
  std::string container;
  std::string role_prefix;
  std::string folder;     ///< empty: nobody has said where it is
  bool embedded = false;  ///< the server is Yellow's own
};

/// Whether the server's own log is a second witness of what temporary logins ask; under the key
/// `server_log/<container>`. `session`: any of Yellow's logins.
plan::Findings ExamineServerLog(ports::Session& session, ports::ServerLog& log, const LogPlace& place);

}  // namespace yellow::access
