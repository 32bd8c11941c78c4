#include "plan/plan.h"

#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/progress.h"
#include "cli/saved_plan.h"
#include "cli/views/deploy_json.h"
#include "run/apply.h"
#include "run/observe.h"
#include "run/trust.h"

namespace yellow::cli {
namespace {

/// The plan for one container, and what it would make true.
struct Prepared {
  std::string container;
  run::Applied candidate;
  plan::Plan plan;
};

struct AllPlans {
  Project project;
  std::unique_ptr<ports::Servers> servers;
  std::vector<Prepared> plans;
};

AllPlans PrepareAll(const Program& program, const Options& options) {
  AllPlans all{OpenProject(program, options), nullptr, {}};
  RequireNoErrors(program, all.project);
  all.servers = program.open_servers(all.project.loaded.model, all.project.data);
  const run::Applied whole =
      Compile(all.project.files, all.project.environment, all.project.root, 0, all.project.digest);
  const std::vector<std::string> containers = MergeContainers(whole.model, whole.physical);
  all.servers->Prepare(containers, {});
  for (const std::string& container : containers) {
    Prepared prepared{container, InContainer(whole, container), {}};
    const auto session = program.connector.Open(all.servers->Service(container, ports::ServiceRole::kMigrator, "plan"));
    session->Execute("SET ROLE " +
                     sql::Identifier::Quote(sql::Roles(whole.model.environment->role_prefix).Owner()).text());
    const std::string& prefix = whole.model.environment->role_prefix;
    prepared.plan = plan::Difference(plan::Want(prepared.candidate.physical, prefix), run::Observe(*session, prefix),
                                     all.project.digest);
    all.plans.push_back(std::move(prepared));
  }
  return all;
}

void PrintHeading(std::ostream& out, AllPlans& all, const Prepared& prepared) {
  const ports::ConnectionInfo info = all.servers->Describe(prepared.container);
  out << fmt::format("Environment {}, container {}: database {} at {}\n", all.project.environment, prepared.container,
                     info.database,
                     info.embedded ? "the private PostgreSQL" : info.host + ":" + std::to_string(info.port));
}

void SayWhomToTrust(const Program& program, const run::Applied& candidate) {
  std::vector<std::string> workspaces;
  for (const plan::Transformer& transformer : candidate.physical.transformers) {
    if (run::StartsProcess(candidate.model, *candidate.model.FindWorkspace(transformer.workspace)->transformer))
      workspaces.push_back(transformer.workspace);
  }
  const std::string notice = run::TrustNotice(program.processes, program.actor, workspaces);
  if (!notice.empty()) program.out << notice << "\n";
}

void RequireDoable(const Program& program, const Prepared& prepared, bool allow_destroy) {
  if (prepared.plan.diagnostics.has_errors()) {
    program.err << base::Render(prepared.plan.diagnostics, {});
    throw ModelHasErrors{"The model cannot be made of this database; nothing was done.", prepared.plan.diagnostics};
  }
  for (const plan::Step& step : prepared.plan.steps) {
    if (step.destroys && !allow_destroy) {
      throw base::Error("destroys", "a step would destroy data: " + step.kind + " " + step.address + ", " + step.reason)
          .Remedy("if that is meant: yellow apply --allow-destroy");
    }
  }
}

/// A saved plan is the fingerprints of what was shown, by container.
void RequireSame(const Program& program, const AllPlans& all, const std::string& path) {
  const auto text = program.files.Read(AbsolutePath(program, path));
  if (!text) throw base::UsageError("there is no such plan: " + path);
  for (const Prepared& prepared : all.plans) {
    if (SavedFingerprint(*text, prepared.container) != plan::Fingerprint(prepared.plan))
      throw base::Error("stale_plan", "the plan is stale: model or database are not what they were: " + path)
          .Remedy("make a new one: yellow plan -o FILE");
  }
}

}  // namespace

int Plan(const Program& program, const Options& options, const PlanOptions& plan) {
  AllPlans all = PrepareAll(program, options);
  Json list = Json::array();
  bool findings = false;
  for (const Prepared& prepared : all.plans) {
    list.push_back(PlannedContainerRecord().Write(
        {all.project.environment, all.servers->Describe(prepared.container), prepared.plan}));
    findings |= prepared.plan.diagnostics.has_errors();
    if (options.json) continue;
    PrintHeading(program.out, all, prepared);
    program.out << (prepared.plan.empty() && prepared.plan.diagnostics.empty()
                        ? "Nothing to do: the database is what the model says.\n"
                        : plan::ToText(prepared.plan));
    program.out << base::Render(prepared.plan.diagnostics, {});
    SayWhomToTrust(program, prepared.candidate);
  }
  if (options.json) program.out << Printed(list);
  if (!plan.file.empty()) program.files.WriteAtomically(AbsolutePath(program, plan.file), Printed(list), false);
  return findings ? kFindings : kDone;
}

std::vector<AppliedContainer> ApplyAll(const Program& program, const Options& options, const PlanOptions& plan) {
  AllPlans all = PrepareAll(program, options);
  if (!plan.file.empty()) RequireSame(program, all, plan.file);
  for (const Prepared& prepared : all.plans) RequireDoable(program, prepared, plan.allow_destroy);
  std::ostream& out = Narration(program, options);
  ProgressReporter reporter(program, out);
  const run::Effects effects = EffectsOf(program, *all.servers, reporter);
  std::vector<AppliedContainer> done;
  for (const Prepared& prepared : all.plans) {
    PrintHeading(out, all, prepared);
    done.push_back(
        {all.project.environment, all.servers->Describe(prepared.container), false, prepared.plan.base_version, 0});
    if (prepared.plan.empty()) {
      out << "Nothing to do: the database is what the model says.\n";
      continue;
    }
    if (!plan.brief) out << plan::ToText(prepared.plan) << std::flush;
    const run::ApplyReport report =
        run::Apply(effects, program.actor, prepared.container, prepared.candidate.model.environment->role_prefix,
                   prepared.candidate, prepared.plan);
    out << fmt::format("Applied: model version {}, {} steps\n", report.model_version, report.steps);
    done.back().changed = true;
    done.back().model_version = report.model_version, done.back().steps = report.steps;
  }
  return done;
}

int Apply(const Program& program, const Options& options, const PlanOptions& plan) {
  const std::vector<AppliedContainer> done = ApplyAll(program, options, plan);
  if (options.json) program.out << Printed(AppliedContainerRecord().List(done));
  return kDone;
}

}  // namespace yellow::cli
