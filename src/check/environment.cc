#include <algorithm>
#include <map>

#include "check/receivers.h"
#include "check/rules.h"
#include "model/labels.h"
#include "model/webhook.h"

namespace yellow::check {
namespace {

void RequireContainer(const model::Model& model, const model::Name& name, base::Diagnostics& diagnostics) {
  if (name.text.empty() || model.FindContainer(name.text) == nullptr ||
      model.environment->FindContainer(name.text) != nullptr)
    return;
  diagnostics.Error("Y702", name.where,
                    "environment " + model.environment->name + " does not say where this container is: " + name.text,
                    "add to the environment: containers: {" + name.text + ": {host: …, port: 5432}}");
}

std::string Describe(const model::Owner& owner) {
  if (owner.zone.empty()) return "the ecosystem";
  return owner.team.empty() ? "zone " + owner.zone : "team " + owner.team + " of zone " + owner.zone;
}

/// Each thing has one place, and a team's file places that team's own.
class PlaceChecker {
 public:
  PlaceChecker(const char* what, base::Diagnostics& diagnostics) : what_(what), diagnostics_(diagnostics) {}

  /// `owner`: of the container or credential, or nullptr when there is no such one.
  void Check(const std::string& name, const model::Owner* owner, const model::Owner& file,
             const base::SourceRange& where) {
    const auto [other, fresh] = seen_.try_emplace(name, where);
    if (!fresh) {
      diagnostics_.Error("Y301", where, std::string("the place of this ") + what_ + " is given twice: " + name,
                         "the other is in " + other->second.file + ", line " +
                             std::to_string(other->second.begin.line) + "; keep one");
    }
    if (owner == nullptr || file.team.empty() || *owner == file) return;
    diagnostics_.Error("Y422", where,
                       std::string("this ") + what_ + " belongs to " + Describe(*owner) + ", and this file to " +
                           Describe(file) + ": " + name,
                       "say where it is in its owner's file");
  }

 private:
  const char* what_;
  base::Diagnostics& diagnostics_;
  std::map<std::string, base::SourceRange> seen_;
};

void CheckPlaces(const model::Model& model, base::Diagnostics& diagnostics) {
  PlaceChecker containers("container", diagnostics), credentials("credential", diagnostics);
  for (const model::ContainerPlace& place : model.environment->containers) {
    const model::DataContainer* container = model.FindContainer(place.container);
    containers.Check(place.container, container == nullptr ? nullptr : &container->owner, place.owner, place.where);
  }
  for (const model::CredentialPlace& place : model.environment->credentials) {
    const model::Credential* credential = model.FindCredential(place.credential);
    credentials.Check(place.credential, credential == nullptr ? nullptr : &credential->owner, place.owner, place.where);
  }
}

/// Code that is started must be there in the form that the launcher starts.
void CheckLaunched(const model::Model& model, const model::Workspace& workspace, base::Diagnostics& diagnostics) {
  const model::Environment& environment = *model.environment;
  const model::Code& code = workspace.transformer->code;
  if (code.sql || code.mask) return;
  if (environment.launcher == model::LauncherKind::kProcess && code.image && !code.process) {
    diagnostics.Error("Y704", code.where, "launcher: process cannot run an image: " + code.image->image,
                      "add source with command, or use another launcher");
  }
  if (environment.launcher == model::LauncherKind::kProcess) return;
  if (code.process && !code.image) {
    diagnostics.Error("Y704", code.where, "this launcher runs images, and this is a source: " + code.process->folder,
                      "build an image of it and add image: <name>, or use launcher: process");
  }
  if (code.image && !model::IsPinned(environment.ImageOf(code.image->image))) {
    diagnostics.Error("Y708", code.where,
                      "environment " + environment.name + " does not say which image this is: " + code.image->image,
                      "add to the environment: images: {" + code.image->image +
                          ": \"<registry>/<image>@sha256:<64 hexadecimal digits>\"}");
  }
}

/// Code on another machine needs a way to its database.
void CheckKubernetes(const model::Model& model, base::Diagnostics& diagnostics) {
  const model::Environment& environment = *model.environment;
  if (environment.jobs == model::JobsKind::kKubernetes && environment.launcher != model::LauncherKind::kKubernetes)
    diagnostics.Error("Y711", environment.jobs_where, "jobs: kubernetes needs a cluster",
                      "add launcher: kubernetes, or write jobs: process");
  if (environment.launcher != model::LauncherKind::kKubernetes) return;
  if (const std::string& path = environment.kubernetes.kubeconfig; !path.empty() && !path.starts_with('/'))
    diagnostics.Error("Y710", environment.launcher_where, "a kubeconfig is named by its whole path: " + path,
                      "write one that begins with /");
  for (const model::DataPlatform& platform : model.platforms) {
    const model::ContainerPlace* place = environment.FindContainer(platform.container.text);
    if (place == nullptr) continue;
    const auto* server = std::get_if<model::NamedServer>(&place->server);
    if (server != nullptr && !server->host.starts_with('/') && !model::IsOnThisMachine("tcp://" + server->host))
      continue;
    diagnostics.Error("Y710", environment.launcher_where,
                      "code in a pod does not reach " + platform.container.text + ", which is " +
                          (server == nullptr ? "on the private server" : "at " + server->host) + " of this machine",
                      "say where it is on the network: containers: {" + platform.container.text +
                          ": {host: <name or address>, port: 5432}}, or use launcher: docker");
  }
}

/// The code needs a way to its database, and nothing else.
void CheckDocker(const model::Model& model, base::Diagnostics& diagnostics) {
  const model::Environment& environment = *model.environment;
  if (environment.launcher != model::LauncherKind::kDocker) return;
  if (!environment.docker.socket.starts_with('/')) {
    diagnostics.Error("Y709", environment.launcher_where,
                      "an engine is reached through a unix socket of this machine: " + environment.docker.socket,
                      "write its whole path, such as /var/run/docker.sock or /run/podman/podman.sock");
  }
  if (environment.docker.pull) RequireCredential(model, *environment.docker.pull, diagnostics);
  if (environment.docker.network != "none") return;
  for (const model::DataPlatform& platform : model.platforms) {
    const model::ContainerPlace* place = environment.FindContainer(platform.container.text);
    const auto* server = place == nullptr ? nullptr : std::get_if<model::NamedServer>(&place->server);
    if (server == nullptr || server->host.starts_with('/')) continue;
    diagnostics.Error(
        "Y709", environment.launcher_where,
        "code in a container without a network does not reach " + platform.container.text + " on " + server->host,
        "name a network of the engine: launcher: {docker: {network: <name>}}, or reach the server through "
        "its unix socket: host: /var/run/postgresql");
  }
}

/// Names between slashes, none of which leads elsewhere.
bool IsVaultPath(const std::string& path) {
  constexpr std::string_view kMarks = "-_./";
  const bool plain = std::all_of(path.begin(), path.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
  return plain && !path.empty() && !path.starts_with('/') && !path.ends_with('/') &&
         path.find("..") == std::string::npos && path.find("//") == std::string::npos;
}

}  // namespace

void CheckEnvironment(const model::Model& model, base::Diagnostics& diagnostics) {
  if (!model.environment) return;
  const model::Environment& environment = *model.environment;
  CheckPlaces(model, diagnostics);
  CheckReceivers(model, diagnostics);
  for (const model::DataPlatform& platform : model.platforms) RequireContainer(model, platform.container, diagnostics);
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot == nullptr) continue;
    RequireContainer(model, snapshot->container, diagnostics);
    RequireCredential(model, snapshot->credential, diagnostics);
  }
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    for (const model::Name& credential : workspace.transformer->credentials)
      RequireCredential(model, credential, diagnostics);
    const model::Code& code = workspace.transformer->code;
    if (code.mask && code.mask->mask_key) RequireCredential(model, *code.mask->mask_key, diagnostics);
    CheckLaunched(model, workspace, diagnostics);
  }
  CheckDocker(model, diagnostics);
  CheckKubernetes(model, diagnostics);
  const std::string& prefix = environment.role_prefix;
  if (prefix.empty() || prefix.size() > 20 ||
      prefix.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos || prefix.back() == '_') {
    diagnostics.Error("Y706", environment.role_prefix_where,
                      "role_prefix holds lower-case letters, digits and _, at most 20: " + prefix, "choose another");
  }
  for (const model::CredentialPlace& place : environment.credentials) {
    if (std::holds_alternative<model::EnvironmentSecret>(place.source) ||
        std::holds_alternative<model::FileSecret>(place.source))
      continue;
    if (const auto* secret = std::get_if<model::KubernetesSecret>(&place.source)) {
      if (!model::IsLabelValue(secret->name))
        diagnostics.Error("Y217", place.where, "this is not the name of a Secret: " + secret->name,
                          "write at most 63 small letters, digits and -");
      continue;
    }
    const std::string& path = std::get<model::VaultSecret>(place.source).path;
    if (!IsVaultPath(path))
      diagnostics.Error("Y705", place.where, "this is not a path of a vault: " + path,
                        "write what stands behind /v1/, such as secret/data/shop-reader");
  }
}

}  // namespace yellow::check
