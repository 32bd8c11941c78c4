#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "adapters/container/engine_http.h"
#include "adapters/container/memory_watch.h"
#include "ports/container.h"

namespace yellow::adapters::container {

/// What MemoryWatch has seen of a container that is or was followed.
struct Evidence {
  std::atomic<MemoryWatch::Verdict> verdict{MemoryWatch::Verdict::kUnknown};
};

/// Follows a container with one thread that waits for its end and one that copies its output. Both survive a restart
/// of the engine; the output is then copied again from its beginning.
std::unique_ptr<ports::ContainerFollower> FollowContainer(const EngineHttp& http, const std::string& name,
                                                          const std::string& path, int64_t limit,
                                                          std::shared_ptr<Evidence> evidence);

}  // namespace yellow::adapters::container
