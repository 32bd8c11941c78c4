#include "adapters/kubernetes/run_state.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "adapters/kubernetes/manifests.h"
#include "adapters/kubernetes/reply.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using Failure = ports::ContainerState::Failure;

constexpr int kKilled = 128 + 9;

const Json& At(const Json& object, const char* field) {
  static const Json kNothing;
  const auto found = object.is_object() ? object.find(field) : object.end();
  return object.is_object() && found != object.end() ? *found : kNothing;
}

std::string Text(const Json& object, const char* field) {
  const Json& found = At(object, field);
  return found.is_string() ? found.get<std::string>() : "";
}

/// The condition of this type, if it holds or, for `status`, does not.
const Json* Condition(const Json& status, const char* type, const char* value) {
  for (const Json& one : At(status, "conditions"))
    if (Text(one, "type") == type && Text(one, "status") == value) return &one;
  return nullptr;
}

Json Parsed(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !At(json, "metadata").is_object()) {
    ApiError error("the API server sent an object that is none", 0);
    error.Retryable();
    throw error;
  }
  return json;
}

void ReadCode(const Json& status, PodFacts& pod) {
  for (const Json& one : At(status, "containerStatuses")) {
    if (Text(one, "name") != kContainer) continue;
    pod.image = Text(one, "image");
    const Json& state = At(one, "state");
    const bool ended = At(state, "terminated").is_object();
    if (ended) pod.code = PodFacts::Code::kEnded;
    if (At(state, "running").is_object()) pod.code = PodFacts::Code::kRunning;
    const Json& details = At(state, ended ? "terminated" : "waiting");
    pod.code_reason = Text(details, "reason"), pod.code_message = Text(details, "message");
    const Json& exit = At(details, "exitCode");
    if (exit.is_number_integer()) pod.exit_status = exit.get<int>();
  }
}

bool IsOneOf(const std::string& word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string With(const std::string& what, const std::string& message) {
  return message.empty() ? what : what + ": " + message;
}

/// Why code that waits will never begin; none while it may.
std::optional<Failure> Hopeless(const PodFacts& pod) {
  const std::string& why = pod.code_reason;
  if (IsOneOf(why, {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"})) {
    const base::Error error = ports::ImageFailure(pod.image, pod.code_message);
    if (error.retryable) return std::nullopt;  // the kubelet tries again
    return Failure{error.code, base::Describe(error)};
  }
  if (IsOneOf(why, {"InvalidImageName", "ErrImageNeverPull"}))
    return Failure{"image_missing", "its image cannot be had: " + With(why, pod.code_message)};
  if (why == "CreateContainerConfigError" && pod.code_message.find("runAsNonRoot") != std::string::npos)
    return Failure{"image_user", "its image would run as root: " + pod.code_message +
                                     "\n  = give the image a number as its user: USER 65532 in its Dockerfile"};
  if (IsOneOf(why, {"CreateContainerError", "RunContainerError"}) && !pod.code_message.empty())
    return Failure{"container", "its container could not be started: " + pod.code_message};
  return std::nullopt;
}

/// The pod ended, or was taken away, for a reason that is not the code's.
std::optional<Failure> Taken(const PodFacts& pod) {
  if (IsOneOf(pod.disruption, {"DeletionByTaintManager", "DeletionByPodGC"}))
    return Failure{"node_lost", With("the node of its pod is lost", pod.disruption)};
  if (pod.reason == "NodeLost") return Failure{"node_lost", With("the node of its pod is lost", pod.message)};
  if (!pod.disruption.empty() ||
      IsOneOf(pod.reason, {"Evicted", "Preempting", "NodeShutdown", "Shutdown", "Terminated"}))
    return Failure{"evicted", With("its pod was taken off its node",
                                   With(pod.reason.empty() ? pod.disruption : pod.reason, pod.message))};
  if (pod.phase == "Failed" && pod.code == PodFacts::Code::kWaiting)
    return Failure{"container", With("its pod could not be started", With(pod.reason, pod.message))};
  return std::nullopt;
}

std::string Pending(const PodFacts& pod) {
  if (!pod.unscheduled.empty()) return "its pod has no node yet: " + pod.unscheduled;
  if (IsOneOf(pod.code_reason, {"", "ContainerCreating", "PodInitializing"})) return "its pod is being started";
  return With("its pod is being started: " + pod.code_reason, pod.code_message);
}

/// Of code that has ended.
void JudgeEnd(const JobFacts& job, const PodFacts& pod, ports::ContainerState& state) {
  state.exit_status = pod.exit_status, state.message = pod.code_message;
  if (state.exit_status == 0) return;
  state.out_of_memory = pod.code_reason == "OOMKilled";
  if (state.out_of_memory) return;
  if (IsOneOf(pod.code_reason, {"StartError", "ContainerCannotRun"})) {
    state.failure = {"container", With("its container could not be started", pod.code_message)};
  } else if (job.failed == "DeadlineExceeded" || pod.reason == "DeadlineExceeded") {
    state.failure = {"timeout", "the code ran longer than its Job may"};
  } else if (const auto taken = Taken(pod)) {
    state.failure = taken;
  } else if (pod.deleting) {
    state.failure = {"pod_deleted", "the pod of the run was deleted"};
  } else {
    state.killed = state.exit_status == kKilled;
  }
}

/// The pod of a Job is not there, or does not end.
std::optional<Failure> WithoutPod(const JobFacts& job) {
  if (job.failed.empty()) return std::nullopt;
  if (job.failed == "DeadlineExceeded") return Failure{"timeout", "the code ran longer than its Job may"};
  if (job.failed == "PodFailurePolicy") return Failure{"evicted", "its pod was taken off its node"};
  return Failure{"pod_deleted", With("the pod of the run was deleted", job.failed)};
}

}  // namespace

JobFacts ReadJob(const std::string& json) {
  const Json read = Parsed(json);
  const Json& metadata = At(read, "metadata");
  const Json& status = At(read, "status");
  JobFacts job;
  job.name = Text(metadata, "name"), job.uid = Text(metadata, "uid");
  job.complete = Condition(status, "Complete", "True") != nullptr;
  // The target comes first: the condition itself only when the pod has ended.
  for (const char* type : {"FailureTarget", "Failed"})
    if (const Json* found = Condition(status, type, "True")) job.failed = Text(*found, "reason");
  for (const auto& [name, value] : At(metadata, "annotations").items())
    if (value.is_string()) job.annotations[name] = value.get<std::string>();
  return job;
}

PodFacts ReadPod(const std::string& json) {
  const Json read = Parsed(json);
  const Json& metadata = At(read, "metadata");
  const Json& status = At(read, "status");
  PodFacts pod;
  pod.name = Text(metadata, "name"), pod.created = Text(metadata, "creationTimestamp");
  pod.deleting = At(metadata, "deletionTimestamp").is_string();
  for (const Json& owner : At(metadata, "ownerReferences"))
    if (Text(owner, "kind") == "Job") pod.job = Text(owner, "name"), pod.job_uid = Text(owner, "uid");
  pod.phase = Text(status, "phase"), pod.reason = Text(status, "reason"), pod.message = Text(status, "message");
  if (const Json* found = Condition(status, "DisruptionTarget", "True")) pod.disruption = Text(*found, "reason");
  if (const Json* found = Condition(status, "PodScheduled", "False")) pod.unscheduled = Text(*found, "message");
  ReadCode(status, pod);
  return pod;
}

RunState Judge(const JobFacts& job, const PodFacts* pod, bool stranded) {
  RunState run;
  ports::ContainerState& state = run.container;
  state.id = job.uid, state.started = true;
  if (pod == nullptr || pod->job_uid != job.uid) {
    state.failure = WithoutPod(job);
    state.running = !state.failure && !job.complete;
    if (state.running) run.pending = "its pod has not been made yet";
    return run;
  }
  if (pod->code == PodFacts::Code::kEnded) {
    JudgeEnd(job, *pod, state);
    return run;
  }
  if (stranded) {
    state.failure = Failure{"node_lost", "the node of its pod does not answer"};
    return run;
  }
  if (pod->code == PodFacts::Code::kWaiting) state.failure = Hopeless(*pod);
  if (!state.failure && pod->phase == "Failed") state.failure = Taken(*pod);
  if (!state.failure && pod->phase == "Failed") state.failure = WithoutPod(job);
  state.running = !state.failure && pod->phase != "Failed" && pod->phase != "Succeeded";
  if (state.failure) state.exit_status = 1;
  if (state.running && pod->code == PodFacts::Code::kWaiting) run.pending = Pending(*pod);
  return run;
}

}  // namespace yellow::adapters::kubernetes
