#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ports/recorder.h"

namespace yellow::access {

/// What runs in a session.
enum class SessionProgram { kSql, kShell };
std::optional<SessionProgram> SessionProgramOf(std::string_view word);  ///< `sql`, `shell`; empty: psql

/// What a person's terminal says of itself.
struct TerminalWords {
  std::string term = "dumb";
  int columns = 80, rows = 24;
  bool piped = false;  ///< nobody types: what comes is a script, which psql ends with the first error in it
};

/// Where a session finds the database that it may reach.
struct DatabaseDoor {
  std::string folder;  ///< with the socket
  std::string login, database;
};

/// The terminal, and an environment that holds nothing but what every program needs.
void PrepareTerminal(ports::RecordingSpec& spec, const TerminalWords& terminal);
/// psql, which reaches that and nothing else; of a script it is said by its exit status how it went.
void RunPsql(ports::RecordingSpec& spec, const DatabaseDoor& door, bool piped);
/// bash, or sh where there is none. Whatever is typed is recorded: who has a shell can have any program not show it,
/// and none has a reason to ask for a password, as all that it could be for is beyond reach. A script is shown no
/// prompt.
void RunShell(ports::RecordingSpec& spec, const std::string& prompt, bool piped);
/// What every client of PostgreSQL looks at.
void FindDatabase(ports::RecordingSpec& spec, const DatabaseDoor& door);
/// What kubectl looks at: the file `kubeconfig`, whose content is returned. It holds no credential: the API server is
/// what answers at the session's own loopback.
std::string FindCluster(ports::RecordingSpec& spec, const std::string& kubeconfig, const std::string& name_space);

}  // namespace yellow::access
