#include "adapters/postgres/connector.h"

#include <libpq-fe.h>

#include <array>
#include <cstring>

#include "adapters/postgres/session.h"
#include "adapters/postgres/session_pool.h"
#include "adapters/postgres/session_settings.h"
#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

// Seconds without an answer after which a half-open connection is given up.
constexpr const char* kConnectTimeout = "10";
constexpr const char* kKeepalivesIdle = "10";
constexpr const char* kKeepalivesInterval = "5";
constexpr const char* kKeepalivesCount = "3";
constexpr const char* kUserTimeoutMilliseconds = "30000";

class LibpqConnector : public ports::Connector {
 public:
  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget& target) override {
    const std::string port = std::to_string(target.port);
    const std::array<std::pair<const char*, const char*>, 14> options{{
        {"host", target.host.c_str()},
        {"port", port.c_str()},
        {"dbname", target.database.c_str()},
        {"user", target.user.c_str()},
        {"password", target.password.empty() ? nullptr : target.password.Reveal().c_str()},
        {"sslmode", target.sslmode.c_str()},
        {"sslrootcert", target.sslrootcert.empty() ? nullptr : target.sslrootcert.c_str()},
        {"application_name", target.application_name.c_str()},
        {"connect_timeout", kConnectTimeout},
        {"keepalives_idle", kKeepalivesIdle},
        {"keepalives_interval", kKeepalivesInterval},
        {"keepalives_count", kKeepalivesCount},
        {"tcp_user_timeout", kUserTimeoutMilliseconds},
        {"client_encoding", "UTF8"},
    }};
    std::array<const char*, 15> keywords{}, values{};
    size_t count = 0;
    for (const auto& [keyword, value] : options) {
      if (value == nullptr) continue;
      keywords[count] = keyword, values[count] = value;
      ++count;
    }
    Connection connection(PQconnectdbParams(keywords.data(), values.data(), 0));
    if (PQstatus(connection.get()) != CONNECTION_OK) throw ConnectFailure(target, connection.get());
    auto session = std::make_unique<LibpqSession>(std::move(connection));
    ApplySettings(*session);
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
};

}  // namespace

std::unique_ptr<ports::Connector> MakeConnector() {
  return std::make_unique<SessionPool>(std::make_unique<LibpqConnector>());
}

}  // namespace yellow::adapters::postgres
