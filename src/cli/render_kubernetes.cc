#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/deploy_json.h"
#include "model/labels.h"
#include "model/networks.h"
#include "render/kubernetes.h"

namespace yellow::cli {
namespace {

constexpr const char* kProjectInImage = "/srv/project";

/// Something of the environment that a pod has no use for.
base::Error Unfit(const Project& project, const std::string& what) {
  return base::UsageError("environment " + project.environment + ": " + what);
}

void ReadCredential(const Project& project, const model::CredentialPlace& place, render::KubernetesPlatform& platform) {
  if (const auto* variables = std::get_if<model::EnvironmentSecret>(&place.source)) {
    for (const char* end : {"_PASSWORD", "_TOKEN", "_USER"}) platform.variables.push_back(variables->prefix + end);
  } else if (const auto* secret = std::get_if<model::KubernetesSecret>(&place.source)) {
    platform.secrets.push_back(secret->name);
  } else if (const auto* file = std::get_if<model::FileSecret>(&place.source)) {
    throw Unfit(project, "credential " + place.credential + " is in a file, which is in no pod: " + file->path)
        .Remedy("name a Secret: " + place.credential + ": {kubernetes: <secret>}, or variables: {env: PREFIX}");
  }
}

/// Certificates lie in the project, which is in the image.
void RequireCertificatesInside(const Project& project, const model::Environment& environment) {
  for (const model::ContainerPlace& place : environment.containers) {
    const auto* server = std::get_if<model::NamedServer>(&place.server);
    if (server == nullptr || server->ca.empty() || server->ca.starts_with(project.root + "/")) continue;
    throw Unfit(project, "the certificates of container " + place.container + " are in no pod: " + server->ca)
        .Remedy("put the file into the project, and name it from there: ca: environments/ca.crt");
  }
}

/// The databases that code is run against.
void ReadWays(const Project& project, const model::Environment& environment, render::KubernetesPlatform& platform) {
  for (const model::DataPlatform& one : project.loaded.model.platforms) {
    const model::ContainerPlace* place = environment.FindContainer(one.container.text);
    const auto* server = place == nullptr ? nullptr : std::get_if<model::NamedServer>(&place->server);
    if (server == nullptr) continue;  // lint has said it
    render::KubernetesPlatform::Way way{environment.kubernetes.database_networks, server->port, false};
    const std::string network = model::NetworkOf(server->host);
    if (!network.empty()) way.networks = {network};
    way.by_name = network.empty();
    if (way.networks.empty())
      throw Unfit(project, "nothing says in which network " + one.container.text + " is: " + server->host)
          .Remedy(
              "add to the launcher what code may reach: launcher: {kubernetes: {database_networks: "
              "[\"10.20.0.0/16\"]}}");
    platform.ways.push_back(std::move(way));
  }
}

void RequireName(const std::string& what, const std::string& name, const std::string& kind = "namespace") {
  const bool lower = std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!model::IsLabelValue(name) || !lower || name.find_first_of("_.") != std::string::npos)
    throw base::UsageError(what + " is no name of a " + kind + ": " + name)
        .Remedy("write small letters, digits and -, at most 63");
}

render::KubernetesPlatform PlatformOf(const Project& project, const RenderKubernetesOptions& render) {
  const model::Environment environment = project.loaded.model.environment.value_or(model::Environment{});
  if (environment.launcher != model::LauncherKind::kKubernetes)
    throw Unfit(project, "its code does not run in a cluster")
        .Remedy("write launcher: {kubernetes: {namespace: <of the code>}}");
  const model::KubernetesLauncher& launcher = environment.kubernetes;
  if (!launcher.kubeconfig.empty() || !launcher.context.empty())
    throw Unfit(project, "a kubeconfig of this machine is in no pod: " + launcher.kubeconfig)
        .Remedy("leave kubeconfig and context out: a pod has a service account");
  if (launcher.name_space.empty() || launcher.name_space == render.name_space)
    throw Unfit(project, "code runs in a namespace of its own, apart from the engine's, " + render.name_space)
        .Remedy("write launcher: {kubernetes: {namespace: <of the code>}}");
  RequireName("--namespace", render.name_space);
  if (!render.audit_claim.empty()) RequireName("--audit-claim", render.audit_claim, "claim");
  RequireName("namespace: of the launcher", launcher.name_space);
  if (!model::IsPinned(render.image))
    throw base::UsageError("this image is not pinned to a digest: " + render.image)
        .Remedy("write --image <registry>/<image>@sha256:<64 hexadecimal digits>");
  render::KubernetesPlatform platform;
  platform.name_space = render.name_space, platform.code_name_space = launcher.name_space;
  platform.image = render.image, platform.project = kProjectInImage, platform.environment = project.environment;
  platform.jobs_in_pods = environment.jobs == model::JobsKind::kKubernetes;
  platform.audit_claim = render.audit_claim;
  platform.replicas = render.replicas, platform.grace_seconds = render.grace_seconds;
  for (const model::CredentialPlace& place : environment.credentials) ReadCredential(project, place, platform);
  for (auto* list : {&platform.variables, &platform.secrets}) {
    std::sort(list->begin(), list->end());
    list->erase(std::unique(list->begin(), list->end()), list->end());
  }
  for (const model::Scope& scope : project.loaded.model.scopes)
    if (scope.kind == model::ScopeKind::kKubernetes) platform.lent.push_back({scope.object, scope.role});
  RequireCertificatesInside(project, environment);
  ReadWays(project, environment, platform);
  return platform;
}

}  // namespace

int RenderKubernetes(const Program& program, const Options& options, const RenderKubernetesOptions& render) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const std::vector<render::Manifest> manifests = render::KubernetesManifests(PlatformOf(project, render));
  std::vector<RenderedFile> files;
  for (const render::Manifest& manifest : manifests) {
    if (!render.folder.empty())
      program.files.WriteAtomically(AbsolutePath(program, render.folder) + "/" + manifest.file, manifest.text, false);
    files.push_back({manifest.file, render.folder.empty() ? "printed" : "written", manifest.text});
  }
  if (options.json) {
    program.out << Printed(RenderedFileRecord().List(files));
  } else if (render.folder.empty()) {
    // One stream for kubectl apply -f -; a kustomization is none of its objects.
    for (const RenderedFile& file : files)
      if (file.name != "kustomization.yaml") program.out << "---\n" << file.text;
  } else {
    program.out << "Wrote " << files.size() << " files to " << render.folder
                << "\nNext: make the Secrets yellow-logins and yellow-credentials in namespace " << render.name_space
                << ", then: kubectl apply -k " << render.folder << "\n";
  }
  return kDone;
}

}  // namespace yellow::cli
