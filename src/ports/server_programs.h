#pragma once

#include <string>
#include <vector>

namespace yellow::ports {

struct ProgramResult {
  int status = 0;
  std::string output;  ///< stdout and stderr, trimmed
};

/// PostgreSQL's own programs: initdb, pg_ctl and postgres.
class ServerPrograms {
 public:
  virtual ~ServerPrograms() = default;
  /// Runs one as this user, detached from our session and files but for the descriptor `inherited` (-1: none), and
  /// waits for it. Throws base::Error code "embedded" when PostgreSQL is not installed.
  virtual ProgramResult Run(const std::string& name, const std::vector<std::string>& arguments, unsigned uid,
                            unsigned gid, int inherited) = 0;
};

}  // namespace yellow::ports
