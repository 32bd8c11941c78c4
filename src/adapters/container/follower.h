#pragma once

#include <memory>
#include <string>

#include "adapters/container/engine_http.h"
#include "ports/container.h"

namespace yellow::adapters::container {

/// Follows a container with one thread that waits for its end and one that copies its output. Both survive a restart
/// of the engine; the output is then copied again from its beginning.
std::unique_ptr<ports::ContainerFollower> FollowContainer(const EngineHttp& http, const std::string& name,
                                                          const std::string& path, int64_t limit);

}  // namespace yellow::adapters::container
