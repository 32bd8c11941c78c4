#include <algorithm>

#include "check/rules.h"
#include "graph/intention_graph.h"

// What a governance zone's policies allow; each covers what lies below it.
namespace yellow::check {
namespace {

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

void CheckZonePlaces(const model::Model& model, const model::GovernanceZone& zone, base::Diagnostics& diagnostics) {
  for (const model::DataContainer& container : model.containers) {
    if (container.owner.zone != zone.name) continue;
    for (const model::VendorLocation& location : container.locations) {
      const std::string place = location.vendor + ":" + location.location;
      const auto refuse = [&](const char* code, const char* what, const std::string& name) {
        diagnostics.Error(code, location.where, "zone " + zone.name + " does not allow this " + what + ": " + name,
                          "use a container elsewhere, or ask the zone to allow it");
      };
      if (Refuses(zone.policies.locations,
                  [&](const model::Name& area) { return place == area.text || place.starts_with(area.text + "/"); })) {
        refuse("Y506", "location", place);
      }
      if (Refuses(zone.policies.vendors, [&](const model::Name& vendor) { return vendor.text == location.vendor; })) {
        refuse("Y508", "vendor", location.vendor);
      }
      for (const model::Vendor& vendor : model.ecosystem.vendors) {
        if (vendor.name != location.vendor ||
            !Refuses(zone.policies.clouds, [&](const model::Name& cloud) { return cloud.text == vendor.cloud; }))
          continue;
        refuse("Y508", "cloud", vendor.cloud);
      }
    }
  }
}

}  // namespace

void CheckZones(const model::Model& model, base::Diagnostics& diagnostics) {
  const graph::Built built = graph::Build(model);
  for (const model::GovernanceZone& zone : model.zones) {
    CheckZoneClasses(model, zone, diagnostics);
    CheckZonePlaces(model, zone, diagnostics);
    for (const graph::PlacedGroup& placed : built.groups) {
      const model::Workspace& workspace = *model.FindWorkspace(placed.workspace);
      if (workspace.owner.zone != zone.name ||
          !Refuses(zone.policies.platforms, [&](const model::Name& p) { return p.text == placed.platform; }))
        continue;
      diagnostics.Error(
          "Y508", workspace.where,
          "zone " + zone.name + " does not allow this platform: " + placed.platform + ", for group " + placed.group,
          "name another platform, or ask the zone to allow it");
    }
  }
}

}  // namespace yellow::check
