#pragma once

#include <libpq-fe.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/postgres/session.h"
#include "ports/database.h"

namespace yellow::adapters::postgres {

/// Of the last call of a socket that does not block: it could do nothing now, and nothing is wrong.
inline bool SocketWouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/// A connection whose login libpq has made, password, TLS and all, and whose bytes are then read and written here. With
/// TLS they go through the connection's own OpenSSL object, see PQsslStruct in
/// https://www.postgresql.org/docs/15/libpq-status.html. libpq itself is not asked for anything any more but to cancel.
/// One thread at a time, but for what `canceller` gives.
class ServerLink {
 public:
  /// Logs in. `stop`: a descriptor that becomes readable when that must be given up. Null and the reason when it
  /// failed.
  static std::unique_ptr<ServerLink> Open(const ports::ConnectionTarget& target, const std::string& options, int stop,
                                          std::string& failure);

  /// At most `most` bytes are added to `bytes`. False when the server has closed the connection.
  bool Read(std::string& bytes, size_t most);
  /// How many bytes went; 0 when none can go now. -1: the connection is lost.
  int64_t Write(std::string_view bytes);

  int socket() const { return PQsocket(connection_.get()); }
  /// Bytes that came already, which no poll tells of.
  bool has_more() const;
  /// The settings that the server told at the login.
  std::vector<std::pair<std::string, std::string>> Settings() const;
  uint32_t process() const { return static_cast<uint32_t>(PQbackendPID(connection_.get())); }

  /// Asks the server to end what runs; from any thread, for some seconds at most.
  class Canceller {
   public:
    explicit Canceller(PGconn* connection) : cancel_(PQgetCancel(connection), &PQfreeCancel) {}
    void Cancel() const;

   private:
    std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel_;
  };
  std::shared_ptr<const Canceller> canceller() const { return canceller_; }

  /// Sends no more, cancels again and again until the server has ended its side, and closes. What may have arrived
  /// there already and not begun yet would otherwise still run. False when the server had not ended after `most`.
  bool Close(bool cancel, std::chrono::milliseconds most);

 private:
  explicit ServerLink(Connection connection);
  void* tls() const { return PQsslStruct(connection_.get(), "OpenSSL"); }

  Connection connection_;
  std::shared_ptr<const Canceller> canceller_;
};

}  // namespace yellow::adapters::postgres
