#include "ports/database.h"

#include <cstdlib>

#include "base/check.h"
#include "base/error.h"

namespace yellow::ports {

const std::string& Rows::Text(size_t row, size_t column) const {
  YELLOW_CHECK(row < rows.size() && column < rows[row].size() && rows[row][column].has_value());
  return *rows[row][column];
}

int64_t Rows::Integer(size_t row, size_t column) const { return std::strtoll(Text(row, column).c_str(), nullptr, 10); }

bool Rows::Boolean(size_t row, size_t column) const { return Text(row, column) == "t"; }

Transaction::Transaction(Session& session, std::string_view mode) : session_(session) {
  session_.Execute("BEGIN " + std::string(mode));
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
  session_.Execute("COMMIT");
}

}  // namespace yellow::ports
