#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace yellow::ports {

/// How a child is started: exactly this environment, nothing inherited.
struct ProcessSpec {
  std::vector<std::string> command;
  std::string folder;  ///< working directory
  std::map<std::string, std::string> environment;
  std::string output_path;  ///< stdout and stderr go here, capped at `output_limit` bytes
  int64_t output_limit = 64 << 20;
};

struct ProcessExit {
  int status = 0;  ///< exit status, or 128 + signal
  int signal = 0;
};

/// A child and everything it started; it does not outlive this process.
class Process {
 public:
  virtual ~Process() = default;
  virtual std::optional<ProcessExit> Poll() = 0;
  virtual void Terminate() = 0;  ///< SIGTERM to the group, SIGKILL after five seconds
};

class ProcessLauncher {
 public:
  virtual ~ProcessLauncher() = default;
  virtual std::unique_ptr<Process> Start(const ProcessSpec& spec) = 0;
  /// False only when `holder` (`host:pid:start`) is certainly a process of this machine that has ended.
  virtual bool MayBeAlive(const std::string& holder) = 0;
};

}  // namespace yellow::ports
