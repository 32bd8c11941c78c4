#include "adapters/kubernetes/observer.h"

#include "adapters/kubernetes/manifests.h"

namespace yellow::adapters::kubernetes {
namespace {

constexpr std::chrono::seconds kStranded{kGraceSeconds + 30};

/// What is kept of a Job.
JobFacts Kept(const WatchEvent& event) {
  JobFacts job = ReadJob(event.object);
  job.annotations.clear();
  return job;
}

}  // namespace

class Observer::Jobs : public Listener {
 public:
  explicit Jobs(Observer& observer) : observer_(observer) {}
  void Listed(const std::vector<WatchEvent>& all) override {
    std::map<std::string, JobFacts> jobs;
    for (const WatchEvent& event : all) jobs[event.name] = Kept(event);
    const std::lock_guard lock(observer_.mutex_);
    observer_.jobs_ = std::move(jobs);
  }
  void Changed(const WatchEvent& event) override {
    JobFacts job = Kept(event);
    const std::lock_guard lock(observer_.mutex_);
    if (event.kind == WatchEvent::Kind::kDeleted)
      observer_.jobs_.erase(event.name);
    else
      observer_.jobs_[event.name] = std::move(job);
  }
  void Troubled(const ApiError&, std::chrono::milliseconds) override {}

 private:
  Observer& observer_;
};

class Observer::Pods : public Listener {
 public:
  explicit Pods(Observer& observer) : observer_(observer) {}
  void Listed(const std::vector<WatchEvent>& all) override {
    std::vector<PodFacts> pods;
    for (const WatchEvent& event : all) pods.push_back(ReadPod(event.object));
    const std::lock_guard lock(observer_.mutex_);
    observer_.pods_.clear();
    for (PodFacts& pod : pods) observer_.Keep(std::move(pod));
    std::erase_if(observer_.ending_since_, [&](const auto& one) { return !observer_.pods_.contains(one.first); });
  }
  void Changed(const WatchEvent& event) override {
    PodFacts pod = ReadPod(event.object);
    const std::lock_guard lock(observer_.mutex_);
    if (event.kind == WatchEvent::Kind::kDeleted)
      observer_.Forget(pod);
    else
      observer_.Keep(std::move(pod));
  }
  void Troubled(const ApiError&, std::chrono::milliseconds) override {}

 private:
  Observer& observer_;
};

Observer::Observer(Client& client, ports::Clock& clock, const std::string& name_space)
    : client_(client), clock_(clock) {
  job_watch_ = std::thread([this, path = "/apis/batch/v1/namespaces/" + name_space + "/jobs"] {
    Jobs jobs(*this);
    Watch(path, jobs);
  });
  pod_watch_ = std::thread([this, path = "/api/v1/namespaces/" + name_space + "/pods"] {
    Pods pods(*this);
    Watch(path, pods);
  });
}

Observer::~Observer() {
  stop_ = true;
  job_watch_.join();
  pod_watch_.join();
}

void Observer::Watch(const std::string& path, Listener& listener) {
  try {
    Follow(client_, path, "labelSelector=" + Client::Encode(kSelector), listener, clock_, [this] { return !stop_; });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    ended_by_ = std::current_exception();
  }
}

void Observer::Keep(PodFacts pod) {
  if (pod.job.empty()) return;
  PodFacts& kept = pods_[pod.job];
  if (kept.name != pod.name && kept.created > pod.created) return;
  if (pod.deleting)
    ending_since_.try_emplace(pod.job, std::chrono::steady_clock::now());
  else
    ending_since_.erase(pod.job);
  kept = std::move(pod);
}

void Observer::Forget(const PodFacts& pod) {
  const auto kept = pods_.find(pod.job);
  if (kept == pods_.end() || kept->second.name != pod.name) return;
  ending_since_.erase(pod.job);
  pods_.erase(kept);
}

bool Observer::Stranded(const std::string& job) const {
  const auto since = ending_since_.find(job);
  return since != ending_since_.end() && std::chrono::steady_clock::now() - since->second > kStranded;
}

bool Observer::IsStranded(const std::string& job) const {
  const std::lock_guard lock(mutex_);
  return Stranded(job);
}

std::optional<Observer::Seen> Observer::Look(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  if (ended_by_ != nullptr) std::rethrow_exception(ended_by_);
  const auto job = jobs_.find(name);
  if (job == jobs_.end()) return std::nullopt;
  const auto pod = pods_.find(name);
  if (pod == pods_.end() || pod->second.job_uid != job->second.uid)
    return Seen{Judge(job->second, nullptr, false), "", false};
  return Seen{Judge(job->second, &pod->second, Stranded(name)), pod->second.name,
              pod->second.code != PodFacts::Code::kWaiting};
}

}  // namespace yellow::adapters::kubernetes
