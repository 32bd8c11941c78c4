#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace yellow::ports {

/// Runs a program on our terminal with these variables added to our environment; returns its exit status, 127 if it is
/// not there.
using Foreground =
    std::function<int(const std::vector<std::string>& command, const std::map<std::string, std::string>& variables)>;

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

/// Where the code of one run works: a folder that is empty at first, and an operating-system user of its own where
/// there can be one. The folder goes with this object, and so does every process of that user.
class Workplace {
 public:
  virtual ~Workplace() = default;
  virtual const std::string& folder() const = 0;
  /// True when the code may execute this file, or enter this folder.
  virtual bool MayUse(const std::string& path) = 0;
  /// Gives the folder and what is in it to the code, and starts it. REQUIRES: called once; this object outlives the
  /// process. Throws base::Error.
  virtual std::unique_ptr<Process> Start(const ProcessSpec& spec) = 0;
};

class ProcessLauncher {
 public:
  virtual ~ProcessLauncher() = default;
  /// `data`: the data folder, which is there; `name`: the run's. Throws base::Error.
  virtual std::unique_ptr<Workplace> MakeWorkplace(const std::string& data, const std::string& name) = 0;
  /// Ends and removes the workplaces of processes that have ended before they could.
  virtual void CleanUp(const std::string& data) = 0;
  /// Why code runs as the user of this process, as the rest of a sentence; empty: each run has a user of its own.
  virtual std::string WhyNoUser() = 0;
  /// False only when `holder` (`host:pid:start`) is certainly a process of this machine that has ended.
  virtual bool MayBeAlive(const std::string& holder) = 0;
};

}  // namespace yellow::ports
