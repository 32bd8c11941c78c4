#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>

namespace yellow::adapters::container {

/// Whether the kernel has killed a process of a container for lack of memory, from the container's memory cgroup on
/// this machine. For engines that do not say it themselves (Podman 4.3 with cgroups of version 1).
class MemoryWatch {
 public:
  enum class Verdict {
    kUnknown,    ///< the cgroup was not seen after its first process had ended
    kNotKilled,  ///< it was, and nobody had been killed
    kKilled
  };

  /// `pid`: of the container's first process, as this machine sees it. Null when its cgroup cannot be read.
  static std::unique_ptr<MemoryWatch> Of(pid_t pid);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  /// Call it often: the cgroup goes with the container, a tenth of a second after its end.
  void Look();
  Verdict verdict() const { return verdict_; }

 private:
  MemoryWatch(pid_t pid, int file) : pid_(pid), file_(file) {}

  const pid_t pid_;
  const int file_;
  std::atomic<Verdict> verdict_{Verdict::kUnknown};
};

/// Where the cgroup's count of such kills stands, from the text of /proc/<pid>/cgroup; empty when it names none.
std::string OomCounterOf(const std::string& cgroups);

}  // namespace yellow::adapters::container
