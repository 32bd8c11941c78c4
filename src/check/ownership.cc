#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "check/rules.h"

namespace yellow::check {
namespace {

constexpr size_t kLongestRole = 63;  // NAMEDATALEN - 1 of PostgreSQL

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

/// Zones that the Ecosystem names, and teams that their zone names, are all there are; who names none allows any.
class OwnerChecker {
 public:
  OwnerChecker(const model::Model& model, base::Diagnostics& diagnostics) : model_(model), diagnostics_(diagnostics) {}

  void Check(const model::Owner& owner, const base::SourceRange& where) {
    if (owner.zone.empty() || !seen_.insert(owner).second) return;
    const auto& zones = model_.ecosystem.zones;
    if (owner.zone != "Default" && !zones.empty() && !Names(zones, owner.zone)) {
      Unknown("GovernanceZone", owner.zone, Texts(zones), where, "name it in the Ecosystem: zones");
      return;
    }
    std::vector<model::Name> teams;
    for (const model::Team& team : model_.teams) {
      if (team.zone == owner.zone) teams.push_back({team.name, team.where});
    }
    if (owner.team.empty() || teams.empty() || Names(teams, owner.team)) return;
    Unknown("Team in zone " + owner.zone, owner.team, Texts(teams), where, "name it in the zone: teams");
  }

 private:
  static bool Names(const std::vector<model::Name>& names, const std::string& wanted) {
    return std::any_of(names.begin(), names.end(), [&](const model::Name& name) { return name.text == wanted; });
  }
  static std::vector<std::string> Texts(const std::vector<model::Name>& names) {
    std::vector<std::string> texts;
    for (const model::Name& name : names) texts.push_back(name.text);
    return texts;
  }
  void Unknown(const std::string& what, const std::string& name, const std::vector<std::string>& known,
               const base::SourceRange& where, const std::string& otherwise) {
    const std::string near = base::Suggest(name, known);
    diagnostics_.Error("Y303", where, "there is no such " + what + ": " + name,
                       near.empty() ? otherwise : "did you mean " + near + "? rename the folder");
  }

  const model::Model& model_;
  base::Diagnostics& diagnostics_;
  std::set<model::Owner> seen_;
};

void CheckOwners(const model::Model& model, base::Diagnostics& diagnostics) {
  OwnerChecker owners(model, diagnostics);
  for (const model::GovernanceZone& zone : model.zones) {
    if (zone.document.begin.line > 0) owners.Check({zone.name, ""}, zone.where);
  }
  for (const model::DataContainer& container : model.containers) owners.Check(container.owner, container.where);
  for (const model::Credential& credential : model.credentials) owners.Check(credential.owner, credential.where);
  for (const model::Datastore& store : model.datastores) owners.Check(store.owner, store.where);
  for (const model::Workspace& workspace : model.workspaces) owners.Check(workspace.owner, workspace.where);
}

/// Roles that `apply` puts into a Workspace's group; it must not hand that to everyone, to Yellow's own roles or to
/// the server's.
void CheckReaderRoles(const model::Model& model, base::Diagnostics& diagnostics) {
  const std::string prefix = (model.environment ? model.environment->role_prefix : "yellow") + "_";
  for (const model::Workspace& workspace : model.workspaces) {
    for (const model::Name& reader : workspace.readers) {
      const bool reserved = reader.text == "public" || reader.text == "none" || reader.text.starts_with("pg_");
      if (!reserved && !reader.text.starts_with(prefix) && !reader.text.empty() && reader.text.size() <= kLongestRole)
        continue;
      diagnostics.Error("Y424", reader.where, "this cannot be a reader: " + reader.text,
                        "name a role of the database's own, of at most 63 bytes; not public, and none that begins with "
                        "pg_ or " +
                            prefix);
    }
  }
}

}  // namespace

void CheckOwnership(const model::Model& model, base::Diagnostics& diagnostics) {
  CheckOwners(model, diagnostics);
  CheckReaderRoles(model, diagnostics);
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
