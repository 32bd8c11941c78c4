#pragma once

#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ports/audit_log.h"
#include "ports/clock.h"
#include "ports/cluster_access.h"
#include "ports/container.h"
#include "ports/database.h"
#include "ports/door.h"
#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/mail.h"
#include "ports/process.h"
#include "ports/recorder.h"
#include "ports/secrets.h"
#include "ports/server_log.h"
#include "ports/servers.h"
#include "ports/session_proxy.h"
#include "ports/stop.h"
#include "ports/supervisor.h"
#include "ports/tickets.h"
#include "ports/token_keys.h"
#include "ports/watch.h"
#include "ports/webhook.h"
#include "run/context.h"

namespace yellow::cli {

/// What the composition root gives to the commands.
struct Program {
  ports::FileSystem& files;
  ports::Connector& connector;
  ports::Clock& clock;
  ports::Entropy& entropy;
  ports::SecretStore& secrets;
  ports::ProcessLauncher& processes;
  ports::ContainerEngines& containers;
  ports::Webhook& webhook;
  ports::Mailer& mailer;
  ports::Tickets& tickets;
  ports::TokenKeys& token_keys;
  ports::AuditLog& audit_log;
  ports::ServerLog& server_log;
  ports::Stop& stop;
  ports::Watch& watch;
  ports::Supervisor& supervisor;
  ports::Recordings& recordings;
  ports::Recorder& recorder;
  ports::SessionProxies& proxies;
  ports::OpenCluster open_cluster;
  /// The servers of a model's environment; `data` is the data folder of the project.
  std::function<std::unique_ptr<ports::Servers>(const model::Model& model, const std::string& data)> open_servers;
  ports::Foreground foreground;
  std::function<std::unique_ptr<ports::Door>()> open_door;
  std::function<std::unique_ptr<ports::Door>()> open_network_door;
  ports::DoorClient call_door;
  ports::FileClient fetch_file;
  ports::StreamClient call_stream;
  ports::TerminalClient call_terminal;
  /// The value of an environment variable, or an empty text.
  std::function<std::string(const std::string& name)> variable;
  run::Actor actor;
  std::string working_directory;
  std::string executable;  ///< the path of this program
  std::ostream& out;
  std::ostream& err;
  bool terminal = false;        ///< `out` is one
  bool error_terminal = false;  ///< `err` is one
};

/// The whole command line; returns the exit status of DESIGN 11.
int Main(const Program& program, int argc, const char* const* argv);

}  // namespace yellow::cli
