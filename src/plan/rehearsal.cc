#include "plan/rehearsal.h"

#include <algorithm>

namespace yellow::plan {
namespace {

/// What a reader of the output is called; no workspace of a model is, because of the double underscore.
std::string ReaderOf(const std::string& workspace) { return workspace + "__reader"; }

model::SqlSnapshot FromRehearsal() {
  model::SqlSnapshot snapshot;
  snapshot.container = {kRehearsalSource, {}};
  snapshot.credential = {kRehearsalReader, {}};
  return snapshot;
}

model::Environment EnvironmentAt(const model::Model& model, const std::string& merge, const RehearsalPlaces& places) {
  model::Environment environment;
  environment.name = "rehearsal";
  environment.role_prefix = places.role_prefix;
  environment.containers = {{merge, places.server, places.database, {}},
                            {kRehearsalSource, places.server, places.database, {}}};
  if (model.environment) {
    environment.credentials = model.environment->credentials;
    environment.images = model.environment->images;
    environment.launcher = model.environment->launcher;
    environment.docker = model.environment->docker;
    environment.kubernetes = model.environment->kubernetes;
  }
  environment.credentials.push_back({kRehearsalReader, model::FileSecret{places.secret_file}, {}});
  return environment;
}

}  // namespace

model::Model AloneWithReader(const model::Model& model, const std::string& name) {
  model::Model alone = model;
  std::erase_if(alone.workspaces, [&](const model::Workspace& workspace) { return workspace.name != name; });
  model::Workspace& workspace = alone.workspaces.front();
  workspace.readers.clear();
  workspace.container.reset();
  const std::string& output = workspace.transformer->output.text;
  for (model::Datastore& store : alone.datastores) {
    if (store.name != output && std::holds_alternative<model::TransformerOutput>(store.capture))
      store.capture = FromRehearsal();
  }
  model::Workspace reader;
  reader.name = ReaderOf(name);
  reader.owner = workspace.owner;
  model::DatasetGroup group;
  group.name = "Now";
  for (const model::Dataset& dataset : model.FindDatastore(output)->datasets) {
    model::DatasetSink sink;
    sink.dataset = {output, dataset.name};
    sink.deprecated_allowed = true;
    group.sinks.push_back(std::move(sink));
  }
  reader.groups.push_back(std::move(group));
  const std::string home = workspace.transformer->platform ? workspace.transformer->platform->text
                                                           : graph::HomePlatform(graph::Build(alone), alone, name);
  std::erase_if(alone.platforms, [&](const model::DataPlatform& platform) { return platform.name != home; });
  alone.workspaces.push_back(std::move(reader));
  return alone;
}

model::Model Rehearsal(const model::Model& model, const std::string& workspace, const RehearsalPlaces& places) {
  model::Model rehearsal = AloneWithReader(model, workspace);
  const std::string& own = rehearsal.workspaces.front().transformer->output.text;
  for (model::Datastore& store : rehearsal.datastores) {
    store.primary.reset();
    if (store.name == own) continue;
    store.capture = FromRehearsal();
    for (model::Dataset& dataset : store.datasets) {
      dataset.table = store.name + "." + dataset.name;
      for (model::Column& column : dataset.columns) column.from = column.name;
    }
  }
  model::DataContainer source;
  source.name = kRehearsalSource;
  source.database = places.database;
  rehearsal.containers.push_back(std::move(source));
  model::Credential reader;
  reader.name = kRehearsalReader;
  rehearsal.credentials.push_back(std::move(reader));
  const auto by_name = [](const auto& a, const auto& b) { return a.name < b.name; };
  std::sort(rehearsal.containers.begin(), rehearsal.containers.end(), by_name);
  std::sort(rehearsal.credentials.begin(), rehearsal.credentials.end(), by_name);
  rehearsal.environment =
      EnvironmentAt(model, rehearsal.platforms.empty() ? "" : rehearsal.platforms.front().container.text, places);
  return rehearsal;
}

}  // namespace yellow::plan
