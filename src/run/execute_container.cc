#include "run/execute_container.h"

#include <fmt/format.h>

#include <cctype>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "run/code_log.h"
#include "run/run_login.h"
#include "run/trust.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr const char* kRunLabel = "yellow.run";
constexpr const char* kHolderLabel = "yellow.holder";
constexpr const char* kSpecLabel = "yellow.spec";
constexpr const char* kSocketFolder = "/run/yellow/postgresql";
constexpr const char* kCertificate = "/run/yellow/ca.crt";
constexpr size_t kTailOfLog = 1 << 20;
constexpr int64_t kMostOfLog = 64 << 20;
constexpr int64_t kBackstopSeconds = 10;  // after its timeout an engine ends code whose yellow does not
constexpr std::chrono::milliseconds kFirstLook{2}, kLongestLook{50}, kAskWhether{1000};

bool IsKubernetes(const Applied& applied) {
  return applied.model.environment->launcher == model::LauncherKind::kKubernetes;
}

const model::DataTransformer& DeclaredOf(const Applied& applied, const plan::Transformer& transformer) {
  return *applied.model.FindWorkspace(transformer.workspace)->transformer;
}

std::unique_ptr<ports::ContainerEngine> EngineOf(const Effects& effects, const Applied& applied) {
  return effects.containers.Of(*applied.model.environment);
}

/// What must be the same for a container to be the same; nothing secret is in it.
std::string DigestOf(const ports::ContainerSpec& spec) {
  std::string text = spec.image + "\n" + spec.network + "\n";
  for (const std::string& word : spec.command) text += "command " + base::Sha256Hex(word) + "\n";
  for (const std::string& word : spec.arguments) text += "argument " + base::Sha256Hex(word) + "\n";
  for (const auto& [place, from] : spec.mounts) text += place + " " + from + "\n";
  for (const auto& [place, content] : spec.files) text += place + " " + base::Sha256Hex(content) + "\n";
  text += fmt::format("{} {} {} {}", spec.limits.memory, spec.limits.millicores, spec.limits.processes,
                      spec.limits.scratch);
  return base::Sha256Hex(text);
}

/// The way to the database from a pod, which is on another machine.
CodeContext InsidePod(const Effects& effects, const CodeContext& context, ports::ContainerSpec& spec) {
  CodeContext inside = context;
  if (context.target.host.starts_with('/'))
    throw base::Error(
        "no_way", "code in a pod does not reach a database through this machine's unix socket: " + context.target.host)
        .Remedy("use an environment whose databases are on the network, or launcher: docker");
  if (context.target.sslrootcert.starts_with('/')) {
    const auto content = effects.files.Read(context.target.sslrootcert);
    if (!content) throw base::Error("no_way", "cannot read " + context.target.sslrootcert);
    spec.files[kCertificate] = *content;
    inside.target.sslrootcert = kCertificate;
  }
  return inside;
}

/// The way to the database: where it is a unix socket, its folder is mounted, and nothing else is needed.
CodeContext Inside(const CodeContext& context, ports::ContainerSpec& spec) {
  CodeContext inside = context;
  if (context.target.host.starts_with('/')) {
    spec.mounts[kSocketFolder] = context.target.host;
    inside.target.host = kSocketFolder;
  }
  if (context.target.sslrootcert.starts_with('/')) {
    spec.mounts[kCertificate] = context.target.sslrootcert;
    inside.target.sslrootcert = kCertificate;
  }
  return inside;
}

ports::ContainerSpec SpecOf(const Effects& effects, const CodeContext& context) {
  const model::DataTransformer& declared = DeclaredOf(context.applied, context.transformer);
  ports::ContainerSpec spec;
  spec.name = ContainerNameOf(context.applied, context.run_id);
  spec.image = ImageOf(context.applied, context.transformer);
  spec.command = declared.code.image->command;
  spec.arguments = declared.code.arguments;
  spec.network = context.applied.model.environment->docker.network;
  spec.limits = declared.code.resources;
  spec.limit_seconds = declared.timeout.seconds + kBackstopSeconds;
  spec.environment =
      EnvironmentOf(effects, IsKubernetes(context.applied) ? InsidePod(effects, context, spec) : Inside(context, spec));
  if (declared.code.environment.count("PATH") == 0) spec.environment.erase("PATH");  // the image has its own
  if (declared.code.environment.count("HOME") == 0) spec.environment["HOME"] = "/tmp";
  spec.labels = {{kRunLabel, context.run_id},
                 {"yellow.workspace", context.transformer.workspace},
                 {"yellow.platform", context.transformer.platform},
                 {kSpecLabel, DigestOf(spec)}};
  if (!context.holder.empty()) spec.labels[kHolderLabel] = context.holder;
  return spec;
}

CodeResult Failed(int status, const std::string& code, const std::string& reason, const std::string& log) {
  return {CodeOutcome::kFailed, status, code, reason, log};
}

CodeResult ResultOf(const ports::ContainerState& state, const model::Resources& limits, std::string log) {
  if (state.failure) {
    const bool timed_out = state.failure->code == "timeout";
    return {timed_out ? CodeOutcome::kTimedOut : CodeOutcome::kFailed, std::max(1, state.exit_status),
            state.failure->code, state.failure->reason, std::move(log)};
  }
  if (state.exit_status == 0) return {CodeOutcome::kFinished, 0, "", "", std::move(log)};
  if (state.exit_status == kSnapshotStatus)
    return {CodeOutcome::kSnapshotGone, state.exit_status, std::string(kSnapshotReason),
            "the code could not import its snapshot (exit status 75)", std::move(log)};
  if (state.out_of_memory)
    return Failed(state.exit_status, "out_of_memory",
                  fmt::format("the code took more than its {} MiB of memory and was ended (exit status {})",
                              limits.memory >> 20, state.exit_status),
                  log);
  if (state.killed)
    return Failed(state.exit_status, "killed",
                  "the code was ended by SIGKILL, neither by Yellow nor for lack of memory (exit status 137)", log);
  return Failed(state.exit_status, "exit_status", fmt::format("the code ended with exit status {}", state.exit_status),
                log);
}

/// An engine that is being restarted is waited for.
template <typename Call>
auto AskPatiently(ports::Clock& clock, Call call) {
  constexpr int kTries = 60;
  for (int i = 1;; ++i) {
    try {
      return call();
    } catch (const base::Error& error) {
      if (!error.retryable || i == kTries) throw;
      clock.Sleep(kAskWhether / 2);
    }
  }
}

/// One container that was started, until it has ended.
class Waiting {
 public:
  Waiting(const Effects& effects, const CodeContext& context, int64_t seconds)
      : effects_(effects),
        context_(context),
        engine_(EngineOf(effects, context.applied)),
        name_(ContainerNameOf(context.applied, context.run_id)),
        log_(context.applied.data_folder + "/runs/" + context.run_id + "/output.log"),
        declared_(DeclaredOf(context.applied, context.transformer)),
        deadline_(effects.clock.Now() + std::chrono::seconds(seconds)),
        begins_before_(effects.clock.Now() + std::chrono::seconds(declared_.start_limit.seconds)) {
    effects.files.MakeFolder(context.applied.data_folder + "/runs/" + context.run_id, 0700);
  }

  CodeResult Result() {
    LookWhatItWasGiven();
    auto follower = engine_->Follow(name_, log_, kMostOfLog);
    std::optional<ports::ContainerState> state;
    do {
      AwaitEnd(*follower);
      state = AskPatiently(effects_.clock, [this] { return engine_->Find(name_); });
      if (state && state->running) follower = engine_->Follow(name_, log_, kMostOfLog);  // the engine was restarted
    } while (state && state->running);
    if (state) follower->Finish();
    std::string log = Log();
    if (!state && !stopped_) throw base::Error("job_lost", "the container of the run is gone: " + name_).Retryable();
    if (timed_out_)
      return {CodeOutcome::kTimedOut, state ? state->exit_status : 1, "timeout",
              fmt::format("the code ran longer than {} s and was ended", declared_.timeout.seconds), std::move(log)};
    if (!not_begun_.empty()) return Failed(1, "not_started", not_begun_, log);
    return ResultOf(state.value_or(ports::ContainerState{}), declared_.code.resources, std::move(log));
  }

 private:
  /// Before it ends, as an engine may forget it then; and not from where secrets are kept, which may have others by
  /// now.
  void LookWhatItWasGiven() {
    try {
      const auto environment = AskPatiently(effects_.clock, [this] { return engine_->EnvironmentOf(name_); });
      if (environment) given_ = SecretsIn(*environment);
    } catch (const base::Error& error) {
      if (error.retryable) throw;
      effects_.reporter.Line("What the container " + name_ + " was given is not told: " + error.what());
    }
  }

  /// What cannot be told from secrets is not kept where others read it.
  std::string Log() {
    if (!given_) return WithholdLog(effects_.files, {log_, kMostOfLog});
    return TakeLog(effects_.files, effects_.reporter, *given_, {log_, kMostOfLog}, kTailOfLog);
  }

  void AwaitEnd(ports::ContainerFollower& follower) {
    ports::TimePoint asked = effects_.clock.Now();
    for (auto pause = kFirstLook; !follower.Ended(); pause = std::min(pause * 2, kLongestLook)) {
      const ports::TimePoint now = effects_.clock.Now();
      if (!stopped_ && now > deadline_) {
        timed_out_ = true;
        Stop();
      }
      if (now - asked > kAskWhether) {
        LookWhetherItBegins(follower, now);
        if (context_.taken_over && context_.taken_over())
          throw base::Error("fenced", "another yellow has taken over the run, and waits for its container");
        if (!stopped_ && !context_.wanted()) Stop();
        asked = now;
      }
      effects_.clock.Sleep(pause);
    }
  }

  /// Code that waits for its image or a machine does so for start_limit.
  void LookWhetherItBegins(ports::ContainerFollower& follower, ports::TimePoint now) {
    if (began_ || stopped_) return;
    const std::string pending = follower.Pending();
    began_ = pending.empty();
    if (began_ && !waited_) return;
    waited_ = true;
    if (began_ || now < begins_before_) {
      effects_.reporter.UnderWay({context_.transformer.workspace, began_ ? "runs its code" : pending});
      return;
    }
    not_begun_ =
        fmt::format("the code had not begun after {} s (start_limit): {}", declared_.start_limit.seconds, pending);
    Stop();
  }

  void Stop() {
    engine_->Stop(name_);
    stopped_ = true;
  }

  const Effects& effects_;
  const CodeContext& context_;
  const std::unique_ptr<ports::ContainerEngine> engine_;
  const std::string name_, log_;
  const model::DataTransformer& declared_;
  const ports::TimePoint deadline_, begins_before_;
  bool timed_out_ = false, stopped_ = false, began_ = false, waited_ = false;
  std::string not_begun_;
  std::optional<std::vector<base::Secret>> given_;  // nothing: it cannot be told any more
};

}  // namespace

std::string ContainerNameOf(const Applied& applied, const std::string& run_id) {
  std::string name = sql::Roles(applied.model.environment->role_prefix).RunLogin(run_id);
  if (!IsKubernetes(applied)) return name;
  for (char& c : name) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::string ImageOf(const Applied& applied, const plan::Transformer& transformer) {
  const model::DataTransformer& declared = DeclaredOf(applied, transformer);
  if (!StartsContainer(applied.model, declared)) return "";
  return applied.model.environment->ImageOf(declared.code.image->image);
}

void FetchImage(const Effects& effects, const Applied& applied, const plan::Transformer& transformer,
                const std::function<bool()>& go_on) {
  std::optional<ports::CredentialValue> login;
  if (const auto& pull = applied.model.environment->docker.pull) {
    for (const model::CredentialPlace& place : applied.model.environment->credentials)
      if (place.credential == pull->text) login = effects.secrets.Read(pull->text, place.source);
  }
  EngineOf(effects, applied)->Fetch(ImageOf(applied, transformer), login ? &*login : nullptr, go_on);
}

void StartContainer(const Effects& effects, const CodeContext& context) {
  EngineOf(effects, context.applied)->Start(SpecOf(effects, context));
}

CodeResult ExecuteContainer(const Effects& effects, const CodeContext& context) {
  StartContainer(effects, context);
  return AwaitContainer(effects, context, DeclaredOf(context.applied, context.transformer).timeout.seconds);
}

CodeResult AwaitContainer(const Effects& effects, const CodeContext& context, int64_t seconds_left) {
  return Waiting(effects, context, seconds_left).Result();
}

std::optional<ports::ContainerState> FindContainer(const Effects& effects, const Applied& applied,
                                                   const std::string& run_id) {
  auto state = EngineOf(effects, applied)->Find(ContainerNameOf(applied, run_id));
  if (!state || !state->started) return std::nullopt;
  const auto label = state->labels.find(kRunLabel);
  if (label == state->labels.end() || label->second != run_id) return std::nullopt;
  return state;
}

bool HasContainer(const Effects& effects, const Applied& applied, const std::string& run_id) {
  return FindContainer(effects, applied, run_id).has_value();
}

void RemoveContainer(const Effects& effects, const Applied& applied, const std::string& run_id) {
  try {
    EngineOf(effects, applied)->Remove(ContainerNameOf(applied, run_id), "");
  } catch (const base::Error&) {  // whoever runs next removes what is left
  }
}

void RemoveOrphanContainers(const Effects& effects, ports::Session& session, const Applied& applied) {
  if (!applied.model.environment || applied.model.environment->launcher == model::LauncherKind::kProcess) return;
  std::unique_ptr<ports::ContainerEngine> engine;
  std::vector<ports::FoundContainer> all;
  try {
    engine = EngineOf(effects, applied);
    all = engine->List(kRunLabel);
  } catch (const base::Error&) {  // a run will say it; what needs no container goes on
    return;
  }
  for (const ports::FoundContainer& found : all) {
    const auto holder = found.labels.find(kHolderLabel);
    const bool abandoned = holder != found.labels.end() && !effects.processes.MayBeAlive(holder->second);
    const std::string& run = found.labels.at(kRunLabel);
    if (found.name != ContainerNameOf(applied, run)) continue;
    if (abandoned || !session
                          .Execute({"SELECT 1 FROM yellow.run WHERE id = $1 AND state NOT IN ('preparing', "
                                    "'launched', 'finished', 'ingesting')",
                                    {run}})
                          .empty())
      RemoveContainer(effects, applied, run);
  }
}

}  // namespace yellow::run
