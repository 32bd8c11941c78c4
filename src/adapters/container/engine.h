#pragma once

#include <memory>

#include "ports/container.h"

namespace yellow::adapters::container {

/// The Docker API over a unix socket, as Docker Engine and Podman's service answer it, in the version that the engine
/// prefers.
///
/// Who was killed for lack of memory: Docker says so. Podman (4.3) does not where cgroups are of version 1. There the
/// container's memory cgroup is looked at while it is followed (MemoryWatch). Where that was not to be seen, exit
/// status 137, as of every SIGKILL, counts as lack of memory unless the engine's events have a signal that somebody
/// sent.
std::unique_ptr<ports::ContainerEngines> MakeEngines();

}  // namespace yellow::adapters::container
