#include <algorithm>
#include <set>

#include "check/rules.h"

namespace yellow::check {
namespace {

void RequireCredential(const model::Model& model, const model::Name& name, base::Diagnostics& diagnostics) {
  const auto& places = model.environment->credentials;
  if (name.text.empty() || model.FindCredential(name.text) == nullptr) return;
  if (std::any_of(places.begin(), places.end(), [&](const auto& place) { return place.credential == name.text; }))
    return;
  diagnostics.Error("Y703", name.where,
                    "environment " + model.environment->name + " does not say where this secret is: " + name.text,
                    "add to the environment: credentials: {" + name.text + ": {env: " + "PREFIX}}");
}

void RequireContainer(const model::Model& model, const model::Name& name, base::Diagnostics& diagnostics) {
  if (name.text.empty() || model.FindContainer(name.text) == nullptr ||
      model.environment->FindContainer(name.text) != nullptr)
    return;
  diagnostics.Error("Y702", name.where,
                    "environment " + model.environment->name + " does not say where this container is: " + name.text,
                    "add to the environment: containers: {" + name.text + ": {host: …, port: 5432}}");
}

}  // namespace

void CheckEnvironment(const model::Model& model, base::Diagnostics& diagnostics) {
  if (!model.environment) return;
  const model::Environment& environment = *model.environment;
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
    if (environment.launcher == model::LauncherKind::kProcess && code.image && !code.process && !code.sql &&
        !code.mask) {
      diagnostics.Error("Y704", code.where, "launcher: process cannot run an image: " + code.image->image,
                        "add source with command, or use another launcher");
    }
  }
  if (environment.launcher != model::LauncherKind::kProcess) {
    diagnostics.Error("Y705", environment.where, "this version has launcher: process only", "write launcher: process");
  }
  if (environment.scheduler != model::SchedulerKind::kYellow) {
    diagnostics.Error("Y705", environment.where, "this version has scheduler: yellow only", "write scheduler: yellow");
  }
  const std::string& prefix = environment.role_prefix;
  if (prefix.empty() || prefix.size() > 20 ||
      prefix.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos || prefix.back() == '_') {
    diagnostics.Error("Y706", environment.where,
                      "role_prefix holds lower-case letters, digits and _, at most 20: " + prefix, "choose another");
  }
  for (const model::CredentialPlace& place : environment.credentials) {
    if (std::holds_alternative<model::EnvironmentSecret>(place.source) ||
        std::holds_alternative<model::FileSecret>(place.source))
      continue;
    diagnostics.Error("Y705", place.where, "this version reads secrets from env and file only: " + place.credential,
                      "mount the secret as a folder and write {file: …}");
  }
}

}  // namespace yellow::check
