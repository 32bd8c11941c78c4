#include "adapters/container/engine.h"

#include <fmt/format.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "adapters/container/engine_http.h"
#include "adapters/container/follower.h"
#include "adapters/container/messages.h"
#include "base/error.h"

namespace yellow::adapters::container {
namespace {

using Json = nlohmann::json;

constexpr int kKilled = 128 + 9;
constexpr long kFetchSeconds = 3600;
constexpr int kGraceSeconds = 5;
constexpr long kStopSeconds = 60;

bool Good(const Answer& answer) { return answer.status >= 200 && answer.status < 400; }

class DockerEngine : public ports::ContainerEngine {
 public:
  explicit DockerEngine(const std::string& socket) : http_(socket) {}

  ports::EngineInfo Describe() override {
    const Json found = Parsed(Require(Get("/version"), "its version"));
    ports::EngineInfo info;
    info.version = found.value("Version", ""), info.place = http_.socket();
    info.name = "Docker Engine";
    if (const auto parts = found.find("Components"); parts != found.end() && parts->is_array() && !parts->empty())
      info.name = parts->front().value("Name", info.name);
    if (info.name == "Engine") info.name = "Docker Engine";
    return info;
  }

  void Fetch(const std::string& image, const ports::CredentialValue* login,
             const std::function<bool()>& go_on) override {
    if (Get("/images/" + image + "/json").status == 200) return;
    Request request;
    request.method = "POST", request.path = "/images/create?fromImage=" + Encoded(image);
    request.limit_seconds = kFetchSeconds, request.go_on = go_on;
    if (login != nullptr) request.headers = RegistryLogin(*login, image);
    const Answer answer = http_.Call(request);
    if (answer.status != 200) throw ports::ImageFailure(image, MessageOf(answer.body));
    if (Get("/images/" + image + "/json").status != 200) throw ports::ImageFailure(image, LastError(answer.body));
  }

  bool Start(const ports::ContainerSpec& spec) override {
    const Json image = Parsed(Require(Get("/images/" + spec.image + "/json"), "image " + spec.image));
    const std::string user = image.value("Config", Json::object()).value("User", "");
    const Answer made = Post("/containers/create?name=" + Encoded(spec.name), CreateBody(spec, user));
    if (!Good(made)) RequireSame(spec, made);
    const Answer started = Post("/containers/" + spec.name + "/start", "");
    if (Good(started)) return Good(made);
    Remove(spec.name, "");
    throw base::Error("container", "the container could not be started: " + MessageOf(started.body))
        .Remedy("see what command: and resources: of the code say, and what the image holds");
  }

  std::optional<ports::ContainerState> Find(const std::string& name) override {
    const Answer answer = Get("/containers/" + name + "/json");
    if (answer.status == 404) return std::nullopt;
    ports::ContainerState state = StateOf(Require(answer, "container " + name));
    if (!state.running && state.exit_status != 0 && !state.out_of_memory) JudgeMemory(name, state);
    return state;
  }

  std::optional<std::map<std::string, std::string>> EnvironmentOf(const std::string& name) override {
    const Answer answer = Get("/containers/" + name + "/json");
    if (answer.status == 404) return std::nullopt;
    return container::EnvironmentOf(Require(answer, "container " + name));
  }

  std::unique_ptr<ports::ContainerFollower> Follow(const std::string& name, const std::string& path,
                                                   int64_t limit) override {
    return FollowContainer(http_, name, path, limit, EvidenceOf(name));
  }

  void Stop(const std::string& name) override {
    Request request;
    request.method = "POST", request.path = fmt::format("/containers/{}/stop?t={}", name, kGraceSeconds);
    request.limit_seconds = kStopSeconds;
    const Answer answer = http_.Call(request);
    if (!Good(answer) && answer.status != 404) Require(answer, "the end of container " + name);
  }

  void Remove(const std::string& name, const std::string& /*id*/) override {
    Request request;
    request.method = "DELETE", request.path = "/containers/" + name + "?force=1&v=1";
    request.limit_seconds = kStopSeconds;
    const Answer answer = http_.Call(request);
    constexpr long kGone = 404, kBeingRemoved = 409;
    if (!Good(answer) && answer.status != kGone && answer.status != kBeingRemoved)
      Require(answer, "the removal of container " + name);
  }

  std::vector<ports::FoundContainer> List(const std::string& label) override {
    const Json filter{{"label", {label}}};
    const Json found =
        Parsed(Require(Get("/containers/json?all=1&filters=" + Encoded(filter.dump())), "its containers"));
    std::vector<ports::FoundContainer> containers;
    for (const Json& one : found) {
      const Json names = one.value("Names", Json::array());
      if (!names.is_array() || names.empty()) continue;
      std::string name = names.front().get<std::string>();
      if (name.starts_with('/')) name.erase(0, 1);
      const Json labels = one.value("Labels", Json());
      containers.push_back({std::move(name), labels.is_object() ? labels.get<std::map<std::string, std::string>>()
                                                                : std::map<std::string, std::string>{}});
    }
    return containers;
  }

 private:
  Answer Get(const std::string& path) const {
    Request request;
    request.path = path;
    return http_.Call(request);
  }

  Answer Post(const std::string& path, const std::string& body) const {
    Request request;
    request.method = "POST", request.path = path, request.body = body;
    return http_.Call(request);
  }

  std::string Require(const Answer& answer, const std::string& what) const {
    if (Good(answer)) return answer.body;
    constexpr long kServerError = 500;
    throw base::Error("container", fmt::format("the container engine refused {}: {}", what, MessageOf(answer.body)))
        .Retryable(answer.status >= kServerError);
  }

  static Json Parsed(const std::string& text) {
    Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded())
      throw base::Error("engine", "the container engine gave an answer that is none").Retryable();
    return json;
  }

  /// A container that was not made may be there already; it must be the same.
  void RequireSame(const ports::ContainerSpec& spec, const Answer& made) {
    const auto found = Find(spec.name);
    if (!found)
      throw base::Error("container", "the container could not be made: " + MessageOf(made.body))
          .Remedy("see what the code's resources: say, and whether the engine runs as it should: yellow doctor");
    if (found->labels != spec.labels)
      for (const auto& [name, value] : spec.labels) {
        const auto label = found->labels.find(name);
        if (label == found->labels.end() || label->second != value)
          throw base::Error("container", "there is another container of this name: " + spec.name)
              .Remedy("remove it, if it is nobody's");
      }
  }

  /// Podman reports a failed pull inside an answer that is good: the last object of the stream has an `error`.
  static std::string LastError(const std::string& stream) {
    std::string last = stream;
    size_t begin = 0;
    while (begin < stream.size()) {
      const size_t end = std::min(stream.find('\n', begin), stream.size());
      const Json line = Json::parse(stream.substr(begin, end - begin), nullptr, false);
      if (line.is_object() && line.contains("error") && line["error"].is_string())
        last = line["error"].get<std::string>();
      begin = end + 1;
    }
    return last;
  }

  std::shared_ptr<Evidence> EvidenceOf(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Evidence>& evidence = evidence_[name];
    if (evidence == nullptr) evidence = std::make_shared<Evidence>();
    return evidence;
  }

  /// Of a container that has failed, and of which the engine does not say that it lacked memory.
  void JudgeMemory(const std::string& name, ports::ContainerState& state) {
    const MemoryWatch::Verdict verdict = EvidenceOf(name)->verdict;
    state.out_of_memory = verdict == MemoryWatch::Verdict::kKilled;
    if (state.exit_status != kKilled || state.out_of_memory) return;
    state.out_of_memory =
        verdict == MemoryWatch::Verdict::kUnknown && Describe().name.starts_with("Podman") && !WasSignalled(name);
    state.killed = !state.out_of_memory;
  }

  /// True when the events of the container, which has ended, have a signal that somebody sent through the engine.
  bool WasSignalled(const std::string& name) const {
    const Json filter{{"container", {name}}, {"event", {"kill"}}};
    // Of a second, Podman tells the events when it is over, and waits for that.
    const Answer answer =
        Get(fmt::format("/events?since=0&until={}&filters={}", time(nullptr) + 1, Encoded(filter.dump())));
    return answer.status == 200 && answer.body.find("kill") != std::string::npos;
  }

  const EngineHttp http_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Evidence>> evidence_;  // of the containers that were followed, by name
};

class DockerEngines : public ports::ContainerEngines {
 public:
  std::unique_ptr<ports::ContainerEngine> Of(const model::Environment& environment) override {
    return std::make_unique<DockerEngine>(environment.docker.socket);
  }
};

}  // namespace

std::unique_ptr<ports::ContainerEngines> MakeEngines() { return std::make_unique<DockerEngines>(); }

}  // namespace yellow::adapters::container
