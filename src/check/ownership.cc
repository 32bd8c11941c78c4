#include "check/rules.h"

namespace yellow::check {
namespace {

/// Whose things a document may use: its own team's, its zone's, the ecosystem's.
bool MayUse(const model::Owner& user, const model::Owner& owner) {
  if (owner.zone.empty()) return true;
  if (owner.zone != user.zone) return false;
  return owner.team.empty() || owner.team == user.team;
}

std::string Describe(const model::Owner& owner) {
  return owner.team.empty() ? "zone " + owner.zone : "team " + owner.team + " of zone " + owner.zone;
}

template <typename T>
void CheckUse(const T* thing, const char* what, const model::Name& name, const model::Owner& user,
              base::Diagnostics& diagnostics) {
  if (thing == nullptr || MayUse(user, thing->owner)) return;
  diagnostics.Error("Y421", name.where,
                    std::string("this ") + what + " belongs to " + Describe(thing->owner) + ": " + name.text,
                    std::string("use a ") + what + " of your own team, your zone or the ecosystem");
}

}  // namespace

void CheckOwnership(const model::Model& model, base::Diagnostics& diagnostics) {
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (snapshot == nullptr) continue;
    CheckUse(model.FindContainer(snapshot->container.text), "container", snapshot->container, store.owner, diagnostics);
    CheckUse(model.FindCredential(snapshot->credential.text), "credential", snapshot->credential, store.owner,
             diagnostics);
  }
  for (const model::Workspace& workspace : model.workspaces) {
    if (workspace.container)
      CheckUse(model.FindContainer(workspace.container->text), "container", *workspace.container, workspace.owner,
               diagnostics);
    if (!workspace.transformer) continue;
    for (const model::Name& credential : workspace.transformer->credentials) {
      CheckUse(model.FindCredential(credential.text), "credential", credential, workspace.owner, diagnostics);
    }
    const auto& mask = workspace.transformer->code.mask;
    if (mask && mask->mask_key)
      CheckUse(model.FindCredential(mask->mask_key->text), "credential", *mask->mask_key, workspace.owner, diagnostics);
  }
  for (const model::DataPlatform& platform : model.platforms) {
    const model::DataContainer* container = model.FindContainer(platform.container.text);
    if (container == nullptr || container->owner.zone.empty()) continue;
    diagnostics.Error("Y421", platform.container.where,
                      "the container of a platform belongs to the ecosystem, and this one to " +
                          Describe(container->owner) + ": " + platform.container.text,
                      "declare it in the Ecosystem");
  }
}

}  // namespace yellow::check
