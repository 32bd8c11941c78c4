#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ports/database.h"
#include "ports/entropy.h"
#include "ports/files.h"
#include "ports/server_programs.h"

namespace yellow::adapters::embedded {

/// The private PostgreSQL of one project (DESIGN 7): initialised and started on first use under a lock file, then left
/// running like a daemon until `Stop`. A crash or reboot is recovered by the next `Start`.
///
/// Data lies in `<data>/postgres`; for root, who may not run a server, in /var/lib/yellow/<digest of data>, owned by
/// the unprivileged user `postgres`. The socket lies in a short folder of its own. pg_hba.conf lets the superuser in by
/// peer, from the users that run Yellow, and everybody else by scram-sha-256.
class EmbeddedCluster {
 public:
  static constexpr const char* kSuperuser = "yellow_super";
  static constexpr const char* kLogFolder = "log";  ///< of its JSON log, in its folder

  /// `data`: the data folder of the project, absolute. `port`: also listen there on loopback. Does no I/O.
  EmbeddedCluster(std::string data, std::optional<int> port, ports::Connector& connector, ports::Entropy& entropy,
                  ports::FileSystem& files, ports::ServerPrograms& programs, std::string person);

  /// Makes and starts the server if needed. Throws base::Error code "embedded" with the server's own last lines.
  void Start();
  bool Running() const;
  /// Stops it (fast); false when it was not running.
  bool Stop();
  /// REQUIRES: Start.
  void EnsureDatabases(const std::vector<std::string>& names);
  /// Roles, schemas and functions of Yellow in `database`; passwords for its logins in `<data>/secrets`. REQUIRES:
  /// EnsureDatabases. What was done before is done again only when asked to.
  void Bootstrap(const std::string& database, const std::string& prefix, bool again = false);

  /// Makes databases that belong to the process `holder`; names begin with ports::kScratch. REQUIRES: Start.
  void MakeScratch(const std::vector<std::string>& databases, const std::string& holder);
  /// See ports::Servers. REQUIRES: Start.
  int DropScratch(const std::function<bool(const std::string& holder)>& is_over);

  const std::string& folder() const { return cluster_folder_; }
  const std::string& socket_folder() const { return socket_folder_; }
  int port() const { return port_.value_or(kDefaultPort); }
  ports::ConnectionTarget Superuser(const std::string& database, const std::string& purpose) const;
  /// One of Yellow's own logins, with the password that Bootstrap made.
  ports::ConnectionTarget Login(const std::string& database, const std::string& role, const std::string& purpose) const;

 private:
  static constexpr int kDefaultPort = 5432;
  /// A server of this cluster that is alive, as its own pid file describes it.
  struct Process {
    long pid = 0;
    int port = 0;
    std::string socket_folder;
  };
  std::optional<Process> Postmaster() const;
  /// Waits until it takes connections; false when it has ended.
  bool AwaitAnswer(const Process& process) const;
  void StopServer();
  /// initdb inherits the lock, so that it is held until initdb ends, even when this process is killed.
  void Initialise(int lock_descriptor);
  void WriteForServer(const std::string& path, const std::string& content);
  void WriteConfiguration();
  void Launch();
  std::string SecretPath(const std::string& role) const { return data_ + "/secrets/" + role; }

  std::string data_;
  std::optional<int> port_;
  ports::Connector& connector_;
  ports::Entropy& entropy_;
  ports::FileSystem& files_;
  ports::ServerPrograms& programs_;
  const std::string person_;  // who makes it, for the audit log
  std::string cluster_folder_;
  std::string socket_folder_;
  unsigned server_uid_ = 0, server_gid_ = 0;
};

}  // namespace yellow::adapters::embedded
