#include "access/session_program.h"

#include <fmt/format.h>

#include <algorithm>

namespace yellow::access {
namespace {

constexpr int kClusterPort = 8001;

/// A name of terminfo, as far as that goes.
std::string TermOf(const std::string& word) {
  const bool plain = !word.empty() && word.size() <= 32 && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
           c == '.';
  });
  return plain ? word : "dumb";
}

}  // namespace

std::optional<SessionProgram> SessionProgramOf(std::string_view word) {
  if (word.empty() || word == "sql") return SessionProgram::kSql;
  if (word == "shell") return SessionProgram::kShell;
  return std::nullopt;
}

void PrepareTerminal(ports::RecordingSpec& spec, const TerminalWords& terminal) {
  spec.columns = terminal.columns, spec.rows = terminal.rows;
  spec.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                      {"HOME", "/tmp"},
                      {"LANG", "C.UTF-8"},
                      {"TERM", TermOf(terminal.term)},
                      {"PSQL_HISTORY", "/dev/null"}};
}

void RunPsql(ports::RecordingSpec& spec, const DatabaseDoor& door, bool piped) {
  spec.command = {"psql", "-X", "-P", "pager=off", "-h", door.folder, "-U", door.login, "-d", door.database};
  if (piped) spec.command.insert(spec.command.end(), {"-v", "ON_ERROR_STOP=1"});
  spec.piped_input = piped;
}

void RunShell(ports::RecordingSpec& spec, const std::string& prompt, bool piped) {
  spec.command = {"sh", "-c", "command -v bash >/dev/null && exec bash --noprofile --norc; exec sh"};
  spec.environment["PS1"] = prompt + " $ ";
  spec.environment["PAGER"] = "cat";  // one that waits for a key would wait for ever where nobody is at the terminal
  spec.hidden_input = true;
  spec.piped_input = piped;
}

void FindDatabase(ports::RecordingSpec& spec, const DatabaseDoor& door) {
  spec.environment.insert({{"PGHOST", door.folder}, {"PGUSER", door.login}, {"PGDATABASE", door.database}});
}

std::string FindCluster(ports::RecordingSpec& spec, const std::string& kubeconfig, const std::string& name_space) {
  spec.environment["KUBECONFIG"] = kubeconfig;
  spec.listened_port = kClusterPort;
  return fmt::format(R"(apiVersion: v1
kind: Config
clusters: [{{name: yellow, cluster: {{server: "http://127.0.0.1:{}"}}}}]
users: [{{name: yellow, user: {{}}}}]
contexts: [{{name: yellow, context: {{cluster: yellow, user: yellow, namespace: "{}"}}}}]
current-context: yellow
)",
                     kClusterPort, name_space);
}

}  // namespace yellow::access
