#include "load/node.h"

#include <yaml.h>

#include <memory>
#include <set>

namespace yellow::load {
namespace {

constexpr size_t kDeepest = 64;

base::Position At(const yaml_mark_t& mark) {
  return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

struct EventGuard {
  EventGuard() = default;
  ~EventGuard() { yaml_event_delete(&event); }
  EventGuard(const EventGuard&) = delete;
  EventGuard& operator=(const EventGuard&) = delete;
  yaml_event_t event{};
};

/// A recursive descent over the events of one file; stops at the first event that cannot be read.
class Parser {
 public:
  Parser(const std::string& file, std::string_view text, base::Diagnostics& diagnostics)
      : file_(file), diagnostics_(diagnostics) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~Parser() { yaml_parser_delete(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  std::vector<Node> Documents() {
    std::vector<Node> documents;
    while (true) {
      EventGuard guard;
      if (!Next(guard.event)) return documents;
      if (guard.event.type == YAML_STREAM_END_EVENT) return documents;
      if (guard.event.type != YAML_DOCUMENT_START_EVENT) continue;
      EventGuard first;
      Node node;
      if (!Next(first.event) || !Value(first.event, node, 0)) return documents;
      if (!node.IsNull()) documents.push_back(std::move(node));
    }
  }

 private:
  bool Next(yaml_event_t& event) {
    if (yaml_parser_parse(&parser_, &event) == 1) return true;
    const base::Position at = parser_.error == YAML_READER_ERROR ? base::Position{0, 0} : At(parser_.problem_mark);
    std::string message =
        "this is not YAML: " + std::string(parser_.problem != nullptr ? parser_.problem : "unreadable");
    if (parser_.error == YAML_READER_ERROR) message += ", at byte " + std::to_string(parser_.problem_offset);
    diagnostics_.Error("Y101", {file_, at, {at.line, at.column + 1}}, message,
                       parser_.context != nullptr ? "found " + std::string(parser_.context) + " that began at line " +
                                                        std::to_string(parser_.context_mark.line + 1)
                                                  : "check indentation, quotes and brackets near this place");
    return false;
  }

  base::SourceRange Range(const yaml_event_t& event) const { return {file_, At(event.start_mark), At(event.end_mark)}; }

  void Refuse(const yaml_event_t& event, const char* code, const std::string& message, const std::string& remedy) {
    diagnostics_.Error(code, Range(event), message, remedy);
  }

  void RefuseProperties(const yaml_event_t& event, const yaml_char_t* anchor, const yaml_char_t* tag) {
    if (anchor != nullptr) Refuse(event, "Y102", "anchors are not allowed", "write the value where it is used");
    if (tag != nullptr) Refuse(event, "Y102", "tags are not allowed", "leave the tag out; fields know their types");
  }

  bool Value(const yaml_event_t& event, Node& node, size_t depth) {
    node.where = Range(event);
    if (depth > kDeepest) {
      Refuse(event, "Y104", "this is nested too deeply", "no document needs more than 64 levels");
      return false;
    }
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        RefuseProperties(event, event.data.scalar.anchor, event.data.scalar.tag);
        node.kind = Node::Kind::kScalar;
        node.text.assign(reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length);
        node.quoted = event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        return true;
      case YAML_ALIAS_EVENT:
        Refuse(event, "Y102", "aliases are not allowed", "write the value where it is used");
        return true;
      case YAML_SEQUENCE_START_EVENT:
        RefuseProperties(event, event.data.sequence_start.anchor, event.data.sequence_start.tag);
        node.kind = Node::Kind::kSequence;
        node.flow = event.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
        return Sequence(node, depth);
      case YAML_MAPPING_START_EVENT:
        RefuseProperties(event, event.data.mapping_start.anchor, event.data.mapping_start.tag);
        node.kind = Node::Kind::kMapping;
        node.flow = event.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
        return Mapping(node, depth);
      default:
        return true;
    }
  }

  bool Sequence(Node& node, size_t depth) {
    while (true) {
      EventGuard guard;
      if (!Next(guard.event)) return false;
      if (guard.event.type == YAML_SEQUENCE_END_EVENT) {
        node.where.end = At(guard.event.end_mark);
        return true;
      }
      Node item;
      const bool good = Value(guard.event, item, depth + 1);
      node.items.push_back(std::move(item));
      if (!good) return false;
    }
  }

  bool Mapping(Node& node, size_t depth) {
    std::set<std::string> keys;
    while (true) {
      EventGuard key_guard, value_guard;
      if (!Next(key_guard.event)) return false;
      if (key_guard.event.type == YAML_MAPPING_END_EVENT) {
        node.where.end = At(key_guard.event.end_mark);
        return true;
      }
      Node key, value;
      if (!Value(key_guard.event, key, depth + 1)) return false;
      const bool good = Next(value_guard.event) && Value(value_guard.event, value, depth + 1);
      if (key.kind != Node::Kind::kScalar) {
        diagnostics_.Error("Y102", key.where, "a key must be a word", "write it without brackets");
      } else if (key.text == "<<") {
        diagnostics_.Error("Y102", key.where, "merge keys are not allowed", "write the fields where they are used");
      } else if (!keys.insert(key.text).second) {
        diagnostics_.Error("Y103", key.where, "this key stands twice: " + key.text, "keep one of them");
      } else {
        node.entries.push_back({std::move(key), std::move(value)});
      }
      if (!good) return false;
    }
  }

  const std::string& file_;
  base::Diagnostics& diagnostics_;
  yaml_parser_t parser_{};
};

}  // namespace

const Node* Node::Find(std::string_view key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

std::vector<Node> ParseYaml(const std::string& file, std::string_view text, base::Diagnostics& diagnostics) {
  return Parser(file, text, diagnostics).Documents();
}

}  // namespace yellow::load
