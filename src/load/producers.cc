#include "load/readers.h"
#include "load/shape.h"

// Datastores, and who owns what: ecosystem, zones, teams.
namespace yellow::load {

void Reader::ReadDocument(const std::string& kind, const Node& node, const Place& place) {
  if (kind == "Datastore") return ReadDatastore(node, place);
  if (kind == "Workspace") return ReadWorkspace(node, place);
  if (kind == "Ecosystem") return ReadEcosystem(node);
  if (kind == "GovernanceZone") return ReadZone(node, place);
  if (kind == "Team") return ReadTeam(node, place);
}

void Reader::ReadDatastore(const Node& node, const Place& place) {
  model::Datastore store;
  store.name = Text(node.Find("name"));
  store.owner = place.owner;
  store.where = node.Find("name") != nullptr ? node.Find("name")->where : node.where;
  store.production = Boolean(node.Find("production"), false);
  store.primary = OptionalName(node.Find("primary"));
  if (const Node* capture = node.Find("capture")) {
    if (const Node* snapshot = capture->Find("sql_snapshot")) store.capture = ReadSnapshot(*snapshot);
  }
  if (const Node* datasets = node.Find("datasets")) {
    if (datasets->entries.empty())
      diagnostics_.Error("Y202", datasets->where, "a Datastore needs datasets: " + store.name, "name at least one");
    for (const auto& [name, value] : datasets->entries) {
      model::Dataset dataset = ReadDataset(name.text, value, true);
      dataset.where = name.where;
      store.datasets.push_back(std::move(dataset));
    }
  }
  model_.datastores.push_back(std::move(store));
}

model::SqlSnapshot Reader::ReadSnapshot(const Node& node) {
  model::SqlSnapshot snapshot;
  snapshot.container = NameOf(node.Find("container"), node);
  snapshot.credential = NameOf(node.Find("credential"), node);
  snapshot.schema = Text(node.Find("schema"), "public");
  if (Text(node.Find("consistency")) == "single_dataset") snapshot.consistency = model::Consistency::kSingleDataset;
  snapshot.schedule = ReadSchedule(node.Find("schedule"));
  snapshot.guards = ReadGuards(node.Find("guards"));
  if (Text(node.Find("on_bad_rows")) == "quarantine") snapshot.on_bad_rows = model::OnBadRows::kQuarantine;
  return snapshot;
}

model::Dataset Reader::ReadDataset(const std::string& name, const Node& node, bool columns_required) {
  model::Dataset dataset;
  dataset.name = name;
  dataset.where = node.where;
  dataset.table = Text(node.Find("table"), name);
  dataset.deprecated = Boolean(node.Find("deprecated"), false);
  dataset.key = Names(node.Find("key"));
  if (const Node* columns = node.Find("columns")) {
    for (size_t i = 0; i < columns->entries.size(); ++i) {
      if (!IsCutType(*columns, i))
        dataset.columns.push_back(ReadColumn(columns->entries[i].key, columns->entries[i].value));
    }
    if (columns_required && columns->entries.empty()) {
      diagnostics_.Error("Y202", columns->where, "a dataset needs columns: " + name, "name at least one");
    }
  }
  return dataset;
}

model::Column Reader::ReadColumn(const Node& name, const Node& node) {
  model::Column column;
  column.name = name.text;
  column.where = name.where;
  column.from = Text(node.Find("from"), name.text);
  column.classes = Names(node.Find("classification"));
  const Node* type = node.kind == Node::Kind::kScalar ? &node : node.Find("type");
  if (type == nullptr || type->kind != Node::Kind::kScalar || type->text.empty()) return column;
  std::string why;
  if (const auto parsed = model::ParseType(type->text, &why)) {
    column.type = parsed->type;
    column.not_null = parsed->not_null;
  } else if (type->text.find('(') == std::string::npos || type->text.find(')') != std::string::npos) {
    diagnostics_.Error(
        "Y209", type->where, "this is not a type: " + type->text + ": " + why,
        "use a type of PostgreSQL such as varchar(20), numeric(10,2), timestamptz; others are carried as text");
  }
  return column;
}

void Reader::ReadContainers(const Node* node, const model::Owner& owner) {
  if (node == nullptr) return;
  for (const auto& [name, value] : node->entries) {
    model::DataContainer container;
    container.name = name.text;
    container.owner = owner;
    container.where = name.where;
    if (const Node* postgres = value.Find("postgres")) container.database = Text(postgres->Find("database"));
    for (const model::Name& location : Names(value.Find("locations"))) {
      const size_t colon = location.text.find(':');
      if (colon == std::string::npos) {
        diagnostics_.Error("Y210", location.where, "a location names its vendor: " + location.text,
                           "write Vendor:Location");
        continue;
      }
      container.locations.push_back({location.text.substr(0, colon), location.text.substr(colon + 1), location.where});
    }
    model_.containers.push_back(std::move(container));
  }
}

void Reader::ReadCredentials(const Node* node, const model::Owner& owner) {
  if (node == nullptr) return;
  for (const auto& [name, value] : node->entries) {
    model::Credential credential{name.text, owner, model::CredentialType::kUserPassword, name.where};
    const std::string type = Text(value.Find("type"));
    if (type == "token") credential.type = model::CredentialType::kToken;
    if (type == "secret_key") credential.type = model::CredentialType::kSecretKey;
    model_.credentials.push_back(std::move(credential));
  }
}

void Reader::ReadEcosystem(const Node& node) {
  model::Ecosystem& ecosystem = model_.ecosystem;
  if (ecosystem.where.begin.line > 0) {
    diagnostics_.Error("Y301", node.where, "there is a second Ecosystem; the first is in " + ecosystem.where.file,
                       "keep one");
    return;
  }
  ecosystem.name = Text(node.Find("name"));
  ecosystem.where = node.where;
  if (const Node* repository = node.Find("repository")) {
    ecosystem.owning_repository = Text(repository->Find("owning"));
    ecosystem.live_repository = Text(repository->Find("live"));
  }
  if (const Node* vendors = node.Find("vendors")) {
    for (const auto& [name, value] : vendors->entries) {
      ecosystem.vendors.push_back({name.text, Text(value.Find("cloud")), Texts(value.Find("locations")), name.where});
    }
  }
  if (const Node* classes = node.Find("classes")) {
    ecosystem.extra_classes = Names(classes->Find("add"));
    if (classes->Find("restricted") != nullptr) ecosystem.restricted_classes = Names(classes->Find("restricted"));
  }
  if (const Node* retention = node.Find("retention")) {
    if (const auto control = ReadDuration(retention->Find("control"))) ecosystem.retention.control = *control;
    if (const auto logs = ReadDuration(retention->Find("logs"))) ecosystem.retention.logs = *logs;
    ecosystem.retention.changes = ReadDuration(retention->Find("changes"));
    ecosystem.retention.evidence = ReadDuration(retention->Find("evidence"));
  }
  if (const Node* zones = node.Find("zones")) {
    for (const auto& [name, value] : zones->entries) {
      ecosystem.zones.push_back({name.text, name.where});
      ZoneOf(model::Name{name.text, name.where}).repository = Text(value.Find("repository"));
    }
  }
  if (const Node* platforms = node.Find("platforms")) {
    for (const auto& [name, value] : platforms->entries) {
      model::DataPlatform platform;
      platform.name = name.text;
      platform.where = name.where;
      platform.container = OptionalName(value.Find("container")).value_or(model::Name{"", name.where});
      if (const Node* kinds = value.Find("milestoning")) {
        platform.milestoning.clear();
        for (const std::string& word : Texts(kinds)) {
          platform.milestoning.push_back(word == "forensic" ? model::Milestoning::kForensic
                                                            : model::Milestoning::kLive);
        }
      }
      model_.platforms.push_back(std::move(platform));
    }
  }
  ReadContainers(node.Find("containers"), {});
  ReadCredentials(node.Find("credentials"), {});
  ReadPeople(node.Find("people"), {});
  ReadScopes(node.Find("scopes"), {});
}

model::GovernanceZone& Reader::ZoneOf(const model::Name& name) {
  for (model::GovernanceZone& known : model_.zones) {
    if (known.name == name.text) return known;
  }
  model_.zones.push_back({name.text, "", {}, name.where, {}});
  return model_.zones.back();
}

void Reader::ReadZone(const Node& node, const Place& place) {
  const Node* written = node.Find("name");
  const std::string name = Text(written);
  const model::Owner owner{name, ""};
  model::GovernanceZone& zone = ZoneOf(model::Name{name, written == nullptr ? node.where : written->where});
  if (zone.document.begin.line > 0) {
    diagnostics_.Error("Y301", node.where,
                       "there is a second document of zone " + name + "; the first is in " + zone.document.file,
                       "keep one");
    return;
  }
  zone.document = node.where;
  if (place.owner.zone != name) {
    diagnostics_.Error("Y302", written == nullptr ? node.where : written->where,
                       "the folder and the name of the zone differ: " + place.owner.zone + " and " + name,
                       place.owner.zone == "Default"
                           ? "directly under model/ the zone is Default; others live in model/zones/<zone>/"
                           : "rename one of them");
  }
  if (const Node* policies = node.Find("policies")) {
    zone.policies = {ReadAllowList(policies->Find("classes")), ReadAllowList(policies->Find("locations")),
                     ReadAllowList(policies->Find("platforms")), ReadAllowList(policies->Find("vendors")),
                     ReadAllowList(policies->Find("clouds"))};
  }
  if (const Node* teams = node.Find("teams")) {
    for (const auto& [team, value] : teams->entries) {
      model_.teams.push_back({team.text, name, Text(value.Find("repository")), team.where});
    }
  }
  ReadContainers(node.Find("containers"), owner);
  ReadCredentials(node.Find("credentials"), owner);
  ReadPeople(node.Find("people"), owner);
  ReadScopes(node.Find("scopes"), owner);
}

void Reader::ReadTeam(const Node& node, const Place& place) {
  const std::string name = Text(node.Find("name"));
  if (place.owner.team != name) {
    diagnostics_.Error("Y302", node.Find("name") != nullptr ? node.Find("name")->where : node.where,
                       "the folder and the name of the team differ: " + place.owner.team + " and " + name,
                       place.owner.team == "Default"
                           ? "directly under model/ the team is Default; others live in model/zones/<zone>/<team>/"
                           : "rename one of them");
  }
  ReadContainers(node.Find("containers"), place.owner);
  ReadCredentials(node.Find("credentials"), place.owner);
}

}  // namespace yellow::load
