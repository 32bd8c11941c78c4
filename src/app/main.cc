#include <pwd.h>
#include <sodium.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>

#include "adapters/audit/local_audit_log.h"
#include "adapters/clock/system_clock.h"
#include "adapters/container/engine.h"
#include "adapters/embedded/server_program.h"
#include "adapters/faults/faults.h"
#include "adapters/faults/wrappers.h"
#include "adapters/files/local_files.h"
#include "adapters/files/server_log.h"
#include "adapters/http/local_door.h"
#include "adapters/http/mail_client.h"
#include "adapters/http/network_door.h"
#include "adapters/http/ticket_client.h"
#include "adapters/http/vault_client.h"
#include "adapters/http/watch_server.h"
#include "adapters/http/webhook_client.h"
#include "adapters/kubernetes/cluster.h"
#include "adapters/kubernetes/temporary_access.h"
#include "adapters/oidc/issuer_keys.h"
#include "adapters/postgres/connector.h"
#include "adapters/postgres/session_proxy.h"
#include "adapters/process/launcher.h"
#include "adapters/process/stop_signals.h"
#include "adapters/process/supervisor.h"
#include "adapters/recorder/recorder.h"
#include "adapters/recorder/terminal.h"
#include "adapters/secrets/secret_store.h"
#include "app/engines.h"
#include "app/servers.h"
#include "base/error.h"
#include "cli/program.h"

namespace {

yellow::run::Actor Actor() {
  const passwd* user = getpwuid(getuid());
  const yellow::ports::Holder process = yellow::adapters::process::ThisProcess();
  return {ToString(process), process.host, user == nullptr ? std::to_string(getuid()) : user->pw_name};
}

/// A port, behind its fault points only when a test asked for a fault: else nothing stands before its effects.
template <typename Port>
class Effect {
 public:
  Effect(std::unique_ptr<Port> port, yellow::ports::Faults* faults) : port_(std::move(port)) {
    if (faults != nullptr) wrapped_ = yellow::adapters::faults::Wrap(*port_, *faults);
  }
  Port& operator*() const { return wrapped_ ? *wrapped_ : *port_; }
  Port* operator->() const { return &**this; }

 private:
  std::unique_ptr<Port> port_, wrapped_;
};

std::string Variable(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

/// This process's terminal at a session that a service hosts.
yellow::ports::TerminalOutcome CallTerminal(
    const std::string& socket, const std::string& path, const std::optional<std::string>& text,
    const std::function<std::string(const yellow::ports::TerminalFacts&)>& body) {
  const yellow::access::TerminalSize size = yellow::adapters::recorder::SizeOfTerminal();
  const bool piped = yellow::adapters::recorder::IsPiped(text);
  yellow::ports::TerminalOutcome outcome;
  int connection = -1;
  const std::unique_ptr<int, void (*)(int*)> closed(&connection, [](int* descriptor) { close(*descriptor); });
  outcome.answer =
      yellow::adapters::http::TakeConnection(socket, path, body({size.columns, size.rows, piped}), connection);
  if (outcome.answer.status == 101) {
    const auto end = yellow::adapters::recorder::AttachTerminal(connection, text);
    if (end) outcome.end = end->end, outcome.status = end->status, outcome.why = end->why;
  }
  return outcome;
}

/// Not argv[0], which is a word of whoever called.
std::string Executable() {
  std::error_code failure;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? "/usr/bin/yellow" : path.string();
}

}  // namespace

int main(int argc, char** argv) {
  namespace adapters = yellow::adapters;
  if (adapters::recorder::IsRecorder(argc, argv)) return adapters::recorder::BeRecorder();
  if (sodium_init() < 0) {
    std::cerr << "error: the system has no random generator\n";
    return 3;
  }
  const std::string fault = Variable("YELLOW_FAULT");
  const auto injected = adapters::faults::MakeFaults(fault);
  yellow::ports::Faults* faults = fault.empty() ? nullptr : injected.get();
  const Effect files(adapters::files::MakeFileSystem(), faults);
  const Effect connector(adapters::postgres::MakeConnector(), faults);
  const Effect programs(adapters::embedded::MakeServerPrograms(), faults);
  const Effect processes(adapters::process::MakeLauncher(), faults);
  const Effect webhook(adapters::http::MakeWebhook(), faults);
  const Effect mailer(adapters::http::MakeMailer(), faults);
  const Effect audit_log(adapters::audit::MakeAuditLog(), faults);
  const auto server_log = adapters::files::MakeServerLog();
  yellow::ports::Foreground foreground = &adapters::process::RunInForeground;
  if (faults != nullptr) foreground = adapters::faults::Wrap(foreground, *faults);
  const auto clock = adapters::clock::MakeClock();
  const auto variable = [](const std::string& name) -> std::optional<std::string> {
    const char* value = getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  const Effect containers(yellow::app::EachByItsLauncher(adapters::container::MakeEngines(),
                                                         adapters::kubernetes::MakeClusters(
                                                             [&](const std::string& path) { return files->Read(path); },
                                                             variable, *clock, faults)),
                          faults);
  const auto entropy = adapters::secrets::MakeEntropy();
  const auto secrets =
      adapters::secrets::MakeSecretStore(*files, [&](const std::string& credential, const std::string& path) {
        return adapters::http::ReadVault(credential, path, variable);
      });
  const Effect tickets(adapters::http::MakeTickets(*files, *secrets), faults);
  const auto token_keys = adapters::oidc::MakeTokenKeys(*clock);
  const auto stop = adapters::process::MakeStop();
  const auto watch = adapters::http::MakeWatch();
  const auto recordings = adapters::recorder::MakeRecordings();
  const Effect recorder(adapters::recorder::MakeRecorder(), faults);
  const Effect proxies(adapters::postgres::MakeSessionProxies(), faults);
  const auto supervisor = adapters::process::MakeSupervisor(Variable("NOTIFY_SOCKET"));
  const yellow::cli::Program program{
      *files,
      *connector,
      *clock,
      *entropy,
      *secrets,
      *processes,
      *containers,
      *webhook,
      *mailer,
      *tickets,
      *token_keys,
      *audit_log,
      *server_log,
      *stop,
      *watch,
      *supervisor,
      *recordings,
      *recorder,
      *proxies,
      adapters::kubernetes::MakeClusterAccess([&](const std::string& path) { return files->Read(path); }, variable),
      [&](const yellow::model::Model& model, const std::string& data) -> std::unique_ptr<yellow::ports::Servers> {
        return std::make_unique<yellow::app::EnvironmentServers>(model, data, *connector, *entropy, *files, *secrets,
                                                                 *programs, Actor().person);
      },
      foreground,
      &adapters::http::MakeDoor,
      &adapters::http::MakeNetworkDoor,
      &adapters::http::CallDoor,
      &adapters::http::FetchFile,
      &adapters::http::CallStream,
      &CallTerminal,
      [](const std::string& name) { return Variable(name.c_str()); },
      Actor(),
      std::filesystem::current_path().string(),
      Executable(),
      std::cout,
      std::cerr,
      isatty(STDOUT_FILENO) == 1,
      isatty(STDERR_FILENO) == 1};
  try {
    return yellow::cli::Main(program, argc, argv);
  } catch (const yellow::base::Error& error) {
    std::cerr << "error: " << yellow::base::Describe(error) << "\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << " [this is a bug in yellow]\n";
  }
  return 3;
}
