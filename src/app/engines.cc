#include "app/engines.h"

namespace yellow::app {
namespace {

class Engines : public ports::ContainerEngines {
 public:
  Engines(std::unique_ptr<ports::ContainerEngines> docker, std::unique_ptr<ports::ContainerEngines> kubernetes)
      : docker_(std::move(docker)), kubernetes_(std::move(kubernetes)) {}

  std::unique_ptr<ports::ContainerEngine> Of(const model::Environment& environment) override {
    return (environment.launcher == model::LauncherKind::kKubernetes ? kubernetes_ : docker_)->Of(environment);
  }

 private:
  const std::unique_ptr<ports::ContainerEngines> docker_, kubernetes_;
};

}  // namespace

std::unique_ptr<ports::ContainerEngines> EachByItsLauncher(std::unique_ptr<ports::ContainerEngines> docker,
                                                           std::unique_ptr<ports::ContainerEngines> kubernetes) {
  return std::make_unique<Engines>(std::move(docker), std::move(kubernetes));
}

}  // namespace yellow::app
