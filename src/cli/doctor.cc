#include "run/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

#include "access/audit_doctor.h"
#include "access/log_doctor.h"
#include "base/error.h"
#include "cli/audit_place.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/views/doctor_view.h"
#include "run/notice_delivery.h"
#include "run/space.h"

namespace yellow::cli {
namespace {

constexpr const char* kNobody = "none of Yellow's logins gets into the merge database";

/// Collects the findings of one call of the command.
class Doctoring {
 public:
  Doctoring(const Program& program, const Options& options)
      : program_(program), project_(OpenProject(program, options)), reporter_(program.err) {
    if (!project_.loaded.model.environment) RequireNoErrors(program, project_);
    servers_ = program.open_servers(project_.loaded.model, project_.data);
    effects_.emplace(EffectsOf(program, *servers_, reporter_));
  }

  /// True when every merge database could be reached.
  bool Look() {
    LookAtFiles();
    const std::vector<std::string> containers = MergeContainersOf(project_);
    Prepare(containers);
    bool reached = true;
    for (const std::string& container : containers) reached &= LookAtMerge(container);
    LookAtSources();
    const model::Environment& environment = *project_.loaded.model.environment;
    Add(run::ExamineHandedOn(*effects_, Newest(), environment));
    LookAtReceivers(environment);
    findings_.push_back(run::ExamineDataFolder(*effects_, project_.data));
    findings_.push_back(run::ExamineLauncher(*effects_, program_.actor, Newest(), environment));
    return reached;
  }

  plan::Findings findings() const { return Ordered(findings_); }
  const Project& project() const { return project_; }

 private:
  void Add(plan::Findings findings) { std::move(findings.begin(), findings.end(), std::back_inserter(findings_)); }

  void LookAtFiles() {
    size_t errors = 0;
    for (const base::Diagnostic& item : project_.loaded.diagnostics.items())
      errors += item.severity == base::Severity::kError;
    if (errors > 0) {
      findings_.push_back({"model/files", plan::Health::kProblem, "model_errors",
                           fmt::format("the files of the model have {} {}", errors, errors == 1 ? "error" : "errors"),
                           "yellow lint shows every one with its place and remedy"});
    } else {
      findings_.push_back(plan::Well("model/files"));
      from_files_.emplace(Compile(project_.files, project_.environment, project_.root, 0, project_.digest));
    }
    LookAtScopes();
  }

  /// Those that let nobody in, which nobody may notice before they are needed.
  void LookAtScopes() {
    if (project_.loaded.model.scopes.empty()) return;
    const std::set<std::string> codes{"Y439", "Y440", "Y441"};
    plan::Finding finding = plan::Well("model/scopes");
    for (const base::Diagnostic& item : project_.loaded.diagnostics.items()) {
      if (!codes.contains(item.code)) continue;
      finding.health = plan::Health::kWarning, finding.code = item.code;
      finding.text += (finding.text.empty() ? "" : "; ") + item.message;
      finding.remedy = "yellow lint shows each with its remedy";
    }
    findings_.push_back(std::move(finding));
  }

  void Prepare(const std::vector<std::string>& merge) {
    const std::vector<std::string> sources = SourceContainers(project_.loaded.model);
    for (const auto& [what, some_merge, some_sources] :
         {std::tuple("merge", merge, std::vector<std::string>()), {"sources", {}, sources}}) {
      try {
        servers_->Prepare(some_merge, some_sources);
      } catch (const base::Error& error) {
        findings_.push_back(
            {std::string("server/") + what, plan::Health::kProblem, error.code, error.what(), error.remedy});
      }
    }
  }

  bool LookAtMerge(const std::string& container) {
    try {
      const ports::ConnectionInfo info = servers_->Describe(container);
      const run::MergePlace place{info, project_.loaded.model.environment->role_prefix, AdministratorOf(info)};
      run::Logins logins = run::TryLogins(*effects_, place);
      Add(std::move(logins.findings));
      Add(run::ExamineDisks(*effects_, logins.session.get(), place));
      if (logins.session == nullptr) {
        findings_.push_back({"server/" + container, plan::Health::kProblem, "unreachable", kNobody, "see credentials"});
        for (const char* group :
             {"model/", "clocks/", "connections/", "locks/", "roles/", "grants/", "logins/", "leases/"})
          findings_.push_back(plan::Skipped(group + container, kNobody));
        return false;
      }
      LookInside(*logins.session, place);
      return true;
    } catch (const base::Error& error) {
      findings_.push_back({"server/" + container, plan::Health::kProblem, error.code, error.what(), error.remedy});
      return false;
    }
  }

  void LookInside(ports::Session& session, const run::MergePlace& place) {
    run::FoundModel found = run::FindModel(session, place, project_.digest);
    Add(std::move(found.findings));
    Add(run::ExamineServer(*effects_, session, place, *project_.loaded.model.environment));
    if (found.stored) applied_.push_back(CompileStored(project_, place.info.container, *found.stored));
    Add(run::ExamineAccess(*effects_, session, place, found.stored ? &applied_.back() : nullptr));
    if (found.stored) Add(run::ExamineSpace(session, place));
    if (found.stored)
      Add(access::ExamineAudit(AuditEffectsOf(program_, *servers_), AuditPlaceOf(project_, place.info.container)));
    if (found.stored && !applied_.back().model.scopes.empty())
      Add(access::ExamineServerLog(session, program_.server_log,
                                   {place.info.container, project_.loaded.model.environment->role_prefix,
                                    ServerLogFolder(project_, place.info), place.info.embedded}));
  }

  /// Nothing is posted: a receiver would tell people of what is not.
  void LookAtReceivers(const model::Environment& environment) {
    const auto wrong = run::Unreachable(*effects_, {environment.name, environment.receivers, environment.credentials});
    for (const model::NoticeReceiver& receiver : environment.receivers) {
      const std::string key = "notify/" + receiver.name;
      const auto found = wrong.find(receiver.name);
      findings_.push_back(
          found == wrong.end()
              ? plan::Well(key)
              : plan::Finding{key, plan::Health::kProblem,
                              std::holds_alternative<model::Mail>(receiver.channel) ? "mail.login" : "webhook.url",
                              found->second,
                              "see notify: in environments/" + environment.name +
                                  ".yaml; nobody is told of anything there until it is right"});
    }
  }

  /// How somebody who may do everything gets in: the private server's superuser by the name of the system's user.
  plan::Administrator AdministratorOf(const ports::ConnectionInfo& info) {
    if (!info.embedded) return {};
    const ports::ConnectionTarget super = servers_->Service(info.container, ports::ServiceRole::kSuperuser, "doctor");
    return {fmt::format("psql -h {} -p {} -U {} -d {}", info.host, info.port, super.user, info.database)};
  }

  /// What is applied, or as the files have it.
  const model::Model& Newest() const { return applied_.empty() ? project_.loaded.model : applied_.front().model; }

  void LookAtSources() {
    for (const run::Applied& applied : applied_)
      Add(run::ExamineSources(*effects_, applied.model, applied.physical.streams));
    if (!applied_.empty()) return;
    if (from_files_) {
      Add(run::ExamineSources(*effects_, from_files_->model, from_files_->physical.streams));
    } else {
      findings_.push_back(plan::Skipped("sources", "the files have errors, and the applied model is not known"));
    }
  }

  const Program& program_;
  const Project project_;
  PrintingReporter reporter_;
  std::unique_ptr<ports::Servers> servers_;
  std::optional<run::Effects> effects_;
  std::optional<run::Applied> from_files_;
  std::vector<run::Applied> applied_;
  plan::Findings findings_;
};

}  // namespace

int Doctor(const Program& program, const Options& options) {
  Doctoring doctoring(program, options);
  const bool reached = doctoring.Look();
  const plan::Findings findings = doctoring.findings();
  program.out << (options.json
                      ? Printed(DoctorRecord().List(findings))
                      : fmt::format("Environment {}\n", doctoring.project().environment) + DoctorText(findings));
  if (!reached) return kFailed;
  const bool problem = std::any_of(findings.begin(), findings.end(),
                                   [](const plan::Finding& f) { return f.health == plan::Health::kProblem; });
  return problem ? kFindings : kDone;
}

}  // namespace yellow::cli
