#pragma once

#include <memory>
#include <string>

#include "ports/database.h"

namespace yellow::testing {

/// A PostgreSQL of a test program: made on first use in a temporary folder, on a unix socket only, without fsync,
/// stopped at exit. Programs come from YELLOW_PG_BIN or the distribution. Run as root, the server is the user postgres.
class PostgresServer {
 public:
  static PostgresServer& Shared();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// A session of a database of its own, as the superuser.
  std::unique_ptr<ports::Session> FreshDatabase();
  ports::Connector& connector() { return *connector_; }
  ports::ConnectionTarget Target(const std::string& database) const;

 private:
  PostgresServer();
  std::unique_ptr<ports::Connector> connector_;
  std::string folder_;
  unsigned uid_ = 0, gid_ = 0;
  int databases_ = 0;
};

}  // namespace yellow::testing
