#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "model/model.h"
#include "ports/database.h"

namespace yellow::ports {

/// How a person or a program reaches a container; no secret in it.
struct ConnectionInfo {
  std::string container;
  std::string host;
  int port = 5432;
  std::string database;
  std::string sslmode;
  bool embedded = false;
  std::string folder;  ///< where its data lies on this machine; empty where that is not known
  std::string log;     ///< the folder of its JSON log; the same
};

/// Names of databases and roles that are gone with the process they were made for begin so.
inline constexpr const char* kScratch = "yellow_scratch";

/// The database servers of one environment: targets, and the life of those that Yellow starts itself.
class Servers : public Endpoints {
 public:
  /// Starts the private cluster if any of these containers is embedded, and makes their databases. For `merge`
  /// containers also the roles, schemas and passwords of Yellow (bootstrap). Does nothing that is done already.
  virtual void Prepare(const std::vector<std::string>& merge, const std::vector<std::string>& sources) = 0;
  /// Starts the private cluster if this container is embedded and it has stopped; makes nothing. Whoever restores a
  /// database takes it away for a while.
  virtual void Revive(const std::string& container) = 0;
  /// Makes the roles, schemas, functions and grants of Yellow again, also where they were made before. REQUIRES: the
  /// container is embedded.
  virtual void BootstrapAgain(const std::string& merge) = 0;
  /// Like Prepare for the process `holder` (`host:pid:start`) alone, in databases that are made anew and dropped by
  /// DropScratch. REQUIRES: the containers are embedded; their databases' names and the role prefix begin with
  /// kScratch.
  virtual void PrepareScratch(const std::vector<std::string>& merge, const std::vector<std::string>& sources,
                              const std::string& holder) = 0;
  /// Drops the scratch databases of those holders that are over, and with the last one every scratch role and secret.
  /// Starts the private cluster. Returns how many databases are left.
  virtual int DropScratch(const std::function<bool(const std::string& holder)>& is_over) = 0;
  /// True when no container is embedded, or the private cluster answers.
  virtual bool Running() = 0;
  /// Stops the private cluster; false when it was not running. Named servers are left alone.
  virtual bool Stop() = 0;
  virtual ConnectionInfo Describe(const std::string& container) = 0;
};

}  // namespace yellow::ports
