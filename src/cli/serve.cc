#include <cstdlib>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>

#include "access/audit_thread.h"
#include "base/error.h"
#include "cli/access_service.h"
#include "cli/audit_place.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/deploy_json.h"
#include "cli/views/status_view.h"
#include "run/serve.h"

namespace yellow::cli {
namespace {

constexpr std::chrono::milliseconds kLookForStop{100};

/// Lines of jobs that run at once, each with its time.
class TimedReporter : public run::Reporter {
 public:
  TimedReporter(ports::Clock& clock, std::ostream& out, bool json) : clock_(clock), out_(out), json_(json) {}
  void Line(const std::string& text) override {
    const std::lock_guard lock(mutex_);
    const std::string at = Rfc3339(clock_.Now());
    out_ << (json_ ? PrintedInLine(ServeLineRecord().Write({at, text})) : at + " " + text + "\n") << std::flush;
  }

 private:
  std::mutex mutex_;
  ports::Clock& clock_;
  std::ostream& out_;
  bool json_;
};

/// Serves one merge database; what ends it for good is said, and asks the others to end too.
struct Served {
  bool all_ended = true;
  bool failed = false;
};

Served ServeOne(const Program& program, const Project& project, Engines& engines, const std::string& container,
                const run::Effects& effects, const run::ServeOptions& options, bool audits) {
  const run::ServeHooks hooks{[&] { engines.servers->Revive(container); },
                              [&](ports::Session& session) {
                                const auto stored = run::LoadApplied(session);
                                if (!stored)
                                  throw base::Error("not_applied", "no model was applied yet to " + container);
                                return CompileStored(project, container, *stored);
                              }};
  const access::AuditEffects audit = AuditEffectsOf(program, *engines.servers);
  std::optional<access::AuditThread> audit_log;
  if (audits)
    audit_log.emplace(audit, program.clock, AuditPlaceOf(project, container),
                      [&](const std::string& line) { effects.reporter.Line(container + ": " + line); });
  Served served;
  try {
    served.all_ended = run::Serve(effects, program.actor, container, hooks, options, program.stop, program.watch);
  } catch (const base::Error& error) {
    effects.reporter.Line(container + ": " + base::Describe(error));
    served.failed = true;
  }
  return served;
}

/// How a pod of this very program is started, with this project.
run::PodProgram PodOf(const Program& program, const Project& project, const model::Environment& environment) {
  run::PodProgram pod{program.variable("YELLOW_IMAGE"),
                      {"yellow", "--project", project.root, "--environment", project.environment},
                      [&program] { return program.stop.Asked(); }};
  if (environment.jobs == model::JobsKind::kKubernetes && pod.image.empty())
    throw base::UsageError("jobs: kubernetes needs to know which image this is, and YELLOW_IMAGE is not set")
        .Remedy("run it as yellow render kubernetes says, or write jobs: process");
  return pod;
}

/// Says that the end has begun as soon as it was asked for; jobs may take their time.
void TellSupervisor(const Program& program, const std::stop_token& ended) {
  while (!program.stop.Asked() && !ended.stop_requested()) std::this_thread::sleep_for(kLookForStop);
  if (program.stop.Asked()) program.supervisor.Stopping();
}

/// Without a door access goes on to end when it has to; only a door that somebody has named has to open.
void OpenDoor(AccessService& access, const Program& program, const Project& project, const ServeOptions& serve,
              run::Reporter& reporter) {
  if (!serve.socket.empty()) {
    access.Listen(AbsolutePath(program, serve.socket));
    return;
  }
  try {
    access.Listen(DefaultSocket(project));
  } catch (const base::Error& error) {
    reporter.Line(std::string("yellow access does not reach this service: ") + error.what());
  }
}

}  // namespace

int Serve(const Program& program, const Options& options, const ServeOptions& serve) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  TimedReporter reporter(program.clock, program.out, options.json);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  const model::Environment environment = project.loaded.model.environment.value_or(model::Environment{});
  const run::ServeOptions limits{environment.max_jobs, environment.max_connections,
                                 std::chrono::seconds(serve.grace_seconds), PodOf(program, project, environment)};
  program.stop.Watch();
  if (!serve.listen.empty()) {
    reporter.Line("Health and metrics: http://" + program.watch.Listen(serve.listen) + "/healthz, /readyz, /metrics");
  }
  std::vector<std::string> containers;
  for (const Engine& engine : engines.engines) containers.push_back(engine.container);
  AccessService access(program, project, *engines.servers, containers, reporter);
  OpenDoor(access, program, project, serve, reporter);
  if (environment.access) {
    access.Listen(*environment.access);
    reporter.Line("Access with tokens of " + environment.access->issuer + ": http://" + environment.access->listen +
                  "/v1/access/");
  }
  program.supervisor.Ready();
  std::vector<Served> served(engines.engines.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < engines.engines.size(); ++i) {
    engines.engines[i].session.reset();
    threads.emplace_back([&, i] {
      served[i] = ServeOne(program, project, engines, engines.engines[i].container, effects, limits, !serve.no_audit);
    });
  }
  std::jthread teller([&](const std::stop_token& ended) { TellSupervisor(program, ended); });
  for (std::thread& thread : threads) thread.join();
  teller.request_stop();
  bool all_ended = true, failed = false;
  for (const Served& one : served) all_ended = all_ended && one.all_ended, failed = failed || one.failed;
  reporter.Line(all_ended ? "Stopped."
                          : "Stopped; what was under way goes on with the next 'yellow serve' or 'yellow run'.");
  // Jobs that have not ended in time end with the process, at whatever point they are, as in a crash.
  if (!all_ended) std::quick_exit(failed ? kFailed : kDone);
  return failed ? kFailed : kDone;
}

}  // namespace yellow::cli
