#include "adapters/postgres/server_link.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <limits>

#include "adapters/postgres/connection_options.h"

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLoginLimit{10000};
constexpr milliseconds kBetweenCancels{200};

Connection Begin(const ports::ConnectionTarget& target, const std::string& options) {
  const std::string given = " " + options;  // never empty, because libpq would ask the environment then
  ConnectionOptions connection(target);
  connection.Add("options", given.c_str());
  connection.Add("gssencmode", "disable");  // only TLS can be relayed
  return Connection(PQconnectStartParams(connection.names(), connection.values(), 0));
}

/// False when it cannot be had in time, or must be given up.
bool LogIn(PGconn* connection, int stop) {
  const auto end = steady_clock::now() + kLoginLimit;
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  while (status == PGRES_POLLING_READING || status == PGRES_POLLING_WRITING) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    const short wanted = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    std::array<pollfd, 2> waiting{{{PQsocket(connection), wanted, 0}, {stop, POLLIN, 0}}};
    if (left.count() <= 0 || poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) <= 0) return false;
    if (waiting[1].revents != 0) return false;
    status = PQconnectPoll(connection);
  }
  return status == PGRES_POLLING_OK;
}

bool WaitsForSocket(int ssl_error) { return ssl_error == SSL_ERROR_WANT_READ || ssl_error == SSL_ERROR_WANT_WRITE; }

}  // namespace

ServerLink::ServerLink(Connection connection)
    : connection_(std::move(connection)), canceller_(std::make_shared<Canceller>(connection_.get())) {
  if (tls() != nullptr)
    SSL_set_mode(static_cast<SSL*>(tls()), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

std::unique_ptr<ServerLink> ServerLink::Open(const ports::ConnectionTarget& target, const std::string& options,
                                             int stop, std::string& failure) {
  Connection connection = Begin(target, options);
  if (connection != nullptr && PQstatus(connection.get()) != CONNECTION_BAD && LogIn(connection.get(), stop))
    return std::unique_ptr<ServerLink>(new ServerLink(std::move(connection)));
  failure = connection == nullptr ? "out of memory" : PQerrorMessage(connection.get());
  while (!failure.empty() && failure.back() == '\n') failure.pop_back();
  if (failure.empty()) failure = "the server does not answer";
  return nullptr;
}

bool ServerLink::Read(std::string& bytes, size_t most) {
  const size_t before = bytes.size();
  bytes.resize(before + most);
  int64_t got = 0;
  bool open = true;
  if (tls() == nullptr) {
    got = recv(socket(), bytes.data() + before, most, 0);
    open = got > 0 || (got < 0 && SocketWouldBlock());
  } else {
    ERR_clear_error();
    got = SSL_read(static_cast<SSL*>(tls()), bytes.data() + before, static_cast<int>(most));
    open = got > 0 || WaitsForSocket(SSL_get_error(static_cast<SSL*>(tls()), static_cast<int>(got)));
  }
  bytes.resize(before + static_cast<size_t>(std::max<int64_t>(got, 0)));
  return open;
}

int64_t ServerLink::Write(std::string_view bytes) {
  if (tls() == nullptr) {
    const int64_t sent = send(socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 && SocketWouldBlock() ? 0 : sent;
  }
  ERR_clear_error();
  const auto most = std::min(bytes.size(), static_cast<size_t>(std::numeric_limits<int>::max()));
  const int sent = SSL_write(static_cast<SSL*>(tls()), bytes.data(), static_cast<int>(most));
  if (sent > 0) return sent;
  return WaitsForSocket(SSL_get_error(static_cast<SSL*>(tls()), sent)) ? 0 : -1;
}

bool ServerLink::has_more() const { return tls() != nullptr && SSL_pending(static_cast<SSL*>(tls())) > 0; }

std::vector<std::pair<std::string, std::string>> ServerLink::Settings() const {
  static constexpr const char* kNames[] = {"application_name",
                                           "client_encoding",
                                           "DateStyle",
                                           "default_transaction_read_only",
                                           "in_hot_standby",
                                           "integer_datetimes",
                                           "IntervalStyle",
                                           "is_superuser",
                                           "scram_iterations",
                                           "search_path",
                                           "server_encoding",
                                           "server_version",
                                           "session_authorization",
                                           "standard_conforming_strings",
                                           "TimeZone"};
  std::vector<std::pair<std::string, std::string>> settings;
  for (const char* name : kNames) {
    if (const char* value = PQparameterStatus(connection_.get(), name)) settings.emplace_back(name, value);
  }
  return settings;
}

void ServerLink::Canceller::Cancel() const {
  char reason[256];
  if (cancel_) PQcancel(cancel_.get(), reason, sizeof reason);
}

bool ServerLink::Close(bool cancel, milliseconds most) {
  const auto end = steady_clock::now() + most;
  shutdown(socket(), SHUT_WR);
  bool open = true;
  char discarded[4096];
  while (open && steady_clock::now() < end) {
    if (cancel) canceller_->Cancel();
    const auto next = steady_clock::now() + kBetweenCancels;
    while (open && steady_clock::now() < next) {
      pollfd waiting{socket(), POLLIN, 0};
      if (poll(&waiting, 1, static_cast<int>(kBetweenCancels.count())) <= 0) break;
      const int64_t got = recv(socket(), discarded, sizeof discarded, 0);
      open = got > 0 || (got < 0 && SocketWouldBlock());
    }
  }
  // libpq says goodbye when it closes, which must not become the end of a message that is not whole.
  shutdown(socket(), SHUT_RDWR);
  connection_.reset();
  return !open;
}

}  // namespace yellow::adapters::postgres
