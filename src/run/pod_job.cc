#include "run/pod_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "run/trust.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

constexpr const char* kData = "/tmp";  // the only place that the pod may write to
constexpr const char* kResult = "/dev/termination-log";
constexpr const char* kMounts = "/run/yellow/secrets/";
constexpr const char* kAccount = "yellow";
constexpr size_t kDigitsOfName = 16;
constexpr int64_t kMostOfLog = 16 << 20;
constexpr size_t kTailOfLog = 64 << 10;
constexpr int64_t kRequestedMemory = 128 << 20, kRequestedMillicores = 100;
constexpr std::chrono::seconds kBegins{600};  // in which a pod has a node and its image
constexpr std::chrono::milliseconds kFirstLook{5}, kLongestLook{100}, kAskWhether{1000};

/// One at a time for each node, so that who starts it twice has one pod.
std::string NameOf(const Applied& applied, const std::string& node) {
  std::string name = PrefixOf(applied) + "-job-" +
                     base::Sha256Hex(std::to_string(applied.version) + "\n" + node).substr(0, kDigitsOfName);
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// In the namespace that the engine itself is in.
std::unique_ptr<ports::ContainerEngine> ClusterOf(const Effects& effects, const Applied& applied) {
  model::Environment here = *applied.model.environment;
  here.kubernetes.name_space.clear();
  return effects.containers.Of(here);
}

/// Names of the credentials that a node needs.
std::set<std::string> CredentialsOf(const Applied& applied, const Decision& decision) {
  std::set<std::string> names;
  if (decision.action == Action::kIngest) {
    const model::Datastore* store = applied.model.FindDatastore(applied.physical.FindStream(decision.node)->store);
    if (const auto* snapshot = std::get_if<model::SqlSnapshot>(&store->capture))
      names.insert(snapshot->credential.text);
    return names;
  }
  const plan::Transformer* transformer = applied.physical.FindTransformer(decision.node);
  const model::DataTransformer& declared = *applied.model.FindWorkspace(transformer->workspace)->transformer;
  for (const model::Name& name : declared.credentials) names.insert(name.text);
  if (declared.code.mask && declared.code.mask->mask_key) names.insert(declared.code.mask->mask_key->text);
  return names;
}

/// As the pod finds them where the environment says that they are.
void GiveCredentials(const Effects& effects, const Applied& applied, const Decision& decision,
                     ports::ContainerSpec& spec) {
  const std::set<std::string> wanted = CredentialsOf(applied, decision);
  for (const model::CredentialPlace& place : applied.model.environment->credentials) {
    if (!wanted.contains(place.credential)) continue;
    const ports::CredentialValue value = effects.secrets.Read(place.credential, place.source);
    const auto give = [&](const char* variable, const char* file, const std::string& secret) {
      if (secret.empty()) return;
      if (const auto* variables = std::get_if<model::EnvironmentSecret>(&place.source))
        spec.environment[variables->prefix + variable] = secret;
      else if (const auto* mounted = std::get_if<model::KubernetesSecret>(&place.source))
        spec.files[kMounts + mounted->name + "/" + file] = secret;
    };
    give("_USER", "username", value.user);
    give("_PASSWORD", "password", value.password.Reveal());
    give("_TOKEN", "token", value.token.Reveal());
  }
}

ports::ContainerSpec SpecOf(const Effects& effects, const Applied& applied, const Decision& decision,
                            const PodProgram& program) {
  const bool transforms = decision.action == Action::kTransform;
  ports::ContainerSpec spec;
  spec.name = NameOf(applied, decision.node);
  spec.image = program.image;
  spec.command = program.command;
  for (const char* word : {"--data", kData, "job", transforms ? "transform" : "ingest"})
    spec.command.emplace_back(word);
  spec.command.push_back(decision.node);
  for (const char* word : {"--result", kResult}) spec.command.emplace_back(word);
  const std::string container = transforms ? applied.physical.FindTransformer(decision.node)->container
                                           : applied.physical.FindStream(decision.node)->container;
  for (const ports::ServiceRole role : {ports::ServiceRole::kEngine, ports::ServiceRole::kIngestOut}) {
    const ports::ConnectionTarget login = effects.endpoints.Service(container, role, "job");
    spec.files[std::string(kData) + "/secrets/" + login.user] = login.password.Reveal();
  }
  GiveCredentials(effects, applied, decision, spec);
  spec.limits.requested_memory = kRequestedMemory, spec.limits.requested_millicores = kRequestedMillicores;
  if (transforms) {  // it makes the Job of its code
    const std::string& workspace = applied.physical.FindTransformer(decision.node)->workspace;
    if (StartsContainer(applied.model, *applied.model.FindWorkspace(workspace)->transformer)) spec.account = kAccount;
  }
  spec.labels = {{"yellow.job", spec.name},
                 {"yellow.node", decision.node},
                 {"yellow.spec", base::Sha256Hex(fmt::format("{}\n{}", spec.image, fmt::join(spec.command, "\n")))}};
  return spec;
}

/// False when it has not begun in time.
bool AwaitEnd(const Effects& effects, ports::ContainerFollower& follower, const PodProgram& program,
              std::string& pending) {
  const ports::TimePoint begins_before = effects.clock.Now() + kBegins;
  ports::TimePoint asked = effects.clock.Now();
  bool began = false;
  for (auto pause = kFirstLook; !follower.Ended(); pause = std::min(pause * 2, kLongestLook)) {
    if (program.stopping()) throw base::Error("stopped", "it goes on in its pod").Retryable();
    if (!began && effects.clock.Now() - asked > kAskWhether) {
      asked = effects.clock.Now();
      pending = follower.Pending();
      began = pending.empty();
      if (!began && asked > begins_before) return false;
    }
    effects.clock.Sleep(pause);
  }
  return true;
}

JobReport Failed(const std::string& code, const std::string& reason) {
  JobReport report;
  report.state = JobState::kFailed, report.reason_code = code, report.reason = reason;
  return report;
}

/// Another engine's pod has done it.
JobReport ByAnother() {
  JobReport report;
  report.state = JobState::kBusy;
  return report;
}

JobReport ReportOf(const std::optional<ports::ContainerState>& state) {
  if (!state) return Failed("job_lost", "its pod is gone");
  if (state->failure) return Failed(state->failure->code, state->failure->reason);
  if (state->out_of_memory) return Failed("out_of_memory", "its pod took more memory than it may have");
  JobReport report;
  if (const auto word = JobStateOf(state->message))
    report.state = *word;
  else
    report = Failed("exit_status", fmt::format("it ended with exit status {}", state->exit_status));
  return report;
}

}  // namespace

JobReport WorkInPod(const Effects& effects, const Applied& applied, const Decision& decision,
                    const PodProgram& program) {
  const auto cluster = ClusterOf(effects, applied);
  const std::string name = NameOf(applied, decision.node);
  std::optional<ports::ContainerState> state = cluster->Find(name);
  if (state && !state->running) {  // of an engine that did not live to see its end
    cluster->Remove(name, state->id);
    state.reset();
  }
  const bool ours = !state && cluster->Start(SpecOf(effects, applied, decision, program));
  const std::string folder = applied.data_folder + "/jobs";
  effects.files.MakeFolder(folder, 0700);
  const std::string log = folder + "/" + name + ".log";
  const auto follower = cluster->Follow(name, log, kMostOfLog);
  std::string pending;
  bool ended = true;
  do {
    ended = AwaitEnd(effects, *follower, program, pending);
    state = cluster->Find(name);
  } while (ended && state && state->running);
  if (!ours) return ByAnother();
  if (!ended) {
    if (state) cluster->Remove(name, state->id);
    effects.reporter.Line(decision.node + ": its pod has not begun: " + pending);
    return Failed("not_started", pending);
  }
  follower->Finish();
  const JobReport report = ReportOf(state);
  std::string lines = effects.files.ReadTail(log, kTailOfLog);
  while (lines.ends_with('\n')) lines.pop_back();
  if (!lines.empty()) effects.reporter.Line(lines);
  if (!report.reason.empty()) effects.reporter.Line(decision.node + ": " + report.reason);
  if (state) cluster->Remove(name, state->id);
  return report;
}

}  // namespace yellow::run
