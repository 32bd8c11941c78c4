#include <algorithm>
#include <map>
#include <set>

#include "graph/intention_graph.h"

namespace yellow::graph {
namespace {

using model::Milestoning;

bool Offers(const model::DataPlatform& platform, Milestoning milestoning) {
  return std::find(platform.milestoning.begin(), platform.milestoning.end(), milestoning) != platform.milestoning.end();
}

/// The workspace whose transformer writes a store, or empty.
const std::string& WriterOf(const model::Datastore& store) {
  static const std::string kNobody;
  const auto* output = std::get_if<model::TransformerOutput>(&store.capture);
  return output == nullptr ? kNobody : output->workspace;
}

// ---- Pass 1: each group gets the one platform that it names or that satisfies its requirements.
// ---------------------------

void PlaceGroup(const model::Model& model, const model::Workspace& workspace, const model::DatasetGroup& group,
                Built& built) {
  std::vector<const model::DataPlatform*> fit;
  const auto named = group.requirements.platform ? group.requirements.platform
                     : workspace.transformer     ? workspace.transformer->platform
                                                 : std::nullopt;
  std::string all;
  for (const model::DataPlatform& platform : model.platforms) {
    if (named && platform.name != named->text) continue;
    if (group.requirements.milestoning && !Offers(platform, *group.requirements.milestoning)) continue;
    fit.push_back(&platform);
    all += (all.empty() ? "" : ", ") + platform.name;
  }
  const std::string name = workspace.name + "." + group.name;
  if (fit.empty()) {
    built.diagnostics.Error(
        "Y601", group.where, "no platform satisfies the requirements of group " + name,
        named ? "platform " + named->text + " does not offer this milestoning" : "add the milestoning to a platform");
    return;
  }
  if (fit.size() > 1) {
    built.diagnostics.Error("Y602", group.where, "several platforms satisfy group " + name + ": " + all,
                            "name one: requires: {platform: …}");
    return;
  }
  const std::string container = workspace.container ? workspace.container->text : fit.front()->container.text;
  if (container != fit.front()->container.text) {
    built.diagnostics.Error("Y605", workspace.container->where,
                            "this version exports to the container of the platform only: " + container + " is not " +
                                fit.front()->container.text,
                            "leave container out, or name " + fit.front()->container.text);
    return;
  }
  built.groups.push_back({workspace.name, group.name, fit.front()->name, container});
}

void PlaceGroups(const model::Model& model, Built& built) {
  for (const model::Workspace& workspace : model.workspaces) {
    const size_t first = built.groups.size();
    for (const model::DatasetGroup& group : workspace.groups) PlaceGroup(model, workspace, group, built);
    if (!workspace.transformer) continue;
    for (size_t i = first + 1; i < built.groups.size(); ++i) {
      if (built.groups[i].platform == built.groups[first].platform) continue;
      built.diagnostics.Error("Y603", workspace.where,
                              "the groups of a transformer's Workspace are on different platforms: " + workspace.name +
                                  " is on " + built.groups[first].platform + " and " + built.groups[i].platform,
                              "a transformer has one home: name it with transformer: {platform: …}");
      break;
    }
  }
}

// ---- Pass 2: the nodes and edges of one platform, from the sinks towards the producers.
// -------------------------------------

class PlatformBuilder {
 public:
  PlatformBuilder(const model::Model& model, const std::set<std::string>& used,
                  const std::map<std::string, std::string>& homes, std::string platform, Built& built)
      : model_(model), used_(used), homes_(homes), platform_(std::move(platform)), built_(built) {}

  void Add(const PlacedGroup& placed) {
    const model::Workspace& workspace = *model_.FindWorkspace(placed.workspace);
    for (const model::DatasetGroup& group : workspace.groups) {
      if (group.name != placed.group) continue;
      for (const model::DatasetSink& sink : ExpandSinks(model_, group))
        AddSink(workspace, group, sink, placed.container);
    }
  }

  bool empty() const { return nodes_.empty(); }

  IntentionGraph Finish() {
    SpreadPriorities();
    std::vector<DatasetNeed> needs;
    for (auto& [address, need] : needs_) needs.push_back(need);
    for (const auto& edge : self_edges_) edges_.push_back(edge);
    return IntentionGraph(platform_, std::move(nodes_), std::move(edges_), std::move(needs));
  }

 private:
  uint32_t NodeOf(Node node) {
    const auto [found, fresh] = index_.try_emplace(node.key, static_cast<uint32_t>(nodes_.size()));
    if (fresh) nodes_.push_back(std::move(node));
    return found->second;
  }

  bool Transforms(const model::Workspace& workspace) const {
    if (!workspace.transformer || used_.count(workspace.name) == 0) return false;
    const auto home = homes_.find(workspace.name);
    return home != homes_.end() && home->second == platform_;
  }

  void AddSink(const model::Workspace& workspace, const model::DatasetGroup& group, const model::DatasetSink& sink,
               const std::string& container) {
    const model::Datastore* store = model_.FindDatastore(sink.dataset.store);
    if (store == nullptr || store->FindDataset(sink.dataset.dataset) == nullptr) return;
    const std::string& writer = WriterOf(*store);
    if (!writer.empty() && used_.count(writer) == 0) return;  // the own output of an unused transformer
    if (!MayIngest(*store, sink, writer)) return;
    const uint32_t ingest = AddIngest(*store, sink.dataset.dataset);
    Node node;
    node.kind = NodeKind::kExport;
    node.key = "Export/" + platform_ + "/" + container + "/" + store->name + "/" + sink.dataset.dataset;
    node.store = store->name, node.dataset = sink.dataset.dataset, node.container = container;
    const uint32_t exported = NodeOf(std::move(node));
    edges_.emplace_back(ingest, exported);
    if (writer != workspace.name) nodes_[exported].priority = std::max(nodes_[exported].priority, workspace.priority);
    Need(sink.dataset, group, workspace);
    if (Transforms(workspace)) {
      (writer == workspace.name ? self_edges_ : edges_).emplace_back(exported, AddTransform(workspace));
    }
  }

  /// On a platform that is not the store's home the Ingest node would be a mirror.
  bool MayIngest(const model::Datastore& store, const model::DatasetSink& sink, const std::string& writer) {
    std::string home = store.primary ? store.primary->text : platform_;
    if (!writer.empty()) {
      const auto found = homes_.find(writer);
      if (found == homes_.end()) return false;
      home = found->second;
    }
    if (home == platform_) return true;
    built_.diagnostics.Error("Y604", sink.where,
                             "platform " + platform_ + " would have to mirror " + store.name + " from " + home +
                                 ", and this version makes no mirrors",
                             "put the group on platform " + home + ": requires: {platform: " + home + "}");
    return false;
  }

  uint32_t AddIngest(const model::Datastore& store, const std::string& dataset) {
    Node node;
    node.kind = NodeKind::kIngest;
    node.key = "Ingest/" + platform_ + "/" + store.name;
    node.store = store.name;
    if (!store.multi_dataset()) node.key += "/" + dataset, node.dataset = dataset;
    const uint32_t ingest = NodeOf(std::move(node));
    const std::string& writer = WriterOf(store);
    if (!writer.empty()) {
      AddTransform(*model_.FindWorkspace(writer));
      edges_.emplace_back(index_.at("Transform/" + platform_ + "/" + writer), ingest);
    }
    return ingest;
  }

  /// Trigger and Transform of a workspace; returns the trigger.
  uint32_t AddTransform(const model::Workspace& workspace) {
    Node trigger, transform;
    trigger.kind = NodeKind::kTrigger;
    trigger.key = "Trigger/" + platform_ + "/" + workspace.name;
    transform.kind = NodeKind::kTransform;
    transform.key = "Transform/" + platform_ + "/" + workspace.name;
    trigger.workspace = transform.workspace = workspace.name;
    const uint32_t from = NodeOf(std::move(trigger));
    edges_.emplace_back(from, NodeOf(std::move(transform)));
    return from;
  }

  void Need(const model::DatasetAddress& address, const model::DatasetGroup& group, const model::Workspace& workspace) {
    const model::DataPlatform& platform = *model_.FindPlatform(platform_);
    DatasetNeed& need =
        needs_
            .try_emplace(
                address,
                DatasetNeed{address, Offers(platform, Milestoning::kLive) ? Milestoning::kLive : Milestoning::kForensic,
                            false})
            .first->second;
    if (group.requirements.milestoning == Milestoning::kForensic) need.milestoning = Milestoning::kForensic;
    if (Transforms(workspace) && workspace.transformer->mode == model::Mode::kIncremental) need.changes = true;
  }

  /// From right to left in topological order, so that each edge is looked at once; says which transformers form a
  /// circle.
  void SpreadPriorities() {
    std::vector<std::vector<uint32_t>> left(nodes_.size());
    std::vector<size_t> open(nodes_.size(), 0);
    std::sort(edges_.begin(), edges_.end());
    edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
    for (const auto& [from, to] : edges_) left[to].push_back(from), ++open[from];
    std::vector<uint32_t> ready;
    for (uint32_t i = 0; i < nodes_.size(); ++i) {
      if (open[i] == 0) ready.push_back(i);
    }
    size_t done = 0;
    while (!ready.empty()) {
      const uint32_t node = ready.back();
      ready.pop_back();
      ++done;
      for (const uint32_t from : left[node]) {
        nodes_[from].priority = std::max(nodes_[from].priority, nodes_[node].priority);
        if (--open[from] == 0) ready.push_back(from);
      }
    }
    for (const auto& [from, to] : self_edges_)
      nodes_[from].priority = std::max(nodes_[from].priority, nodes_[to].priority);
    if (done < nodes_.size()) ReportCycle(open);
  }

  /// Every node with an open edge leads into a circle: walk along until one comes again.
  void ReportCycle(const std::vector<size_t>& open) {
    std::map<uint32_t, uint32_t> next;
    for (const auto& [from, to] : edges_) {
      if (open[from] > 0 && open[to] > 0) next.try_emplace(from, to);
    }
    uint32_t node = next.begin()->first;
    std::set<uint32_t> seen;
    while (seen.insert(node).second) node = next.at(node);
    std::string path = nodes_[node].key;
    std::string workspace = nodes_[node].workspace;
    for (uint32_t at = next.at(node);; at = next.at(at)) {
      path += " -> " + nodes_[at].key;
      if (workspace.empty() || (!nodes_[at].workspace.empty() && nodes_[at].workspace < workspace))
        workspace = nodes_[at].workspace;
      if (at == node) break;
    }
    built_.diagnostics.Error("Y606", model_.FindWorkspace(workspace)->where,
                             "transformers wait for each other in a circle: " + path, "take one of these inputs out");
  }

  const model::Model& model_;
  const std::set<std::string>& used_;
  const std::map<std::string, std::string>& homes_;
  std::string platform_;
  Built& built_;
  std::vector<Node> nodes_;
  std::map<std::string, uint32_t> index_;
  std::vector<std::pair<uint32_t, uint32_t>> edges_, self_edges_;
  std::map<model::DatasetAddress, DatasetNeed> needs_;
};

/// Workspaces whose transformer's output some other Workspace uses.
std::set<std::string> UsedTransformers(const model::Model& model) {
  std::set<std::string> used;
  for (const model::Workspace& workspace : model.workspaces) {
    for (const model::DatasetGroup& group : workspace.groups) {
      for (const model::DatasetSink& sink : group.sinks) {
        const model::Datastore* store = model.FindDatastore(sink.dataset.store);
        if (store == nullptr) continue;
        const std::string& writer = WriterOf(*store);
        if (!writer.empty() && writer != workspace.name && model.FindWorkspace(writer) != nullptr) used.insert(writer);
      }
    }
  }
  return used;
}

}  // namespace

Built Build(const model::Model& model) {
  Built built;
  PlaceGroups(model, built);
  const std::set<std::string> used = UsedTransformers(model);
  std::map<std::string, std::string> homes;
  for (const PlacedGroup& placed : built.groups) {
    if (model.FindWorkspace(placed.workspace)->transformer) homes.try_emplace(placed.workspace, placed.platform);
  }
  for (const model::DataPlatform& platform : model.platforms) {
    PlatformBuilder builder(model, used, homes, platform.name, built);
    for (const PlacedGroup& placed : built.groups) {
      if (placed.platform == platform.name) builder.Add(placed);
    }
    if (!builder.empty()) built.graphs.push_back(builder.Finish());
  }
  built.diagnostics.Sort();
  return built;
}

std::string HomePlatform(const Built& built, const model::Model& model, const std::string& workspace) {
  const model::Workspace* found = model.FindWorkspace(workspace);
  if (found == nullptr || !found->transformer) return "";
  for (const PlacedGroup& placed : built.groups) {
    if (placed.workspace == workspace) return placed.platform;
  }
  return "";
}

}  // namespace yellow::graph
