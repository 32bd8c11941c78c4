#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "sql/statement.h"

namespace yellow::ports {

/// Where and as whom to connect. Holds a secret, so it is never printed whole.
struct ConnectionTarget {
  std::string host;  ///< a name, an address, or the folder of a unix socket
  int port = 5432;
  std::string database;
  std::string user;
  base::Secret password;  ///< empty: none is sent (peer)
  std::string sslmode = "prefer";
  std::string sslrootcert;
  std::string application_name = "yellow";
};

/// What a statement returned, as text; rows of a SELECT or RETURNING, and the count of rows it touched.
struct Rows {
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;
  int64_t affected = 0;

  bool empty() const { return rows.empty(); }
  size_t size() const { return rows.size(); }
  /// The value at (row, column); REQUIRES it to be there and not null.
  const std::string& Text(size_t row, size_t column) const;
  bool IsNull(size_t row, size_t column) const { return !rows[row][column].has_value(); }
  int64_t Integer(size_t row, size_t column) const;
  bool Boolean(size_t row, size_t column) const;  ///< PostgreSQL's t or f
};

/// Told now and then, while a COPY is at work, how many rows have gone through it.
using CopyProgress = std::function<void(int64_t rows)>;

/// One session of a database. One thread at a time. Failed statements throw base::Error with sqlstate, retryable
/// (connection failures, serialization, deadlock, lock_timeout, too many connections, shutdown) and outcome_unknown (a
/// connection that was lost while COMMIT was on its way). After a lost connection every call throws.
class Session {
 public:
  virtual ~Session() = default;
  virtual Rows Execute(const sql::Statement& statement) = 0;
  /// Each as by Execute, in order; they may reach the server together, so that they take no round trip each. When one
  /// fails it throws, and those after it are not executed. Without a transaction that is open, or begun by the first of
  /// them, some of them may be one.
  std::vector<Rows> ExecuteAll(std::vector<sql::Statement> statements);
  /// ExecuteAll in two parts, between which the server may be at work while the caller does something else, on another
  /// session for instance. What was sent and not received before anything else is called may or may not be executed.
  virtual void Send(std::vector<sql::Statement> statements) { sent_ = std::move(statements); }
  virtual std::vector<Rows> Receive();
  /// Several statements without parameters in one round trip, in one implicit transaction (DDL scripts).
  virtual void ExecuteScript(std::string_view script) = 0;
  /// Reads `COPY … TO STDOUT` of `from` and feeds `COPY … FROM STDIN` here, in constant memory. Returns rows written;
  /// `progress` may be empty. A failure on either side aborts the COPY here and throws, with code "source" for what the
  /// other server refused; both sessions stay usable if their connections do.
  virtual int64_t CopyFrom(Session& from, std::string_view copy_out, std::string_view copy_in,
                           const CopyProgress& progress) = 0;
  virtual int backend_pid() const = 0;
  virtual int server_version() const = 0;   ///< 150004, 160001, …
  virtual bool in_transaction() const = 0;  ///< one was begun and not ended, or has failed; or the connection is lost
  /// Waits for a notification of a channel that the session LISTENs to; true when one came. What came before counts
  /// once. Throws base::Error when the connection is lost.
  virtual bool Await(std::chrono::milliseconds most) = 0;
  /// Asks the server, from any thread, to end what the session is running.
  virtual void Cancel() = 0;

 private:
  std::vector<sql::Statement> sent_;
};

class Connector {
 public:
  virtual ~Connector() = default;
  /// Sets client_connection_check_interval, keepalives, lock_timeout, search_path '' is left to the caller.
  /// Throws base::Error code "connect" (retryable unless the login was refused).
  virtual std::unique_ptr<Session> Open(const ConnectionTarget& target) = 0;
  /// Says that sessions to this target will be asked for at short notice: up to `count` are held ready from now on, for
  /// `Open` to give away. 0: no more. Only how long `Open` takes changes; without more it is not heard.
  /// `warm_up`: a script that each runs once, ahead.
  virtual void Keep(const ConnectionTarget& target, int count, std::string_view warm_up = "");
  /// SCRAM-SHA-256 verifier of a password, computed on this side, for CREATE ROLE … PASSWORD.
  virtual std::string ScramVerifier(const base::Secret& password) = 0;
};

/// BEGIN … COMMIT around a block; rolls back when it is left without Commit. `mode` follows BEGIN; `name` says what it
/// is for, to who looks at the server's activity, and names its fault points.
class Transaction {
 public:
  explicit Transaction(Session& session, std::string_view mode = "", std::string_view name = "");
  /// Sends what the transaction begins with. REQUIRES: Received, and once only, before anything else is executed.
  Transaction(Session& session, std::string_view mode, std::string_view name, std::vector<sql::Statement> first);
  /// What `first` has returned, one for each. Throws as ExecuteAll.
  std::vector<Rows> Received();
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void Commit();

 private:
  Session& session_;
  std::string name_;
  bool open_ = true;
};

enum class ServiceRole { kSuperuser, kMigrator, kEngine, kIngestOut, kAccess };

/// Resolves what the model names to targets, with secrets, for the environment in use.
class Endpoints {
 public:
  virtual ~Endpoints() = default;
  /// A container of the model as one of Yellow's own logins. kSuperuser: only where Yellow owns the server.
  virtual ConnectionTarget Service(const std::string& container, ServiceRole role, std::string_view purpose) = 0;
  /// A source container with a credential of the model.
  virtual ConnectionTarget Source(const std::string& container, const std::string& credential,
                                  std::string_view purpose) = 0;
  /// A container with a login and password made by Yellow (a run's).
  virtual ConnectionTarget As(const std::string& container, const std::string& login, const base::Secret& password,
                              std::string_view purpose) = 0;
};

}  // namespace yellow::ports
