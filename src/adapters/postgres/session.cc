#include "adapters/postgres/session.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

constexpr int64_t kRowsBetweenNews = 4096;
constexpr size_t kMostPrepared = 200;
constexpr size_t kMostTogether = 64;  // their answers wait while the rest is being sent
constexpr const char* kFeatureNotSupported = "0A000";

std::string Trimmed(const char* text) {
  std::string trimmed = text == nullptr ? "" : text;
  while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == ' ')) trimmed.pop_back();
  return trimmed;
}

/// SQLSTATEs after which the same work may succeed by itself.
bool IsRetryable(const std::string& sqlstate) {
  static constexpr const char* kCodes[] = {"40001", "40P01", "53300", "55P03", "57P01",
                                           "57P02", "57P03", "53100", "53200", "57014"};
  for (const char* code : kCodes) {
    if (sqlstate == code) return true;
  }
  return sqlstate.starts_with("08");
}

bool IsCommit(std::string_view statement) {
  return strncasecmp(std::string(statement.substr(0, 6)).c_str(), "COMMIT", 6) == 0;
}

bool IsGood(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/// A COMMIT of a transaction that has failed answers ROLLBACK, without an error.
bool WasRolledBack(PGresult* result, std::string_view statement) {
  return IsGood(result) && IsCommit(statement) && std::strcmp(PQcmdStatus(result), "ROLLBACK") == 0;
}

std::string Field(const PGresult* result, int field) {
  const char* value = PQresultErrorField(result, field);
  return value == nullptr ? "" : WithoutVerifiers(value);
}

base::Error ErrorOf(PGconn* connection, const PGresult* result, std::string_view statement) {
  const bool lost = PQstatus(connection) == CONNECTION_BAD;
  const std::string sqlstate = result == nullptr ? "" : Field(result, PG_DIAG_SQLSTATE);
  std::string message = result == nullptr ? "" : Field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = Trimmed(PQerrorMessage(connection));
  if (message.empty()) message = "the connection was lost";
  base::Error error(lost ? "connection_lost" : "database", message);
  error.SqlState(sqlstate).Retryable(lost || IsRetryable(sqlstate)).OutcomeUnknown(lost && IsCommit(statement));
  if (result != nullptr) {
    if (const std::string detail = Field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
      error.Context("detail: " + detail);
    if (const std::string context = Field(result, PG_DIAG_CONTEXT); !context.empty())
      error.Context("where: " + context);
    if (const std::string hint = Field(result, PG_DIAG_MESSAGE_HINT); !hint.empty()) error.Remedy(hint);
  }
  return error;
}

/// What the server of the source refuses has a code of its own.
base::Error OfSource(base::Error error) {
  if (error.code == "database") error.code = "source";
  return error.Context("while reading the source");
}

std::vector<const char*> ValuesOf(const sql::Statement& statement) {
  std::vector<const char*> values;
  values.reserve(statement.parameters.size());
  for (const auto& parameter : statement.parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  return values;
}

void IgnoreNotice(void*, const PGresult*) {}

ports::Rows RowsOf(const PGresult* result) {
  ports::Rows rows;
  const int columns = PQnfields(result);
  for (int c = 0; c < columns; ++c) rows.columns.emplace_back(PQfname(result, c));
  rows.rows.resize(static_cast<size_t>(PQntuples(result)));
  for (int r = 0; r < PQntuples(result); ++r) {
    auto& row = rows.rows[static_cast<size_t>(r)];
    row.resize(static_cast<size_t>(columns));
    for (int c = 0; c < columns; ++c) {
      if (PQgetisnull(result, r, c) == 0) {
        row[static_cast<size_t>(c)].emplace(PQgetvalue(result, r, c), static_cast<size_t>(PQgetlength(result, r, c)));
      }
    }
  }
  rows.affected = std::strtoll(PQcmdTuples(const_cast<PGresult*>(result)), nullptr, 10);
  return rows;
}

}  // namespace

LibpqSession::LibpqSession(Connection connection)
    : connection_(std::move(connection)), cancel_(PQgetCancel(connection_.get()), &PQfreeCancel) {
  PQsetNoticeReceiver(connection_.get(), &IgnoreNotice, nullptr);
}

void LibpqSession::WatchSilence(std::shared_ptr<SilenceWatch> watch, SilenceWatch::Look look) {
  line_ = std::make_unique<SilenceWatch::Line>(std::move(watch), PQsocket(connection_.get()), std::move(look));
}

Result LibpqSession::Checked(PGresult* raw, std::string_view statement) {
  Result result(raw);
  if (WasRolledBack(raw, statement))
    throw base::Error("database", "the transaction had failed and was rolled back").SqlState("25P02");
  if (IsGood(raw)) return result;
  throw ErrorOf(connection_.get(), result.get(), statement);
}

ports::Rows LibpqSession::Execute(const sql::Statement& statement) {
  Settle();
  const auto call = Waiting();
  const std::vector<const char*> values = ValuesOf(statement);
  const auto [name, is_new] = Prepared(statement);
  if (is_new) {
    try {
      Checked(PQprepare(connection_.get(), name.c_str(), statement.text.c_str(), 0, nullptr), statement.text);
    } catch (const base::Error&) {
      prepared_.erase(statement.text);
      throw;
    }
  }
  const int count = static_cast<int>(values.size());
  PGresult* raw =
      name.empty()
          ? PQexecParams(connection_.get(), statement.text.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0)
          : PQexecPrepared(connection_.get(), name.c_str(), count, values.data(), nullptr, nullptr, 0);
  return RowsOfPrepared(raw, statement, name);
}

ports::Rows LibpqSession::RowsOfPrepared(PGresult* raw, const sql::Statement& statement, const std::string& name) {
  try {
    return RowsOf(Checked(raw, statement.text).get());
  } catch (base::Error& error) {
    if (!name.empty() && error.sqlstate == kFeatureNotSupported) {  // its result has other types since
      prepared_.erase(statement.text);
      error.Retryable();
    }
    throw;
  }
}

void LibpqSession::Send(std::vector<sql::Statement> statements) {
  Settle();
  if (statements.empty()) return;
  for (sql::Statement& statement : statements) {
    PreparedName prepared = Prepared(statement);
    sent_.push_back({std::move(statement), std::move(prepared)});
  }
  SendSome();
}

std::vector<ports::Rows> LibpqSession::Receive() {
  std::vector<ports::Rows> results;
  results.reserve(sent_.size());
  while (!sent_.empty()) {
    if (under_way_ == 0) SendSome();
    ReceiveSome(results);
  }
  return results;
}

/// https://www.postgresql.org/docs/15/libpq-pipeline-mode.html
void LibpqSession::SendSome() {
  const auto call = Waiting();
  PGconn* const connection = connection_.get();
  under_way_ = std::min(sent_.size(), kMostTogether);
  bool sent = PQenterPipelineMode(connection) == 1;
  for (size_t i = 0; i < under_way_ && sent; ++i) {
    const sql::Statement& statement = sent_[i].statement;
    const auto& [name, is_new] = sent_[i].prepared;
    const std::vector<const char*> values = ValuesOf(statement);
    const int count = static_cast<int>(values.size());
    // Where it stands in the order, because it may need what is made before it.
    if (is_new) sent = PQsendPrepare(connection, name.c_str(), statement.text.c_str(), 0, nullptr) == 1;
    if (!sent) break;
    sent =
        (name.empty()
             ? PQsendQueryParams(connection, statement.text.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0)
             : PQsendQueryPrepared(connection, name.c_str(), count, values.data(), nullptr, nullptr, 0)) == 1;
  }
  if (sent && PQpipelineSync(connection) == 1) return;
  sent_.clear(), under_way_ = 0;
  throw ErrorOf(connection, nullptr, "");  // the connection is lost
}

void LibpqSession::ReceiveSome(std::vector<ports::Rows>& results) {
  const auto call = Waiting();
  PGconn* const connection = connection_.get();
  Result failed;
  std::optional<Sent> of;  // whose result that is
  const auto next = [&] {
    Result result(PQgetResult(connection));
    while (PGresult* more = PQgetResult(connection)) PQclear(more);  // a null pointer stands between two
    return result;
  };
  for (; under_way_ > 0; --under_way_, sent_.pop_front()) {
    Sent& sent = sent_.front();
    if (sent.prepared.is_new) {
      Result prepared = next();
      if (!IsGood(prepared.get())) {
        prepared_.erase(sent.statement.text);
        if (!of) failed = std::move(prepared), of = sent;
      }
    }
    Result result = next();
    if (of) continue;
    if (IsGood(result.get()) && !WasRolledBack(result.get(), sent.statement.text)) {
      results.push_back(RowsOf(result.get()));
    } else {
      failed = std::move(result), of = std::move(sent);
    }
  }
  PQclear(PQgetResult(connection));  // of the synchronisation
  const bool left = PQexitPipelineMode(connection) == 1;
  if (of || !left) sent_.clear();
  if (of) RowsOfPrepared(failed.release(), of->statement, of->prepared.name);  // throws, now that all is known
  if (!left) throw ErrorOf(connection, nullptr, "");
}

void LibpqSession::Settle() {
  if (under_way_ == 0) return;
  sent_.resize(under_way_);
  std::vector<ports::Rows> unwanted;
  try {
    ReceiveSome(unwanted);
  } catch (const base::Error&) {  // nobody waits for it any more
  }
}

LibpqSession::PreparedName LibpqSession::Prepared(const sql::Statement& statement) {
  if (!prepares_ || statement.parameters.empty()) return {};
  const auto [known, is_new] = prepared_.try_emplace(statement.text);
  if (is_new) {
    if (prepared_.size() > kMostPrepared) prepared_.erase(known);
    return {};
  }
  if (!known->second.empty()) return {known->second, false};
  known->second = "yellow_" + std::to_string(++prepared_count_);
  return {known->second, true};
}

void LibpqSession::ExecuteScript(std::string_view script) {
  Settle();
  const auto call = Waiting();
  Checked(PQexec(connection_.get(), std::string(script).c_str()), "");
}

PGresult* LibpqSession::Ask(const std::string& statement) {
  const auto call = Waiting();
  return PQexec(connection_.get(), statement.c_str());
}

int LibpqSession::GetCopyData(char** buffer) {
  const auto call = Waiting();
  return PQgetCopyData(connection_.get(), buffer, 0);
}

int LibpqSession::PutCopyData(const char* buffer, int length) {
  const auto call = Waiting();
  return PQputCopyData(connection_.get(), buffer, length);
}

int LibpqSession::PutCopyEnd(const char* reason) {
  const auto call = Waiting();
  return PQputCopyEnd(connection_.get(), reason);
}

Result LibpqSession::Drain() {
  const auto call = Waiting();
  Result last;
  while (PGresult* next = PQgetResult(connection_.get())) {
    last.reset(next);
    const ExecStatusType status = PQresultStatus(next);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) break;
  }
  return last;
}

void LibpqSession::AbortCopyIn(const char* reason) {
  PutCopyEnd(reason);
  Drain();
}

int64_t LibpqSession::CopyFrom(ports::Session& from, std::string_view copy_out, std::string_view copy_in,
                               const ports::CopyProgress& progress) {
  auto& source = dynamic_cast<LibpqSession&>(from);
  PGconn* out = source.connection_.get();
  PGconn* in = connection_.get();
  Result opened(source.Ask(std::string(copy_out)));
  if (PQresultStatus(opened.get()) != PGRES_COPY_OUT) throw OfSource(ErrorOf(out, opened.get(), copy_out));
  Result target(Ask(std::string(copy_in)));
  if (PQresultStatus(target.get()) != PGRES_COPY_IN) {
    const base::Error error = ErrorOf(in, target.get(), copy_in);
    source.Cancel();
    source.Drain();
    throw error;
  }
  char* buffer = nullptr;
  int length = 0;
  int64_t rows = 0;  // a server sends each row as a message of its own
  while ((length = source.GetCopyData(&buffer)) > 0) {
    if (++rows % kRowsBetweenNews == 0 && progress) progress(rows);
    const int put = PutCopyData(buffer, length);
    PQfreemem(buffer);
    if (put == 1) continue;
    const Result refused = Drain();
    const base::Error error = ErrorOf(in, refused.get(), copy_in);
    source.Cancel();
    while ((length = source.GetCopyData(&buffer)) > 0) PQfreemem(buffer);
    source.Drain();
    throw error;
  }
  const Result read = source.Drain();
  if (length == -2 || PQresultStatus(read.get()) != PGRES_COMMAND_OK) {
    const base::Error error = ErrorOf(out, read.get(), copy_out);
    AbortCopyIn("the source failed");
    throw OfSource(error);
  }
  if (PutCopyEnd(nullptr) != 1) throw ErrorOf(in, nullptr, copy_in);
  const Result written = Drain();
  if (PQresultStatus(written.get()) != PGRES_COMMAND_OK) throw ErrorOf(in, written.get(), copy_in);
  return std::strtoll(PQcmdTuples(written.get()), nullptr, 10);
}

bool LibpqSession::Await(std::chrono::milliseconds most) {
  pollfd waiting{PQsocket(connection_.get()), POLLIN, 0};
  bool came = false;
  for (bool waited = false;; waited = true) {
    while (PGnotify* notification = PQnotifies(connection_.get())) {
      PQfreemem(notification);
      came = true;
    }
    if (came || waited) return came;
    if (poll(&waiting, 1, static_cast<int>(most.count())) <= 0) return false;
    if (PQconsumeInput(connection_.get()) == 0) throw ErrorOf(connection_.get(), nullptr, "");
  }
}

void LibpqSession::Cancel() {
  char reason[256];
  if (cancel_) PQcancel(cancel_.get(), reason, sizeof reason);
}

}  // namespace yellow::adapters::postgres
