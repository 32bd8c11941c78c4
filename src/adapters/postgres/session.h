#pragma once

#include <libpq-fe.h>

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "adapters/postgres/silence.h"
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
  /// From now on a call does not wait for ever for what will not come.
  void WatchSilence(std::shared_ptr<SilenceWatch> watch, SilenceWatch::Look look);
  void LeaveToKeepalives() { line_.reset(); }
  /// From now on what has parameters and comes again is prepared, so that the server need not plan it anew: control
  /// state is asked the same again and again. What moves data has none, and is planned for the data of the moment. Not
  /// for a source, before which a pooler may stand that gives a session's prepared statements to the next client.
  void PrepareRepeated() { prepares_ = true; }

  ports::Rows Execute(const sql::Statement& statement) override;
  void Send(std::vector<sql::Statement> statements) override;
  std::vector<ports::Rows> Receive() override;
  void ExecuteScript(std::string_view script) override;
  int64_t CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                   const ports::CopyProgress& progress) override;
  int backend_pid() const override { return PQbackendPID(connection_.get()); }
  int server_version() const override { return PQserverVersion(connection_.get()); }
  bool in_transaction() const override { return PQtransactionStatus(connection_.get()) != PQTRANS_IDLE; }
  bool Await(std::chrono::milliseconds most) override;
  void Cancel() override;

 private:
  Result Checked(PGresult* raw, std::string_view statement);
  /// The name under which the statement is prepared, which it is to be when it comes for the second time; empty when it
  /// is not. `is_new`: it has yet to be.
  struct PreparedName {
    std::string name;
    bool is_new = false;
  };
  PreparedName Prepared(const sql::Statement& statement);
  ports::Rows RowsOfPrepared(PGresult* raw, const sql::Statement& statement, const std::string& name);
  /// Sends as many of `sent_` as are to be under way together.
  void SendSome();
  /// REQUIRES: SendSome before. Takes them out of `sent_`.
  void ReceiveSome(std::vector<ports::Rows>& results);
  /// Gives up what was sent and never received.
  void Settle();
  // Of libpq, each waiting for the server.
  PGresult* Ask(const std::string& statement);
  int GetCopyData(char** buffer);
  int PutCopyData(const char* buffer, int length);
  int PutCopyEnd(const char* reason);
  /// Reads the results that remain, so that the session can be used again; returns the last.
  Result Drain();
  void AbortCopyIn(const char* reason);

  struct Sent {
    sql::Statement statement;
    PreparedName prepared;
  };

  /// While it lives, this thread waits for the server.
  SilenceWatch::Call Waiting() { return SilenceWatch::Call(line_.get()); }

  Connection connection_;
  std::unique_ptr<SilenceWatch::Line> line_;  // ends before its connection
  std::deque<Sent> sent_;
  size_t under_way_ = 0;                                   // of them
  std::unordered_map<std::string, std::string> prepared_;  // text to name, which is empty at first
  int prepared_count_ = 0;
  bool prepares_ = false;
  /// Made at once, because it must not touch the connection that another thread is using.
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel_;
};

/// SCRAM-SHA-256 verifier in PostgreSQL's format (RFC 5802, RFC 7677), with a random salt.
std::string MakeScramVerifier(const base::Secret& password);

/// The server's message with `***` for every verifier in it: a statement that it quotes may have held one.
std::string WithoutVerifiers(std::string message);

}  // namespace yellow::adapters::postgres
