#pragma once

#include <memory>

#include "ports/container.h"

namespace yellow::app {

/// The engines of `launcher: docker` and the clusters of `launcher: kubernetes`, as the environment says.
std::unique_ptr<ports::ContainerEngines> EachByItsLauncher(std::unique_ptr<ports::ContainerEngines> docker,
                                                           std::unique_ptr<ports::ContainerEngines> kubernetes);

}  // namespace yellow::app
