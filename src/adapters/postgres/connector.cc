#include "adapters/postgres/connector.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <cstring>

#include "adapters/postgres/connection_options.h"
#include "adapters/postgres/session.h"
#include "adapters/postgres/session_pool.h"
#include "adapters/postgres/session_settings.h"
#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

constexpr const char* kConnectTimeout = "10";  // seconds
constexpr std::chrono::seconds kLookLimit{5};

/// Null when memory is out.
Connection Connect(const ports::ConnectionTarget& target) {
  ConnectionOptions options(target);
  options.Add("connect_timeout", kConnectTimeout);
  return Connection(PQconnectdbParams(options.names(), options.values(), 0));
}

/// What the server is doing for the process of another connection. It waits for us when it has ended or answered, or
/// would send or take data.
ServerProcess LookAt(const ports::ConnectionTarget& target, int process) {
  const Connection connection = Connect(target);
  if (PQstatus(connection.get()) != CONNECTION_OK) return ServerProcess::kUnknown;
  const std::string question = fmt::format(
      "SELECT state = 'active' AND wait_event_type IS DISTINCT FROM 'Client' FROM pg_catalog.pg_stat_activity WHERE "
      "pid "
      "= {}",
      process);
  if (PQsendQuery(connection.get(), question.c_str()) != 1) return ServerProcess::kUnknown;
  const auto end = std::chrono::steady_clock::now() + kLookLimit;
  while (PQisBusy(connection.get()) == 1) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{PQsocket(connection.get()), POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) <= 0 ||
        PQconsumeInput(connection.get()) == 0)
      return ServerProcess::kUnknown;
  }
  const Result result(PQgetResult(connection.get()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return ServerProcess::kUnknown;
  const bool works = PQntuples(result.get()) == 1 && std::strcmp(PQgetvalue(result.get(), 0, 0), "t") == 0;
  return works ? ServerProcess::kWorks : ServerProcess::kWaitsForUs;
}

class LibpqConnector : public ports::Connector {
 public:
  explicit LibpqConnector(std::chrono::milliseconds silence) : silence_(std::make_shared<SilenceWatch>(silence)) {}

  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget& target) override {
    Connection connection = Connect(target);
    if (PQstatus(connection.get()) != CONNECTION_OK) throw ConnectFailure(target, connection.get());
    auto session = std::make_unique<LibpqSession>(std::move(connection));
    const int process = session->backend_pid();
    const bool remote = !target.host.starts_with('/');
    if (remote) session->WatchSilence(silence_, [target, process] { return LookAt(target, process); });
    ApplySettings(*session);
    // A pooler stands before a server whose processes have other numbers than it says; there nobody could be asked.
    if (remote && session->Execute("SELECT pg_backend_pid()").Integer(0, 0) != process) session->LeaveToKeepalives();
    return session;
  }

  std::string ScramVerifier(const base::Secret& password) override {
    // Only the name of the algorithm needs no connection; the server that takes the verifier decides if it may.
    return MakeScramVerifier(password);
  }

 private:
  static base::Error ConnectFailure(const ports::ConnectionTarget& target, PGconn* connection) {
    std::string reason = connection == nullptr ? "out of memory" : PQerrorMessage(connection);
    while (!reason.empty() && (reason.back() == '\n' || reason.back() == ' ')) reason.pop_back();
    const bool refused_login = reason.find("authentication failed") != std::string::npos ||
                               reason.find("does not exist") != std::string::npos ||
                               reason.find("no password supplied") != std::string::npos ||
                               reason.find("permission denied for database") != std::string::npos ||
                               reason.find("no pg_hba.conf entry") != std::string::npos ||
                               reason.find("not permitted to log in") != std::string::npos;
    base::Error error("connect",
                      "cannot connect to database " + target.database + " as " + target.user + ": " + reason);
    error.Retryable(!refused_login);
    error.Remedy(refused_login ? "check the credential that the environment names"
                               : "check that the server runs and can be reached");
    return error;
  }

  const std::shared_ptr<SilenceWatch> silence_;
};

}  // namespace

std::unique_ptr<ports::Connector> MakeConnector(std::chrono::milliseconds silence) {
  return std::make_unique<SessionPool>(std::make_unique<LibpqConnector>(silence));
}

}  // namespace yellow::adapters::postgres
