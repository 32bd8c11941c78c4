#include "adapters/postgres/connection_options.h"

namespace yellow::adapters::postgres {
namespace {

// Seconds without an answer after which a half-open connection is given up.
constexpr const char* kKeepalivesIdle = "10";
constexpr const char* kKeepalivesInterval = "5";
constexpr const char* kKeepalivesCount = "3";
constexpr const char* kUserTimeoutMilliseconds = "30000";

}  // namespace

ConnectionOptions::ConnectionOptions(const ports::ConnectionTarget& target) : port_(std::to_string(target.port)) {
  Add("host", target.host.c_str());
  Add("port", port_.c_str());
  Add("dbname", target.database.c_str());
  Add("user", target.user.c_str());
  Add("password", target.password.Reveal().c_str());
  Add("sslmode", target.sslmode.c_str());
  Add("sslrootcert", target.sslrootcert.c_str());
  Add("application_name", target.application_name.c_str());
  Add("keepalives_idle", kKeepalivesIdle);
  Add("keepalives_interval", kKeepalivesInterval);
  Add("keepalives_count", kKeepalivesCount);
  Add("tcp_user_timeout", kUserTimeoutMilliseconds);
  Add("client_encoding", "UTF8");
}

void ConnectionOptions::Add(const char* name, const char* value) {
  if (*value == '\0') return;
  names_.back() = name, values_.back() = value;
  names_.push_back(nullptr), values_.push_back(nullptr);
}

}  // namespace yellow::adapters::postgres
