#pragma once

#include <string>
#include <vector>

namespace yellow::adapters::embedded {

struct ProgramResult {
  int status = 0;
  std::string output;  ///< stdout and stderr, trimmed
};

/// The folder of PostgreSQL's own programs: YELLOW_PG_BIN, or the newest of the distribution's, version 15 or later.
/// Throws base::Error code "embedded" when there is none.
std::string ServerPrograms();

/// Runs initdb or pg_ctl as this user, detached from our session and files but for `inherited` (-1: none). Waits for
/// it.
ProgramResult RunServerProgram(const std::string& name, const std::vector<std::string>& arguments, unsigned uid,
                               unsigned gid, int inherited = -1);

}  // namespace yellow::adapters::embedded
