#include "base/json_text.h"
#include "graph/intention_graph.h"

// The graph as text for people, for Mermaid, and as JSON for programs.
namespace yellow::graph {
namespace {

using base::JsonString;

std::string JsonNode(const Node& node) {
  std::string out = "{\"key\": " + JsonString(node.key) + ", \"kind\": " + JsonString(Word(node.kind)) +
                    ", \"priority\": " + JsonString(Word(node.priority));
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) out += std::string(", \"") + name + "\": " + JsonString(value);
  };
  add("store", node.store);
  add("dataset", node.dataset);
  add("container", node.container);
  add("workspace", node.workspace);
  add("mirror_of", node.mirror_of);
  return out + "}";
}

template <typename Visit>
void EachEdge(const IntentionGraph& graph, Visit visit) {
  for (uint32_t i = 0; i < graph.nodes().size(); ++i) {
    for (const NodeId to : graph.successors(NodeId{i})) visit(i, to.value);
  }
}

}  // namespace

std::string ToText(const IntentionGraph& graph) {
  std::string out;
  for (uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    out += node.key + " [" + std::string(Word(node.priority)) + "]\n";
    for (const NodeId to : graph.successors(NodeId{i})) out += "  -> " + graph.node(to).key + "\n";
  }
  return out;
}

std::string ToMermaid(const IntentionGraph& graph) {
  std::string out = "flowchart LR\n";
  for (uint32_t i = 0; i < graph.nodes().size(); ++i) {
    out += "  n" + std::to_string(i) + "[\"" + graph.nodes()[i].key + "\"]\n";
  }
  EachEdge(graph, [&](uint32_t from, uint32_t to) {
    out += "  n" + std::to_string(from) + " --> n" + std::to_string(to) + "\n";
  });
  return out;
}

std::string ToJson(std::span<const IntentionGraph> graphs) {
  std::string out = "[";
  for (const IntentionGraph& graph : graphs) {
    if (out.size() > 1) out += ",";
    out += "\n  {\"platform\": " + JsonString(graph.platform()) + ",\n   \"nodes\": [";
    bool first = true;
    for (const Node& node : graph.nodes()) {
      out += (first ? "\n     " : ",\n     ") + JsonNode(node);
      first = false;
    }
    out += "],\n   \"edges\": [";
    first = true;
    EachEdge(graph, [&](uint32_t from, uint32_t to) {
      out += (first ? "\n     " : ",\n     ");
      out +=
          "{\"from\": " + JsonString(graph.nodes()[from].key) + ", \"to\": " + JsonString(graph.nodes()[to].key) + "}";
      first = false;
    });
    out += "]}";
  }
  return out + (out.size() > 1 ? "\n]" : "]");
}

}  // namespace yellow::graph
