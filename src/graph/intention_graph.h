#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "base/id.h"
#include "model/model.h"

namespace yellow::graph {

enum class NodeKind { kIngest, kExport, kTrigger, kTransform };
using NodeId = base::Id<struct NodeTag>;

/// One intention. `key` is `Ingest/<platform>/<store>[/<dataset>]`, `Export/<platform>/<container>/<store>/<dataset>`,
/// `Trigger/<platform>/<workspace>`, `Transform/<platform>/<workspace>`.
struct Node {
  NodeKind kind = NodeKind::kIngest;
  std::string key;
  model::Priority priority = model::Priority::kLowest;
  std::string store;      ///< Ingest, Export
  std::string dataset;    ///< Export; Ingest of a single-dataset store
  std::string container;  ///< Export
  std::string workspace;  ///< Trigger, Transform
  std::string mirror_of;  ///< Ingest: the home platform, when this one only copies
};

/// What one dataset needs on a platform, from its most demanding consumer.
struct DatasetNeed {
  model::DatasetAddress dataset;
  model::Milestoning milestoning = model::Milestoning::kLive;
  bool changes = false;  ///< an incremental transformer or an export to another container reads its change log
  auto operator<=>(const DatasetNeed&) const = default;
};

/// The graph of one platform: built once, then const. Nodes in key order with dense ids; adjacency both ways, sorted.
class IntentionGraph {
 public:
  /// REQUIRES: nodes have unique keys; edges name nodes by index; both in any order.
  IntentionGraph(std::string platform, std::vector<Node> nodes, std::vector<std::pair<uint32_t, uint32_t>> edges,
                 std::vector<DatasetNeed> needs);

  const std::string& platform() const { return platform_; }
  std::span<const Node> nodes() const { return nodes_; }
  const Node& node(NodeId id) const { return nodes_[id.value]; }
  std::span<const NodeId> successors(NodeId id) const;
  std::span<const NodeId> predecessors(NodeId id) const;
  std::optional<NodeId> Find(std::string_view key) const;
  /// Datasets that are ingested here, in address order. Only datasets with an Export are.
  std::span<const DatasetNeed> needs() const { return needs_; }

 private:
  std::string platform_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> successor_start_, predecessor_start_;
  std::vector<NodeId> successors_, predecessors_;
  std::vector<DatasetNeed> needs_;
};

/// A group of a workspace with the platform that serves it.
struct PlacedGroup {
  std::string workspace;
  std::string group;
  std::string platform;
  std::string container;  ///< where the views are: the workspace's, or the platform's own
};

struct Built {
  std::vector<IntentionGraph> graphs;  ///< one per platform that is used, in name order
  std::vector<PlacedGroup> groups;     ///< in workspace, group order
  base::Diagnostics diagnostics;       ///< no platform satisfies a group; a cycle, with its path; a mirror
};

/// From the sinks towards the producers, per platform (DESIGN 5). Linear in nodes plus edges. A model with errors may
/// be given: what cannot be resolved is left out.
Built Build(const model::Model& model);

/// The home platform of a workspace's transformer in `built`, or empty when it has none there.
std::string HomePlatform(const Built& built, const model::Model& model, const std::string& workspace);

std::string ToText(const IntentionGraph& graph);  ///< `key [priority]`, then `  -> key` per edge
std::string ToMermaid(const IntentionGraph& graph);
std::string ToJson(std::span<const IntentionGraph> graphs);

std::string_view Word(NodeKind kind);             ///< "Ingest", …
std::string_view Word(model::Priority priority);  ///< "critical", …, "lowest"

}  // namespace yellow::graph
