#pragma once

#include <map>
#include <string>

#include "ports/container.h"

namespace yellow::adapters::kubernetes {

/// What a Job says of itself.
struct JobFacts {
  std::string name, uid;
  std::string failed;  ///< the reason with which it has failed, or is about to; empty while it has not
  bool complete = false;
  std::map<std::string, std::string> annotations;
};

/// What the pod of a Job says of itself, as far as it decides what becomes of a run.
struct PodFacts {
  enum class Code { kWaiting, kRunning, kEnded };

  std::string name;
  std::string job, job_uid;  ///< whose it is; empty when it is nobody's
  std::string created;       ///< RFC 3339
  std::string phase;         ///< Pending, Running, Succeeded, Failed, Unknown
  std::string reason;        ///< with which the pod itself ended: Evicted, …
  std::string message;       ///< of that reason
  std::string disruption;    ///< who takes it off its node: EvictionByEvictionAPI, DeletionByTaintManager, …
  std::string unscheduled;   ///< why it has no node
  bool deleting = false;
  Code code = Code::kWaiting;
  std::string image;
  std::string code_reason, code_message;  ///< of the container: ErrImagePull, OOMKilled, …
  int exit_status = 0;
};

/// Throw ApiError when the text is no such object.
JobFacts ReadJob(const std::string& json);
PodFacts ReadPod(const std::string& json);

/// What became of a run.
struct RunState {
  ports::ContainerState container;
  std::string pending;  ///< why its code has not begun; empty once it has, or cannot any more
};

/// `pod` may be null: not made yet, or gone; one of an earlier Job of the same name is none. `stranded`: it should have
/// ended long ago, and its node does not say so. Without labels: it is asked often.
RunState Judge(const JobFacts& job, const PodFacts* pod, bool stranded);

}  // namespace yellow::adapters::kubernetes
