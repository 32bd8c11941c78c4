#include "ports/database.h"

#include <cstdlib>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "sql/effect.h"

namespace yellow::ports {

const std::string& Rows::Text(size_t row, size_t column) const {
  YELLOW_CHECK(row < rows.size() && column < rows[row].size() && rows[row][column].has_value());
  return *rows[row][column];
}

int64_t Rows::Integer(size_t row, size_t column) const { return std::strtoll(Text(row, column).c_str(), nullptr, 10); }

bool Rows::Boolean(size_t row, size_t column) const { return Text(row, column) == "t"; }

std::vector<Rows> Session::ExecuteAll(std::vector<sql::Statement> statements) {
  Send(std::move(statements));
  return Receive();
}

std::vector<Rows> Session::Receive() {
  const std::vector<sql::Statement> statements = std::exchange(sent_, {});
  std::vector<Rows> results;
  results.reserve(statements.size());
  for (const sql::Statement& statement : statements) results.push_back(Execute(statement));
  return results;
}

void Connector::Keep(const ConnectionTarget&, int, std::string_view) {}

Transaction::Transaction(Session& session, std::string_view mode, std::string_view name)
    : session_(session), name_(name) {
  session_.Execute(sql::Named("BEGIN " + std::string(mode), name));
}

Transaction::Transaction(Session& session, std::string_view mode, std::string_view name,
                         std::vector<sql::Statement> first)
    : session_(session), name_(name) {
  first.insert(first.begin(), sql::Named("BEGIN " + std::string(mode), name));
  session_.Send(std::move(first));
}

std::vector<Rows> Transaction::Received() {
  std::vector<Rows> results = session_.Receive();
  results.erase(results.begin());
  return results;
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    session_.Execute("ROLLBACK");
  } catch (const base::Error&) {  // the connection is gone, and with it the transaction
  }
}

void Transaction::Commit() {
  open_ = false;
  session_.Execute(sql::Named("COMMIT", name_));
}

}  // namespace yellow::ports
