#pragma once

#include <memory>
#include <string>

#include "adapters/embedded/embedded_cluster.h"
#include "ports/secrets.h"
#include "ports/servers.h"

namespace yellow::app {

/// The servers that an environment names: the private cluster for what is embedded, targets for the rest.
class EnvironmentServers : public ports::Servers {
 public:
  EnvironmentServers(const model::Model& model, std::string data, ports::Connector& connector, ports::Entropy& entropy,
                     ports::FileSystem& files, ports::SecretStore& secrets, ports::ServerPrograms& programs,
                     std::string person);

  ports::ConnectionTarget Service(const std::string& container, ports::ServiceRole role,
                                  std::string_view purpose) override;
  ports::ConnectionTarget Source(const std::string& container, const std::string& credential,
                                 std::string_view purpose) override;
  ports::ConnectionTarget As(const std::string& container, const std::string& login, const base::Secret& password,
                             std::string_view purpose) override;
  void Prepare(const std::vector<std::string>& merge, const std::vector<std::string>& sources) override;
  void Revive(const std::string& container) override;
  void BootstrapAgain(const std::string& merge) override;
  void PrepareScratch(const std::vector<std::string>& merge, const std::vector<std::string>& sources,
                      const std::string& holder) override;
  int DropScratch(const std::function<bool(const std::string& holder)>& is_over) override;
  bool Running() override;
  bool Stop() override { return cluster_.Stop(); }
  ports::ConnectionInfo Describe(const std::string& container) override;

 private:
  const model::ContainerPlace& Place(const std::string& container) const;
  std::string Database(const model::ContainerPlace& place) const;
  /// Where a container is, without anyone's login.
  ports::ConnectionTarget Bare(const std::string& container, std::string_view purpose) const;
  std::string RoleName(ports::ServiceRole role) const;

  const model::Model model_;
  std::string data_;
  ports::FileSystem& files_;
  ports::SecretStore& secrets_;
  adapters::embedded::EmbeddedCluster cluster_;
};

}  // namespace yellow::app
