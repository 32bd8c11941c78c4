#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "check/rules.h"

// Where data may be: declared vendors and locations, and what a governance zone's policies allow; each covers what lies
// below it.
namespace yellow::check {
namespace {

using Names = std::vector<std::string>;

bool LiesIn(const std::string& place, const std::string& area) {
  return place == area || place.starts_with(area + "/");
}

// ---- Names
// -----------------------------------------------------------------------------------------------------------

void Unknown(const char* what, const model::Name& name, const Names& known, base::Diagnostics& diagnostics) {
  const std::string near = base::Suggest(name.text, known);
  std::string list;
  for (const std::string& word : known) list += (list.empty() ? "" : ", ") + word;
  diagnostics.Error("Y303", name.where, std::string("there is no such ") + what + ": " + name.text,
                    !near.empty()  ? "did you mean " + near + "?"
                    : list.empty() ? "there is none yet; declare it in the Ecosystem"
                                   : "there are: " + list);
}

/// Vendors and locations that the Ecosystem declares, as `Vendor:Location`.
Names DeclaredLocations(const model::Ecosystem& ecosystem) {
  Names all;
  for (const model::Vendor& vendor : ecosystem.vendors) {
    for (const std::string& location : vendor.locations) all.push_back(vendor.name + ":" + location);
  }
  return all;
}

void CheckContainerLocations(const model::Model& model, base::Diagnostics& diagnostics) {
  const Names declared = DeclaredLocations(model.ecosystem);
  for (const model::DataContainer& container : model.containers) {
    for (const model::VendorLocation& location : container.locations) {
      const std::string place = location.vendor + ":" + location.location;
      if (std::find(declared.begin(), declared.end(), place) == declared.end())
        Unknown("location", {place, location.where}, declared, diagnostics);
    }
  }
}

/// Names in a policy that nothing in the ecosystem is called.
void CheckPolicyNames(const model::AllowList& policy, const char* what, const Names& known,
                      base::Diagnostics& diagnostics) {
  for (const auto* list : {&policy.allowed, &policy.forbidden}) {
    for (const model::Name& name : *list) {
      if (std::none_of(known.begin(), known.end(), [&](const std::string& one) { return LiesIn(one, name.text); }))
        Unknown(what, name, known, diagnostics);
    }
  }
}

void CheckPolicies(const model::Model& model, const model::GovernanceZone& zone, base::Diagnostics& diagnostics) {
  Names vendors, clouds, platforms;
  for (const model::Vendor& vendor : model.ecosystem.vendors) {
    vendors.push_back(vendor.name);
    if (!vendor.cloud.empty()) clouds.push_back(vendor.cloud);
  }
  for (const model::DataPlatform& platform : model.platforms) platforms.push_back(platform.name);
  const model::Policies& policies = zone.policies;
  CheckPolicyNames(policies.platforms, "platform", platforms, diagnostics);
  if (vendors.empty()) {
    for (const model::AllowList* policy : {&policies.locations, &policies.vendors, &policies.clouds}) {
      for (const auto* list : {&policy->allowed, &policy->forbidden}) {
        if (list->empty()) continue;
        diagnostics.Error("Y509", list->front().where,
                          "without vendors no policy on places can be declared: " + list->front().text,
                          "declare them in the Ecosystem: vendors");
      }
    }
    return;
  }
  CheckPolicyNames(policies.locations, "location", DeclaredLocations(model.ecosystem), diagnostics);
  CheckPolicyNames(policies.vendors, "vendor", vendors, diagnostics);
  CheckPolicyNames(policies.clouds, "cloud", clouds, diagnostics);
}

// ---- What the policies refuse
// ------------------------------------------------------------------------------------------

/// True when some forbidden name covers the thing, or there are allowed names and none does.
template <typename Covers>
bool Refuses(const model::AllowList& policy, Covers covers) {
  return std::any_of(policy.forbidden.begin(), policy.forbidden.end(), covers) ||
         (!policy.allowed.empty() && std::none_of(policy.allowed.begin(), policy.allowed.end(), covers));
}

void CheckZoneClasses(const model::Model& model, const model::GovernanceZone& zone, base::Diagnostics& diagnostics) {
  for (const model::Datastore& store : model.datastores) {
    if (store.owner.zone != zone.name) continue;
    for (const model::Dataset& dataset : store.datasets) {
      for (const model::Column& column : dataset.columns) {
        for (const model::Name& word : column.classes) {
          if (!Refuses(zone.policies.classes,
                       [&](const model::Name& family) { return model::IsInClass(word.text, family.text); }))
            continue;
          diagnostics.Error("Y505", word.where.file.empty() ? column.where : word.where,
                            "zone " + zone.name + " does not allow this class: " + word.text,
                            "mask the column, or ask the zone to allow it");
        }
      }
    }
  }
}

/// The containers that a zone's data is in: its own, and others at the place that puts data there.
class PlaceChecker {
 public:
  PlaceChecker(const model::Model& model, const model::GovernanceZone& zone, base::Diagnostics& diagnostics)
      : model_(model), zone_(zone), policies_(zone.policies), diagnostics_(diagnostics) {}

  void CheckOwn() {
    for (const model::DataContainer& container : model_.containers) {
      if (container.owner.zone != zone_.name) continue;
      if (container.locations.empty()) RequireLocations(container, container.where, "");
      for (const model::VendorLocation& location : container.locations) Check(location, location.where, "");
    }
  }

  /// `reason`: ", where platform Main keeps Shop".
  void CheckUse(const std::string& name, const base::SourceRange& where, const std::string& reason) {
    const model::DataContainer* container = model_.FindContainer(name);
    if (container == nullptr || container->owner.zone == zone_.name || !seen_.insert({name, reason}).second) return;
    if (container->locations.empty()) RequireLocations(*container, where, reason);
    for (const model::VendorLocation& location : container->locations) Check(location, where, reason);
  }

 private:
  void Refuse(const char* code, const base::SourceRange& where, const std::string& what, const std::string& name) {
    diagnostics_.Error(code, where, "zone " + zone_.name + " does not allow this " + what + ": " + name,
                       "use a container elsewhere, or ask the zone to allow it");
  }

  void RequireLocations(const model::DataContainer& container, const base::SourceRange& where,
                        const std::string& reason) {
    if (policies_.locations.allowed.empty() && policies_.vendors.allowed.empty() && policies_.clouds.allowed.empty())
      return;
    diagnostics_.Error("Y506", where,
                       "zone " + zone_.name +
                           " allows some places only, and this container does not say where it is: " + container.name +
                           reason,
                       "add locations: [Vendor:Location]");
  }

  void Check(const model::VendorLocation& location, const base::SourceRange& where, const std::string& reason) {
    const std::string place = location.vendor + ":" + location.location;
    if (Refuses(policies_.locations, [&](const model::Name& area) { return LiesIn(place, area.text); }))
      Refuse("Y506", where, "location", place + reason);
    if (Refuses(policies_.vendors, [&](const model::Name& vendor) { return vendor.text == location.vendor; }))
      Refuse("Y508", where, "vendor", location.vendor + reason);
    for (const model::Vendor& vendor : model_.ecosystem.vendors) {
      if (vendor.name == location.vendor &&
          Refuses(policies_.clouds, [&](const model::Name& cloud) { return cloud.text == vendor.cloud; }))
        Refuse("Y508", where, "cloud", vendor.cloud + reason);
    }
  }

  const model::Model& model_;
  const model::GovernanceZone& zone_;
  const model::Policies& policies_;
  base::Diagnostics& diagnostics_;
  std::set<std::pair<std::string, std::string>> seen_;
};

void CheckZonePlaces(const model::Model& model, const graph::Built& built, const model::GovernanceZone& zone,
                     base::Diagnostics& diagnostics) {
  PlaceChecker places(model, zone, diagnostics);
  places.CheckOwn();
  for (const model::Datastore& store : model.datastores) {
    const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture);
    if (store.owner.zone == zone.name && snapshot != nullptr)
      places.CheckUse(snapshot->container.text, snapshot->container.where, ", where " + store.name + " is");
  }
  for (const graph::IntentionGraph& graph : built.graphs) {
    const model::DataPlatform& platform = *model.FindPlatform(graph.platform());
    for (const graph::DatasetNeed& need : graph.needs()) {
      const model::Datastore& store = *model.FindDatastore(need.dataset.store);
      if (store.owner.zone != zone.name) continue;
      places.CheckUse(platform.container.text, store.where,
                      ", where platform " + platform.name + " keeps " + store.name);
    }
  }
  for (const graph::PlacedGroup& placed : built.groups) {
    const model::Workspace& workspace = *model.FindWorkspace(placed.workspace);
    if (workspace.owner.zone != zone.name) continue;
    places.CheckUse(placed.container, workspace.where, ", where the views of " + workspace.name + " are");
    if (!Refuses(zone.policies.platforms, [&](const model::Name& p) { return p.text == placed.platform; })) continue;
    diagnostics.Error(
        "Y508", workspace.where,
        "zone " + zone.name + " does not allow this platform: " + placed.platform + ", for group " + placed.group,
        "name another platform, or ask the zone to allow it");
  }
}

}  // namespace

void CheckZones(const model::Model& model, const graph::Built& built, base::Diagnostics& diagnostics) {
  CheckContainerLocations(model, diagnostics);
  for (const model::GovernanceZone& zone : model.zones) {
    CheckPolicies(model, zone, diagnostics);
    CheckZoneClasses(model, zone, diagnostics);
    CheckZonePlaces(model, built, zone, diagnostics);
  }
}

}  // namespace yellow::check
