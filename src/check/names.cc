#include <algorithm>
#include <cctype>
#include <map>

#include "check/rules.h"
#include "model/name_rule.h"

namespace yellow::check {
namespace {

std::string Lower(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

class NameChecker {
 public:
  explicit NameChecker(base::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void Check(const std::string& what, const std::string& name, const base::SourceRange& where) {
    if (where.begin.line == 0 || name.empty()) return;  // a default, or missing: said elsewhere
    const std::string wrong = model::NameFault(name);
    if (!wrong.empty())
      diagnostics_.Error(
          "Y401", where,
          "the name of " + std::string(what.front() == 'a' ? "an " : "a ") + what + " " + wrong + ": " + name,
          "rename it");
  }

  /// Names that may not differ in case only.
  void Unique(const std::string& what, const std::string& name, const base::SourceRange& where) {
    Check(what, name, where);
    const auto [other, fresh] = seen_.try_emplace({what, Lower(name)}, name);
    if (!fresh && other->second != name) {
      diagnostics_.Error("Y402", where,
                         "two names of a " + what + " differ in case only: " + other->second + " and " + name,
                         "rename one");
    }
  }

 private:
  base::Diagnostics& diagnostics_;
  std::map<std::pair<std::string, std::string>, std::string> seen_;
};

void CheckColumns(const model::Datastore& store, const model::Dataset& dataset, NameChecker& names,
                  base::Diagnostics& diagnostics) {
  std::map<std::string, std::string> seen;
  for (const model::Column& column : dataset.columns) {
    names.Check("column", column.name, column.where);
    if (Lower(column.name).starts_with("yellow_")) {
      diagnostics.Error("Y403", column.where, "columns that begin with yellow_ are Yellow's own: " + column.name,
                        "name it otherwise, with from: " + column.name);
    }
    const auto [other, fresh] = seen.try_emplace(Lower(column.name), column.name);
    if (!fresh) {
      diagnostics.Error("Y402", column.where,
                        "two columns of " + store.name + "." + dataset.name + " differ in case only: " + other->second +
                            " and " + column.name,
                        "rename one");
    }
  }
}

}  // namespace

void CheckNames(const model::Model& model, base::Diagnostics& diagnostics) {
  NameChecker names(diagnostics);
  for (const model::Datastore& store : model.datastores) {
    names.Unique("Datastore", store.name, store.where);
    if (Lower(store.name).starts_with("dt_")) {
      diagnostics.Error("Y403", store.where,
                        "Datastores that begin with dt_ would look like output tables: " + store.name, "rename it");
    }
    for (const model::Dataset& dataset : store.datasets) {
      names.Check("Dataset", dataset.name, dataset.where);
      CheckColumns(store, dataset, names, diagnostics);
    }
    std::map<std::string, std::string> seen;
    for (const model::Dataset& dataset : store.datasets) {
      const auto [other, fresh] = seen.try_emplace(Lower(dataset.name), dataset.name);
      if (!fresh)
        diagnostics.Error(
            "Y402", dataset.where,
            "two datasets of " + store.name + " differ in case only: " + other->second + " and " + dataset.name,
            "rename one");
    }
  }
  for (const model::Workspace& workspace : model.workspaces) {
    names.Unique("Workspace", workspace.name, workspace.where);
    std::map<std::string, std::string> aliases;
    for (const model::DatasetGroup& group : workspace.groups) {
      names.Unique("DatasetGroup of " + workspace.name, group.name, group.where);
      for (const model::DatasetSink& sink : group.sinks) {
        if (sink.alias.empty()) continue;
        names.Check("alias", sink.alias, sink.where);
        if (Lower(sink.alias).starts_with("yellow_")) {
          diagnostics.Error("Y403", sink.where, "views that begin with yellow_ are Yellow's own: " + sink.alias,
                            "choose another alias");
        }
        if (!aliases.try_emplace(Lower(sink.alias), sink.alias).second) {
          diagnostics.Error("Y402", sink.where, "two sinks of " + workspace.name + " have this alias: " + sink.alias,
                            "rename one");
        }
      }
    }
  }
  for (const model::DataPlatform& platform : model.platforms)
    names.Unique("DataPlatform", platform.name, platform.where);
  for (const model::DataContainer& container : model.containers)
    names.Unique("DataContainer", container.name, container.where);
  for (const model::Credential& credential : model.credentials)
    names.Unique("Credential", credential.name, credential.where);
  for (const model::GovernanceZone& zone : model.zones) names.Unique("GovernanceZone", zone.name, zone.where);
  for (const model::Team& team : model.teams) names.Unique("Team of " + team.zone, team.name, team.where);
  for (const model::Vendor& vendor : model.ecosystem.vendors) names.Unique("vendor", vendor.name, vendor.where);
  for (const model::Person& person : model.people) names.Unique("person", person.name, person.where);
  if (model.environment) {
    for (const model::NoticeReceiver& receiver : model.environment->receivers)
      names.Unique("receiver", receiver.name.substr(0, receiver.name.find('/')), receiver.where);
  }
}

}  // namespace yellow::check
