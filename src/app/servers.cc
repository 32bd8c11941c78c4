#include "app/servers.h"

#include <algorithm>

#include "base/error.h"
#include "sql/names.h"

namespace yellow::app {
namespace {

std::optional<int> EmbeddedPort(const model::Model& model) {
  if (!model.environment) return std::nullopt;
  for (const model::ContainerPlace& place : model.environment->containers) {
    if (const auto* embedded = std::get_if<model::EmbeddedServer>(&place.server); embedded != nullptr && embedded->port)
      return embedded->port;
  }
  return std::nullopt;
}

bool IsEmbedded(const model::ContainerPlace& place) {
  return std::holds_alternative<model::EmbeddedServer>(place.server);
}

}  // namespace

EnvironmentServers::EnvironmentServers(const model::Model& model, std::string data, ports::Connector& connector,
                                       ports::Entropy& entropy, ports::FileSystem& files, ports::SecretStore& secrets,
                                       ports::ServerPrograms& programs, std::string person)
    : model_(model),
      data_(data),
      files_(files),
      secrets_(secrets),
      cluster_(std::move(data), EmbeddedPort(model), connector, entropy, files, programs, std::move(person)) {}

const model::ContainerPlace& EnvironmentServers::Place(const std::string& container) const {
  const model::ContainerPlace* place = model_.environment ? model_.environment->FindContainer(container) : nullptr;
  if (place != nullptr) return *place;
  throw base::Error("environment", "the environment does not say where container " + container + " is")
      .Remedy("add it under containers: in environments/" + (model_.environment ? model_.environment->name : "local") +
              ".yaml");
}

std::string EnvironmentServers::Database(const model::ContainerPlace& place) const {
  if (!place.database.empty()) return place.database;
  const model::DataContainer* container = model_.FindContainer(place.container);
  return container == nullptr ? "postgres" : container->database;
}

ports::ConnectionTarget EnvironmentServers::Bare(const std::string& container, std::string_view purpose) const {
  const model::ContainerPlace& place = Place(container);
  if (IsEmbedded(place)) {
    ports::ConnectionTarget target = cluster_.Superuser(Database(place), std::string(purpose));
    target.user.clear();
    return target;
  }
  const auto& server = std::get<model::NamedServer>(place.server);
  ports::ConnectionTarget target;
  target.host = server.host;
  target.port = server.port;
  target.database = Database(place);
  target.sslmode = server.sslmode;
  target.sslrootcert = server.ca;
  target.application_name = "yellow " + std::string(purpose);
  return target;
}

std::string EnvironmentServers::RoleName(ports::ServiceRole role) const {
  const sql::Roles roles(model_.environment ? model_.environment->role_prefix : "yellow");
  switch (role) {
    case ports::ServiceRole::kSuperuser:
      return adapters::embedded::EmbeddedCluster::kSuperuser;
    case ports::ServiceRole::kMigrator:
      return roles.Migrator();
    case ports::ServiceRole::kEngine:
      return roles.Engine();
    case ports::ServiceRole::kIngestOut:
      return roles.IngestOut();
    case ports::ServiceRole::kAccess:
      return roles.Access();
  }
  return "";
}

ports::ConnectionTarget EnvironmentServers::Service(const std::string& container, ports::ServiceRole role,
                                                    std::string_view purpose) {
  const model::ContainerPlace& place = Place(container);
  if (role == ports::ServiceRole::kSuperuser && !IsEmbedded(place)) {
    throw base::Error("environment", "Yellow has no superuser on a named server: container " + container);
  }
  ports::ConnectionTarget target = Bare(container, purpose);
  target.user = RoleName(role);
  if (role == ports::ServiceRole::kSuperuser) return target;
  const auto password = files_.Read(data_ + "/secrets/" + target.user);
  if (!password) {
    throw base::Error("secret", "there is no password for the login " + target.user + " in " + data_ + "/secrets")
        .Remedy("yellow bootstrap makes Yellow's logins on a named server");
  }
  target.password = base::Secret(*password);
  return target;
}

ports::ConnectionTarget EnvironmentServers::Source(const std::string& container, const std::string& credential,
                                                   std::string_view purpose) {
  ports::ConnectionTarget target = Bare(container, purpose);
  const auto& places = model_.environment->credentials;
  const auto place =
      std::find_if(places.begin(), places.end(), [&](const auto& p) { return p.credential == credential; });
  if (place == places.end()) {
    throw base::Error("secret", "the environment does not say where credential " + credential + " is")
        .Remedy("add it under credentials: in environments/" + model_.environment->name + ".yaml");
  }
  const ports::CredentialValue value = secrets_.Read(credential, place->source);
  target.user = value.user;
  target.password = value.password;
  return target;
}

ports::ConnectionTarget EnvironmentServers::As(const std::string& container, const std::string& login,
                                               const base::Secret& password, std::string_view purpose) {
  ports::ConnectionTarget target = Bare(container, purpose);
  target.user = login;
  target.password = password;
  return target;
}

void EnvironmentServers::Prepare(const std::vector<std::string>& merge, const std::vector<std::string>& sources) {
  std::vector<std::string> databases, merge_databases;
  for (const auto* containers : {&sources, &merge}) {
    for (const std::string& container : *containers) {
      const model::ContainerPlace& place = Place(container);
      if (!IsEmbedded(place)) continue;
      databases.push_back(Database(place));
      if (containers == &merge) merge_databases.push_back(Database(place));
    }
  }
  if (databases.empty()) return;
  cluster_.Start();
  cluster_.EnsureDatabases(databases);
  for (const std::string& database : merge_databases) cluster_.Bootstrap(database, model_.environment->role_prefix);
}

void EnvironmentServers::Revive(const std::string& container) {
  if (IsEmbedded(Place(container))) cluster_.Start();
}

void EnvironmentServers::BootstrapAgain(const std::string& merge) {
  const std::string database = Database(Place(merge));
  cluster_.Start();
  cluster_.EnsureDatabases({database});
  cluster_.Bootstrap(database, model_.environment->role_prefix, true);
}

void EnvironmentServers::PrepareScratch(const std::vector<std::string>& merge, const std::vector<std::string>& sources,
                                        const std::string& holder) {
  std::vector<std::string> databases;
  for (const auto* containers : {&sources, &merge}) {
    for (const std::string& container : *containers) {
      const std::string name = Database(Place(container));
      if (std::find(databases.begin(), databases.end(), name) == databases.end()) databases.push_back(name);
    }
  }
  cluster_.Start();
  cluster_.MakeScratch(databases, holder);
  for (const std::string& container : merge)
    cluster_.Bootstrap(Database(Place(container)), model_.environment->role_prefix);
}

int EnvironmentServers::DropScratch(const std::function<bool(const std::string& holder)>& is_over) {
  cluster_.Start();
  return cluster_.DropScratch(is_over);
}

bool EnvironmentServers::Running() {
  if (!model_.environment) return true;
  const auto& places = model_.environment->containers;
  return std::none_of(places.begin(), places.end(), IsEmbedded) || cluster_.Running();
}

ports::ConnectionInfo EnvironmentServers::Describe(const std::string& container) {
  const ports::ConnectionTarget target = Bare(container, "");
  const bool embedded = IsEmbedded(Place(container));
  return {container,
          target.host,
          target.port,
          target.database,
          target.sslmode,
          embedded,
          embedded ? cluster_.folder() : "",
          embedded ? cluster_.folder() + "/" + adapters::embedded::EmbeddedCluster::kLogFolder : ""};
}

}  // namespace yellow::app
