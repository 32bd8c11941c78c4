#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/deploy_json.h"
#include "render/systemd.h"

namespace yellow::cli {
namespace {

/// A unit is lines of words: no path or name of it may break one.
void RequireOneLine(const std::string& what, const std::string& text) {
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    throw base::UsageError(what + " holds a control character, which a unit of systemd cannot");
}

void SortOnce(std::vector<std::string>& words) {
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
}

/// The variables that the environment's credentials and webhooks are read from. Those of tokens are asked for when they
/// are there.
std::vector<std::string> VariablesOf(const model::Environment& environment) {
  std::vector<std::string> variables;
  for (const model::CredentialPlace& place : environment.credentials) {
    const auto* secret = std::get_if<model::EnvironmentSecret>(&place.source);
    if (secret == nullptr) continue;
    for (const char* end : {"_USER", "_PASSWORD"}) variables.push_back(secret->prefix + end);
  }
  for (const model::NoticeReceiver& receiver : environment.receivers) {
    const auto* webhook = std::get_if<model::WebhookUrl>(&receiver.channel);
    const auto* named = webhook == nullptr ? nullptr : std::get_if<model::UrlInVariable>(webhook);
    if (named != nullptr) variables.push_back(named->variable);
  }
  SortOnce(variables);
  return variables;
}

/// What the audit log's anchors are written to: the folder that a file lies in, a repository.
std::vector<std::string> AnchoredIn(const model::Environment& environment, const std::string& project) {
  std::vector<std::string> folders;
  const auto whole = [&](const std::string& path) { return path.starts_with('/') ? path : project + "/" + path; };
  for (const model::AnchorTarget& target : environment.audit.anchors) {
    if (const auto* git = std::get_if<model::GitAnchor>(&target)) folders.push_back(whole(git->folder));
    if (const auto* file = std::get_if<model::FileAnchor>(&target)) {
      const std::string path = whole(file->path);
      folders.push_back(path.substr(0, std::max<size_t>(path.rfind('/'), 1)));
    }
  }
  SortOnce(folders);
  return folders;
}

render::SystemdService ServiceOf(const Program& program, const Project& project, const RenderSystemdOptions& render) {
  const std::string& user = render.user.empty() ? program.actor.person : render.user;
  const model::Environment environment = project.loaded.model.environment.value_or(model::Environment{});
  const bool private_server = std::any_of(
      environment.containers.begin(), environment.containers.end(),
      [](const model::ContainerPlace& place) { return std::holds_alternative<model::EmbeddedServer>(place.server); });
  render::SystemdService service{render::SystemdName(project.root),
                                 program.executable,
                                 project.root,
                                 project.environment,
                                 project.data,
                                 user == "root" ? "" : user,
                                 render.listen,
                                 render.grace_seconds,
                                 private_server,
                                 VariablesOf(environment),
                                 render.sessions,
                                 AnchoredIn(environment, project.root)};
  for (const std::string& folder : service.anchored) RequireOneLine("the path of an anchor", folder);
  for (const auto& [what, text] :
       {std::pair("the path of the program", service.program), std::pair("the path of the project", service.project),
        std::pair("the name of the environment", service.environment), std::pair("the path of the data", service.data),
        std::pair("--user", service.user), std::pair("--listen", service.listen)})
    RequireOneLine(what, text);
  return service;
}

/// What a unit gives up so that sessions can be enclosed; to be known before it is installed.
std::string WhatSessionsTake(const render::SystemdService& service) {
  if (!service.sessions) return "";
  if (service.user.empty())
    return "note: for sessions it keeps CAP_SYS_ADMIN and CAP_NET_ADMIN and may make namespaces: whoever takes the "
           "service over has the machine\n";
  return "note: for sessions it may make namespaces of users, and sees /proc whole: a fault of the kernel there is "
         "within its reach; a session reads what this user reads in the system's folders\n";
}

}  // namespace

int RenderSystemd(const Program& program, const Options& options, const RenderSystemdOptions& render) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const render::SystemdService service = ServiceOf(program, project, render);
  const std::string text = render::SystemdUnit(service);
  const std::string file = service.name + ".service";
  if (!render.folder.empty())
    program.files.WriteAtomically(AbsolutePath(program, render.folder) + "/" + file, text, false);
  program.err << WhatSessionsTake(service);
  if (options.json) {
    program.out << Printed(RenderedFileRecord().List(
        std::vector<RenderedFile>{{file, render.folder.empty() ? "printed" : "written", text}}));
  } else if (render.folder.empty()) {
    program.out << text;
  } else {
    program.out << "Wrote " << render.folder << "/" << file << "\nNext: ";
    if (!service.variables.empty()) program.out << "write " << render::SystemdSecrets(service.name) << " (mode 0600), ";
    program.out << "put it into /etc/systemd/system, then: systemctl daemon-reload && systemctl enable --now " << file
                << "\n";
  }
  return kDone;
}

}  // namespace yellow::cli
