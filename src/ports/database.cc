#include "ports/database.h"

#include <cstdlib>

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

void Connector::Keep(const ConnectionTarget&, int, std::string_view) {}

Transaction::Transaction(Session& session, std::string_view mode, std::string_view name)
    : session_(session), name_(name) {
  session_.Execute(sql::Named("BEGIN " + std::string(mode), name));
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
