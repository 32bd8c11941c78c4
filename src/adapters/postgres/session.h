#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "ports/database.h"

namespace yellow::adapters::postgres {

struct FinishConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, FinishConnection>;

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ClearResult>;

class LibpqSession : public ports::Session {
 public:
  explicit LibpqSession(Connection connection);

  ports::Rows Execute(const sql::Statement& statement) override;
  void ExecuteScript(std::string_view script) override;
  int64_t CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                   const ports::CopyProgress& progress) override;
  int backend_pid() const override { return PQbackendPID(connection_.get()); }
  int server_version() const override { return PQserverVersion(connection_.get()); }
  bool Await(std::chrono::milliseconds most) override;
  void Cancel() override;

 private:
  Result Checked(PGresult* raw, std::string_view statement);
  /// Reads the results that remain, so that the session can be used again; returns the last.
  Result Drain();
  void AbortCopyIn(const char* reason);

  Connection connection_;
  /// Made at once, because it must not touch the connection that another thread is using.
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel_;
};

/// SCRAM-SHA-256 verifier in PostgreSQL's format (RFC 5802, RFC 7677), with a random salt.
std::string MakeScramVerifier(const base::Secret& password);

}  // namespace yellow::adapters::postgres
