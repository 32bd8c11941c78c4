#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "adapters/kubernetes/client.h"
#include "adapters/kubernetes/follow.h"
#include "adapters/kubernetes/run_state.h"
#include "ports/clock.h"

namespace yellow::adapters::kubernetes {

/// Knows how the runs of a namespace are, from one watch of the Jobs and one of the pods, however many there are. What
/// it keeps of each is a few hundred bytes, until its Job is gone. Thread-safe.
class Observer {
 public:
  Observer(Client& client, ports::Clock& clock, const std::string& name_space);
  /// Ends the watches.
  ~Observer();
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

  struct Seen {
    RunState state;
    std::string pod;  ///< its name; empty while there is none
    bool code_began = false;
  };
  /// None when there is no Job of this name, or it has not been heard of yet. Throws what has ended the watch: the role
  /// is missing.
  std::optional<Seen> Look(const std::string& job) const;
  /// True when the pod of this Job is being ended for longer than that takes: its node does not answer.
  bool IsStranded(const std::string& job) const;

 private:
  class Jobs;
  class Pods;

  void Watch(const std::string& path, Listener& listener);
  bool Stranded(const std::string& job) const;  // with the lock
  void Keep(PodFacts pod);                      // with the lock
  void Forget(const PodFacts& pod);             // with the lock

  Client& client_;
  ports::Clock& clock_;
  mutable std::mutex mutex_;
  std::exception_ptr ended_by_;
  std::map<std::string, JobFacts> jobs_;
  std::map<std::string, PodFacts> pods_;                                       // by Job: the one that was made last
  std::map<std::string, std::chrono::steady_clock::time_point> ending_since_;  // by Job
  std::atomic<bool> stop_{false};
  std::thread job_watch_, pod_watch_;
};

}  // namespace yellow::adapters::kubernetes
