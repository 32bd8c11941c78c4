#include "adapters/kubernetes/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "adapters/kubernetes/client.h"
#include "adapters/kubernetes/follow.h"
#include "adapters/kubernetes/log_copy.h"
#include "adapters/kubernetes/manifests.h"
#include "adapters/kubernetes/observer.h"
#include "adapters/kubernetes/run_state.h"

namespace yellow::adapters::kubernetes {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

constexpr int kTries = 5;
constexpr std::chrono::seconds kUnheardOf{3};  // a new Job comes through the watch at once
constexpr std::chrono::seconds kEndOfPod{kGraceSeconds + 10};
constexpr std::chrono::milliseconds kLook{100};

/// A cluster's namespace, as one identity.
struct Place {
  Place(Access access, const ReadFile& read, ports::Clock& clock_, ports::Faults* faults_)
      : server(access.server),
        name_space(access.name_space),
        client(std::move(access), read),
        clock(clock_),
        faults(faults_) {}

  std::string Jobs(const std::string& name = "") const { return Of("/apis/batch/v1", "jobs", name); }
  std::string Secrets(const std::string& name = "") const { return Of("/api/v1", "secrets", name); }
  std::string Pods(const std::string& name = "") const { return Of("/api/v1", "pods", name); }
  std::string Events() const { return Of("/api/v1", "events", ""); }
  /// Begins to watch when it is asked for.
  Observer& Observed() {
    const std::lock_guard lock(mutex);
    if (observer == nullptr) observer = std::make_unique<Observer>(client, clock, name_space);
    return *observer;
  }

  const std::string server, name_space;
  Client client;
  ports::Clock& clock;
  ports::Faults* const faults;
  std::atomic<bool> allowed = false;  ///< something was

 private:
  std::string Of(const std::string& group, const std::string& kind, const std::string& name) const {
    return group + "/namespaces/" + name_space + "/" + kind + (name.empty() ? "" : "/" + name);
  }

  std::mutex mutex;
  std::unique_ptr<Observer> observer;  // goes before the client
};

/// As the callers of an engine know it.
base::Error Told(const ApiError& error) {
  const bool door = error.retryable || error.status == 0 || IsRefusal(error);
  base::Error told(door ? "engine" : "container", fmt::format("the cluster refused: {}", error.what()));
  if (error.retryable || error.status == 0)
    told = base::Error("engine", fmt::format("the cluster does not answer: {}", error.what()));
  return told.Retryable(error.retryable).Remedy(error.remedy);
}

/// Tries a call again while the server says that it may pass. What is tried may have happened before.
template <typename Call>
auto Patiently(Place& place, Call call) {
  for (int tries = 1;; ++tries) {
    try {
      auto result = call();
      place.allowed = true;
      return result;
    } catch (const ApiError& error) {
      // A server that has just begun does not know yet who may what.
      const bool may_pass = error.retryable || (IsRefusal(error) && place.allowed);
      if (!may_pass || tries == kTries) throw Told(error);
      place.clock.Sleep(WaitAfter(tries, error.retry_after));
    }
  }
}

/// The same for a call that changes something.
template <typename Call>
auto Effect(Place& place, const std::string& name, Call call) {
  return Patiently(place, [&] {
    if (place.faults == nullptr) return call();
    const ports::Fate fate = place.faults->Before(name);
    ApiError lost("a fault that a test asked for", 0);
    lost.Retryable().OutcomeUnknown(fate == ports::Fate::kAnswerIsLost);
    if (fate == ports::Fate::kFails) throw lost;
    auto result = call();
    place.faults->After(name);
    if (fate == ports::Fate::kAnswerIsLost) throw lost;
    return result;
  });
}

std::vector<WatchEvent> ListAll(Place& place, const std::string& path, const std::string& selector) {
  std::vector<WatchEvent> all;
  ListPage page;
  for (bool first = true; first || !page.next.empty(); first = false) {
    const std::string asked = path + "?limit=500&labelSelector=" + Client::Encode(selector) +
                              (page.next.empty() ? "" : "&continue=" + Client::Encode(page.next));
    const Reply reply = Patiently(place, [&] { return place.client.Get(asked); });
    if (reply.outcome == Outcome::kTooOld) return ListAll(place, path, selector);  // the pages are of another time
    page = ReadList(reply.body);
    std::move(page.items.begin(), page.items.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<PodFacts> PodsOf(Place& place, const std::string& job) {
  std::vector<PodFacts> pods;
  for (const WatchEvent& event : ListAll(place, place.Pods(), "job-name=" + job)) pods.push_back(ReadPod(event.object));
  return pods;
}

/// The one that was made last.
std::optional<PodFacts> NewestPodOf(Place& place, const std::string& job) {
  const std::vector<PodFacts> pods = PodsOf(place, job);
  const auto newest = std::max_element(pods.begin(), pods.end(),
                                       [](const PodFacts& a, const PodFacts& b) { return a.created < b.created; });
  return newest == pods.end() ? std::nullopt : std::optional(*newest);
}

class PodFollower : public ports::ContainerFollower {
 public:
  PodFollower(std::shared_ptr<Place> place, const std::string& name, const std::string& file, int64_t limit)
      : place_(std::move(place)), name_(name), log_(place_->client, place_->name_space, file, limit) {}

  bool Ended() override {
    const auto seen = Look();
    if (!seen) return WasThere();
    heard_of_ = true;
    pending_ = seen->state.pending;
    if (!seen->pod.empty()) has_pod_ = true;
    if (seen->code_began) BeginLog(seen->pod);
    return !seen->state.container.running;
  }

  std::string Pending() override {
    if (pending_.empty() || has_pod_) return pending_;
    const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_);
    if (age > ask_why_at_) {
      ask_why_at_ = AskAgainAt(age);
      why_no_pod_ = WhyNoPod();
    }
    return pending_ + why_no_pod_;
  }

  /// The end of the Job may be heard of before anything of its pod.
  void Finish() override {
    if (!log_began_) LookForLog();
    log_.Finish();
  }

 private:
  void BeginLog(const std::string& pod) {
    log_.Begin(pod);
    log_began_ = true;
  }

  void LookForLog() {
    try {
      const std::optional<PodFacts> pod = NewestPodOf(*place_, name_);
      if (pod && pod->code != PodFacts::Code::kWaiting) BeginLog(pod->name);
    } catch (const base::Error&) {  // costs the log, not the run
    }
  }

  std::optional<Observer::Seen> Look() const {
    try {
      return place_->Observed().Look(name_);
    } catch (const ApiError& error) {
      throw Told(error);
    }
  }

  /// True when the Job is gone; one that was not heard of yet is asked for from time to time.
  bool WasThere() {
    if (heard_of_) return true;
    if (steady_clock::now() - asked_ < kUnheardOf) return false;
    asked_ = steady_clock::now();
    return Patiently(*place_, [&] { return place_->client.Get(place_->Jobs(name_)); }).outcome == Outcome::kNotFound;
  }

  /// What its controller says about a Job that has no pod: a quota, a rule of the namespace.
  std::string WhyNoPod() const {
    try {
      const Reply reply = place_->client.Get(
          place_->Events() + "?fieldSelector=" + Client::Encode("involvedObject.name=" + name_ + ",type=Warning"));
      const Json events = Json::parse(reply.body, nullptr, false);
      const Json items = events.is_object() ? events.value("items", Json::array()) : Json::array();
      if (!items.is_array() || items.empty()) return "";
      return ": " + items.back().value("message", "");
    } catch (const std::exception&) {  // not allowed, or not now
      return "";
    }
  }

  const std::shared_ptr<Place> place_;
  const std::string name_;
  LogCopy log_;
  bool heard_of_ = false, has_pod_ = false, log_began_ = false;
  const steady_clock::time_point began_ = steady_clock::now();
  steady_clock::time_point asked_ = began_;
  std::chrono::milliseconds ask_why_at_ = kUnheardOf;
  std::string pending_, why_no_pod_;
};

class Cluster : public ports::ContainerEngine {
 public:
  Cluster(std::shared_ptr<Place> place, const model::KubernetesLauncher& launcher)
      : place_(std::move(place)), launcher_(launcher) {}

  ports::EngineInfo Describe() override {
    const Reply reply = Patiently(*place_, [&] { return place_->client.Get("/version"); });
    const Json version = Json::parse(reply.body, nullptr, false);
    // What a run needs; who may not is told now.
    for (const std::string& path : {place_->Jobs(), place_->Pods(), place_->Secrets()})
      Patiently(*place_, [&] { return place_->client.Get(path + "?limit=1"); });
    std::string number = version.is_object() ? version.value("gitVersion", "") : "";
    if (number.starts_with('v')) number.erase(0, 1);
    return {"Kubernetes", number, "namespace " + place_->name_space + " of " + place_->server};
  }

  void Fetch(const std::string& /*image*/, const ports::CredentialValue* /*login*/,
             const std::function<bool()>& /*go_on*/) override {}  // its node does

  bool Start(const ports::ContainerSpec& spec) override {
    place_->Observed();
    if (!CreateSecret(spec)) {  // of an attempt that went no further, whose secrets may be old
      RequireSame(place_->Secrets(spec.name), spec);
      Delete(place_->Secrets(spec.name));
      CreateSecret(spec);
    }
    std::string made;  // uid of our Job
    try {
      const std::string job = JobOf(spec, launcher_);
      const Reply reply = Effect(*place_, "kubernetes.job", [&] { return place_->client.Create(place_->Jobs(), job); });
      if (reply.outcome != Outcome::kExists) made = ReadJob(reply.body).uid;
      const std::string uid = made.empty() ? RequireSame(place_->Jobs(spec.name), spec) : made;
      Effect(*place_, "kubernetes.owner",
             [&] { return place_->client.Change(place_->Secrets(spec.name), OwnerPatch(spec.name, uid)); });
      return !made.empty();
    } catch (const base::Error& error) {
      // A Job of this name may be somebody else's; only what is ours goes.
      if (!error.retryable && !made.empty()) Delete(place_->Jobs(spec.name), std::nullopt, made);
      if (!error.retryable) Delete(place_->Secrets(spec.name));
      throw;
    }
  }

  std::optional<ports::ContainerState> Find(const std::string& name) override {
    const Reply reply = Patiently(*place_, [&] { return place_->client.Get(place_->Jobs(name)); });
    if (reply.outcome == Outcome::kNotFound) return std::nullopt;
    const std::optional<PodFacts> newest = NewestPodOf(*place_, name);
    const JobFacts job = ReadJob(reply.body);
    ports::ContainerState state =
        Judge(job, newest ? &*newest : nullptr, place_->Observed().IsStranded(name)).container;
    state.labels = job.annotations;
    return state;
  }

  std::optional<std::map<std::string, std::string>> EnvironmentOf(const std::string& name) override {
    const Reply reply = Patiently(*place_, [&] { return place_->client.Get(place_->Secrets(name)); });
    if (reply.outcome == Outcome::kNotFound) return std::nullopt;
    return EnvironmentIn(reply.body);
  }

  std::unique_ptr<ports::ContainerFollower> Follow(const std::string& name, const std::string& path,
                                                   int64_t limit) override {
    place_->Observed();
    return std::make_unique<PodFollower>(place_, name, path, limit);
  }

  /// Without its Job no pod is made in its place.
  void Stop(const std::string& name) override {
    Delete(place_->Jobs(name));
    const auto until = steady_clock::now() + kEndOfPod;
    for (bool first = true;; first = false) {
      const std::vector<PodFacts> pods = PodsOf(*place_, name);
      const bool late = steady_clock::now() > until;
      bool alive = false;
      for (const PodFacts& pod : pods) {
        if (pod.code == PodFacts::Code::kEnded) continue;
        alive = true;
        if (first) Delete(place_->Pods(pod.name), kGraceSeconds);
        if (late) Delete(place_->Pods(pod.name), 0);  // its node does not answer; its login can do nothing any more
      }
      if (!alive || late) return;
      place_->clock.Sleep(kLook);
    }
  }

  void Remove(const std::string& name, const std::string& id) override {
    Delete(place_->Jobs(name), std::nullopt, id);
    if (id.empty()) Delete(place_->Secrets(name));  // else it goes with its owner
  }

  std::vector<ports::FoundContainer> List(const std::string& label) override {
    std::map<std::string, ports::FoundContainer> found;
    for (const std::string& path : {place_->Jobs(), place_->Secrets()}) {
      for (const WatchEvent& event : ListAll(*place_, path, std::string(kSelector) + "," + label))
        found[event.name] = {event.name, ReadJob(event.object).annotations};
    }
    std::vector<ports::FoundContainer> all;
    for (auto& [name, one] : found) all.push_back(std::move(one));
    return all;
  }

 private:
  void Delete(const std::string& path, std::optional<int> grace_seconds = std::nullopt, const std::string& uid = "") {
    Effect(*place_, "kubernetes.delete", [&] { return place_->client.Delete(path, uid, grace_seconds); });
  }

  /// False when there is one of this name.
  bool CreateSecret(const ports::ContainerSpec& spec) {
    const std::string secret = SecretOf(spec);
    return Effect(*place_, "kubernetes.secret", [&] {
             return place_->client.Create(place_->Secrets(), secret);
           }).outcome != Outcome::kExists;
  }

  /// What has our name must be of our run or job, made from the same; returns its uid.
  std::string RequireSame(const std::string& path, const ports::ContainerSpec& spec) {
    const Reply reply = Patiently(*place_, [&] { return place_->client.Get(path); });
    if (reply.outcome == Outcome::kNotFound)
      throw base::Error("container", "it was removed meanwhile: " + path).Retryable();
    const JobFacts found = ReadJob(reply.body);
    for (const char* name : {"yellow.run", "yellow.job", kSpecAnnotation}) {
      const auto wanted = spec.labels.find(name), there = found.annotations.find(name);
      if (wanted == spec.labels.end()) continue;
      if (there == found.annotations.end() || there->second != wanted->second)
        throw base::Error("container", "the cluster has another object of this name: " + path)
            .Remedy("remove it, if it is nobody's");
    }
    return found.uid;
  }

  const std::shared_ptr<Place> place_;
  const model::KubernetesLauncher launcher_;
};

class Clusters : public ports::ContainerEngines {
 public:
  Clusters(ReadFile read, ReadVariable variable, ports::Clock& clock, ports::Faults* faults)
      : read_(std::move(read)), variable_(std::move(variable)), clock_(clock), faults_(faults) {}

  std::unique_ptr<ports::ContainerEngine> Of(const model::Environment& environment) override {
    return std::make_unique<Cluster>(PlaceOf(environment.kubernetes), environment.kubernetes);
  }

 private:
  std::shared_ptr<Place> PlaceOf(const model::KubernetesLauncher& launcher) {
    const std::string path = KubeconfigOf(launcher, variable_);
    const std::optional<std::string> text = path.empty() ? std::nullopt : read_(path);
    if (!path.empty() && !text)
      throw base::Error("kubeconfig", path + ": cannot be read")
          .Remedy("name one that is there: launcher: {kubernetes: {kubeconfig: …}}");
    const std::string key = path + "\n" + launcher.context + "\n" + launcher.name_space;
    const std::lock_guard lock(mutex_);
    Known& known = known_[key];
    if (known.place == nullptr || known.text != text) {
      Access access = text ? ReadKubeconfig(*text, path, launcher.context, read_) : InCluster(variable_, read_);
      if (!launcher.name_space.empty()) access.name_space = launcher.name_space;
      known = {text, std::make_shared<Place>(std::move(access), read_, clock_, faults_)};
    }
    return known.place;
  }

  struct Known {
    std::optional<std::string> text;
    std::shared_ptr<Place> place;
  };

  const ReadFile read_;
  const ReadVariable variable_;
  ports::Clock& clock_;
  ports::Faults* const faults_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

}  // namespace

std::unique_ptr<ports::ContainerEngines> MakeClusters(ReadFile read, ReadVariable variable, ports::Clock& clock,
                                                      ports::Faults* faults) {
  return std::make_unique<Clusters>(std::move(read), std::move(variable), clock, faults);
}

}  // namespace yellow::adapters::kubernetes
