#include "cli/engine.h"

#include <algorithm>
#include <ostream>
#include <set>

#include "base/check.h"
#include "base/error.h"
#include "base/suggest.h"

namespace yellow::cli {
namespace {

/// Names by which people may call a node, beside its key.
std::vector<std::string> NamesOf(const graph::Node& node) {
  switch (node.kind) {
    case graph::NodeKind::kIngest:
      return {node.dataset.empty() ? node.store : node.store + "." + node.dataset};
    case graph::NodeKind::kExport:
      return {node.store + "." + node.dataset};
    case graph::NodeKind::kTransform:
      return {node.workspace};
    case graph::NodeKind::kTrigger:
      return {};
  }
  YELLOW_CHECK(false);
}

}  // namespace

void PrintingReporter::Line(const std::string& text) { out_ << text << '\n' << std::flush; }

std::vector<std::string> MergeContainers(const model::Model& model, const plan::Physical& physical) {
  std::set<std::string> containers;
  for (const plan::Stream& stream : physical.streams) containers.insert(stream.container);
  for (const plan::PlacedWorkspace& workspace : physical.workspaces) containers.insert(workspace.container);
  if (containers.empty() && !model.platforms.empty()) containers.insert(model.platforms.front().container.text);
  return {containers.begin(), containers.end()};
}

std::vector<std::string> SourceContainers(const model::Model& model) {
  std::set<std::string> containers;
  for (const model::Datastore& store : model.datastores) {
    if (const auto* snapshot = std::get_if<model::SqlSnapshot>(&store.capture))
      containers.insert(snapshot->container.text);
  }
  return {containers.begin(), containers.end()};
}

std::vector<std::string> MergeContainersOf(const Project& project) {
  const model::Model& model = project.loaded.model;
  if (!project.loaded.diagnostics.has_errors())
    return MergeContainers(model, plan::Lay(model, graph::Build(model), project.files));
  // Nothing more can be concluded from them.
  std::set<std::string> containers;
  for (const model::DataPlatform& platform : model.platforms) containers.insert(platform.container.text);
  return {containers.begin(), containers.end()};
}

run::Applied InContainer(const run::Applied& applied, const std::string& container) {
  run::Applied part = applied;
  std::erase_if(part.physical.streams, [&](const auto& item) { return item.container != container; });
  std::erase_if(part.physical.workspaces, [&](const auto& item) { return item.container != container; });
  std::erase_if(part.physical.transformers, [&](const auto& item) { return item.container != container; });
  return part;
}

run::Applied CompileStored(const Project& project, const std::string& container, const run::StoredModel& stored) {
  run::Applied applied =
      InContainer(Compile(stored.files, stored.environment, project.root, stored.version, stored.digest), container);
  applied.data_folder = project.data;
  return applied;
}

void PrepareServers(ports::Servers& servers, const model::Model& model, const std::vector<std::string>& merge) {
  servers.Prepare(merge, SourceContainers(model));
}

Engines OpenEngines(const Program& program, const Project& project) {
  Engines engines;
  engines.servers = program.open_servers(project.loaded.model, project.data);
  const std::vector<std::string> merge = MergeContainersOf(project);
  PrepareServers(*engines.servers, project.loaded.model, merge);
  for (const std::string& container : merge) {
    Engine engine;
    engine.container = container;
    engine.session =
        program.connector.Open(engines.servers->Service(container, ports::ServiceRole::kEngine, "control"));
    if (const auto stored = run::LoadApplied(*engine.session)) {
      engine.applied = CompileStored(project, container, *stored);
    }
    engines.engines.push_back(std::move(engine));
  }
  return engines;
}

Engines OpenApplied(const Program& program, const Project& project) {
  Engines engines = OpenEngines(program, project);
  for (const Engine& engine : engines.engines) {
    if (engine.applied) continue;
    throw base::Error("not_applied", "no model was applied yet to " + engine.container)
        .Remedy("yellow plan shows what it would do, yellow apply does it");
  }
  return engines;
}

run::Effects EffectsOf(const Program& program, ports::Servers& servers, run::Reporter& reporter) {
  return {program.connector, servers,         program.clock,     program.entropy,
          program.files,     program.secrets, program.processes, program.containers,
          program.webhook,   program.mailer,  reporter};
}

std::string ResolveNode(const run::Applied& applied, const std::string& name, bool runnable) {
  std::vector<std::string> all_names;
  std::vector<const graph::Node*> found;
  for (const graph::IntentionGraph& graph : applied.graph.graphs) {
    for (const graph::Node& node : graph.nodes()) {
      const bool runs = node.kind == graph::NodeKind::kIngest || node.kind == graph::NodeKind::kTransform;
      if (runnable && !runs) continue;
      if (node.key == name) return node.key;
      for (const std::string& called : NamesOf(node)) {
        all_names.push_back(called);
        if (called == name) found.push_back(&node);
      }
    }
  }
  // A dataset has an Export everywhere and an Ingest only in a single-dataset store: what runs is meant first.
  const bool any_runs =
      std::any_of(found.begin(), found.end(), [](auto* n) { return n->kind != graph::NodeKind::kExport; });
  if (any_runs) std::erase_if(found, [](auto* n) { return n->kind == graph::NodeKind::kExport; });
  if (found.size() == 1) return found.front()->key;
  if (found.empty()) {
    throw base::UsageError("no such node in the applied model: " + name)
        .Remedy(base::DidYouMean(name, all_names, "yellow graph lists the nodes"));
  }
  std::string keys;
  for (const graph::Node* node : found) keys += "\n    " + node->key;
  throw base::UsageError("several nodes are called " + name + ":" + keys).Remedy("name one by its key");
}

}  // namespace yellow::cli
