#include "testing/postgres_server.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "adapters/embedded/server_program.h"
#include "adapters/postgres/connector.h"
#include "base/error.h"

namespace yellow::testing {
namespace {

void RunOrThrow(const std::string& program, const std::vector<std::string>& arguments, unsigned uid, unsigned gid) {
  const auto result = adapters::embedded::MakeServerPrograms()->Run(program, arguments, uid, gid, -1);
  if (result.status != 0) throw base::Error("test_server", program + " failed: " + result.output);
}

}  // namespace

PostgresServer& PostgresServer::Shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() : connector_(adapters::postgres::MakeConnector()), uid_(geteuid()), gid_(getegid()) {
  char pattern[] = "/tmp/yellow-pg-XXXXXX";
  folder_ = mkdtemp(pattern);
  if (uid_ == 0) {
    const passwd* user = getpwnam("postgres");
    uid_ = user->pw_uid, gid_ = user->pw_gid;
    if (chown(folder_.c_str(), uid_, gid_) != 0) throw base::Error("test_server", "cannot give away " + folder_);
    std::filesystem::permissions(folder_, std::filesystem::perms(0711));
  }
  RunOrThrow("initdb",
             {"-D", folder_ + "/data", "-A", "trust", "-U", "postgres", "-N", "--encoding=UTF8", "--locale=C.UTF-8"},
             uid_, gid_);
  RunOrThrow(
      "pg_ctl",
      {"-D", folder_ + "/data", "-w", "-s", "-l", folder_ + "/log", "-o",
       "-c listen_addresses='' -c unix_socket_directories='" + folder_ + "' -c fsync=off -c full_page_writes=off",
       "start"},
      uid_, gid_);
}

PostgresServer::~PostgresServer() {
  adapters::embedded::MakeServerPrograms()->Run("pg_ctl", {"-D", folder_ + "/data", "-m", "immediate", "-s", "stop"},
                                                uid_, gid_, -1);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

ports::ConnectionTarget PostgresServer::Target(const std::string& database) const {
  ports::ConnectionTarget target;
  target.host = folder_;
  target.database = database;
  target.user = "postgres";
  target.sslmode = "disable";
  return target;
}

std::unique_ptr<ports::Session> PostgresServer::FreshDatabase() {
  const std::string name = "test_" + std::to_string(++databases_);
  connector_->Open(Target("postgres"))->Execute("CREATE DATABASE " + name);
  return connector_->Open(Target(name));
}

}  // namespace yellow::testing
