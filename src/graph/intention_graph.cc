#include "graph/intention_graph.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace yellow::graph {
namespace {

/// Fills one direction of the adjacency from sorted pairs.
void Compress(const std::vector<std::pair<uint32_t, uint32_t>>& edges, size_t nodes, std::vector<uint32_t>& start,
              std::vector<NodeId>& targets) {
  start.assign(nodes + 1, 0);
  for (const auto& edge : edges) ++start[edge.first + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  for (const auto& edge : edges) targets.push_back(NodeId{edge.second});
}

}  // namespace

IntentionGraph::IntentionGraph(std::string platform, std::vector<Node> nodes,
                               std::vector<std::pair<uint32_t, uint32_t>> edges, std::vector<DatasetNeed> needs)
    : platform_(std::move(platform)), needs_(std::move(needs)) {
  std::vector<uint32_t> order(nodes.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return nodes[a].key < nodes[b].key; });
  std::vector<uint32_t> rank(nodes.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    nodes_.push_back(std::move(nodes[order[i]]));
    YELLOW_CHECK(i == 0 || nodes_[i - 1].key < nodes_[i].key);
  }
  for (auto& [from, to] : edges) from = rank[from], to = rank[to];
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  Compress(edges, nodes_.size(), successor_start_, successors_);
  for (auto& [from, to] : edges) std::swap(from, to);
  std::sort(edges.begin(), edges.end());
  Compress(edges, nodes_.size(), predecessor_start_, predecessors_);
  std::sort(needs_.begin(), needs_.end());
}

std::span<const NodeId> IntentionGraph::successors(NodeId id) const {
  return std::span(successors_)
      .subspan(successor_start_[id.value], successor_start_[id.value + 1] - successor_start_[id.value]);
}

std::span<const NodeId> IntentionGraph::predecessors(NodeId id) const {
  return std::span(predecessors_)
      .subspan(predecessor_start_[id.value], predecessor_start_[id.value + 1] - predecessor_start_[id.value]);
}

std::optional<NodeId> IntentionGraph::Find(std::string_view key) const {
  const auto found = std::lower_bound(nodes_.begin(), nodes_.end(), key,
                                      [](const Node& node, std::string_view k) { return node.key < k; });
  if (found == nodes_.end() || found->key != key) return std::nullopt;
  return NodeId{static_cast<uint32_t>(found - nodes_.begin())};
}

std::string_view Word(NodeKind kind) {
  switch (kind) {
    case NodeKind::kIngest:
      return "Ingest";
    case NodeKind::kExport:
      return "Export";
    case NodeKind::kTrigger:
      return "Trigger";
    case NodeKind::kTransform:
      return "Transform";
  }
  return "";
}

std::string_view Word(model::Priority priority) {
  switch (priority) {
    case model::Priority::kLowest:
      return "lowest";
    case model::Priority::kLow:
      return "low";
    case model::Priority::kMedium:
      return "medium";
    case model::Priority::kHigh:
      return "high";
    case model::Priority::kCritical:
      return "critical";
  }
  return "";
}

}  // namespace yellow::graph
