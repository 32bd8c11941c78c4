#include "load/shape.h"

#include <algorithm>
#include <charconv>

#include "base/suggest.h"
#include "load/secrets.h"

namespace yellow::load {
namespace {

std::string Joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string Expected(const Shape& shape) { return shape.what.empty() ? "another kind of value" : shape.what; }

bool CheckScalar(const Node& node, const Shape& shape, base::Diagnostics& diagnostics) {
  switch (shape.scalar) {
    case Shape::Scalar::kNone:
    case Shape::Scalar::kText:
      if (!node.quoted && node.text.empty()) {
        diagnostics.Error("Y203", node.where, "a value is missing here", "write " + Expected(shape));
        return false;
      }
      return true;
    case Shape::Scalar::kBoolean:
      if (!node.quoted && (node.text == "true" || node.text == "false")) return true;
      diagnostics.Error("Y204", node.where, "this is neither true nor false: " + node.text,
                        "write true or false, without quotes");
      return false;
    case Shape::Scalar::kInteger: {
      int value = 0;
      const char* end = node.text.data() + node.text.size();
      const auto result = std::from_chars(node.text.data(), end, value);
      const bool whole = result.ec == std::errc() && result.ptr == end;
      if (whole && value >= shape.least && value <= shape.most) return true;
      diagnostics.Error("Y204", node.where, "this is not " + Expected(shape) + ": " + node.text,
                        whole ? "write " + Expected(shape) : "write digits only");
      return false;
    }
    case Shape::Scalar::kWord: {
      if (std::find(shape.words.begin(), shape.words.end(), node.text) != shape.words.end()) return true;
      diagnostics.Error("Y204", node.where, "this is not " + Expected(shape) + ": " + node.text,
                        base::DidYouMean(node.text, shape.words));
      return false;
    }
  }
  return false;
}

/// A key that the record does not have.
void RefuseKey(const Node& key, const Shape& shape, base::Diagnostics& diagnostics) {
  std::vector<std::string> known, kinds;
  for (const Field& field : shape.fields) {
    known.push_back(field.name);
    if (field.required) kinds.push_back(field.name);
  }
  if (shape.choice.empty() || !base::Suggest(key.text, known).empty()) {
    diagnostics.Error("Y201", key.where, "unknown key: " + key.text, base::DidYouMean(key.text, known));
  } else {
    diagnostics.Error("Y201", key.where, "there is no such " + shape.choice + ": " + key.text,
                      "there are: " + Joined(kinds.empty() ? known : kinds));
  }
}

void CheckRecord(const Node& node, const Shape& shape, base::Diagnostics& diagnostics) {
  std::vector<std::string> known;
  for (const Field& field : shape.fields) known.push_back(field.name);
  size_t chosen = 0;
  bool unknown = false;
  for (size_t i = 0; i < node.entries.size(); ++i) {
    const auto& [key, value] = node.entries[i];
    const auto field =
        std::find_if(shape.fields.begin(), shape.fields.end(), [&](const Field& f) { return key.text == f.name; });
    if (field != shape.fields.end()) {
      ++chosen;
      CheckShape(value, *field->shape, diagnostics);
    } else if (IsCutType(node, i)) {
      diagnostics.Error("Y205", node.entries[i - 1].value.where,
                        "the comma inside { } ends this value: " + node.entries[i - 1].value.text,
                        "put quotes around the type: \"" + node.entries[i - 1].value.text + "," + key.text + "\"");
    } else {
      unknown = true;
      if (IsSecretWord(key.text) && !value.IsNull()) {
        RefuseSecret({key.where.file, key.where.begin, value.where.end}, diagnostics);
        continue;
      }
      RefuseKey(key, shape, diagnostics);
    }
  }
  for (const Field& field : shape.fields) {
    if (!field.required || node.Find(field.name) != nullptr || (unknown && !shape.choice.empty())) continue;
    diagnostics.Error("Y202", {node.where.file, node.where.begin, {node.where.begin.line, node.where.begin.column + 1}},
                      "a key is missing: " + field.name, "add " + field.name + ": " + field.shape->what);
  }
  if (shape.one_of_fields && chosen != 1 && !(unknown && chosen == 0)) {
    diagnostics.Error("Y206", node.where, "exactly one key is wanted here, and there are " + std::to_string(chosen),
                      "write one of: " + Joined(known));
  }
}

void CheckMap(const Node& node, const Shape& shape, base::Diagnostics& diagnostics) {
  for (size_t i = 0; i < node.entries.size(); ++i) {
    if (IsCutType(node, i)) {
      const std::string& before = node.entries[i - 1].value.text;
      diagnostics.Error("Y205", node.entries[i - 1].value.where, "the comma inside { } ends this value: " + before,
                        "put quotes around the type: \"" + before + "," + node.entries[i].key.text + "\"");
      continue;
    }
    CheckShape(node.entries[i].value, *shape.values, diagnostics);
  }
}

}  // namespace

bool IsCutType(const Node& node, size_t at) {
  if (!node.flow || at == 0) return false;
  const auto& [key, value] = node.entries[at];
  const auto& before = node.entries[at - 1].value;
  return value.IsNull() && key.text.find(')') != std::string::npos && before.kind == Node::Kind::kScalar &&
         before.text.find('(') != std::string::npos && before.text.find(')') == std::string::npos;
}

bool CheckShape(const Node& node, const Shape& shape, base::Diagnostics& diagnostics) {
  if (node.kind == Node::Kind::kScalar && shape.scalar != Shape::Scalar::kNone)
    return CheckScalar(node, shape, diagnostics);
  if (node.kind == Node::Kind::kSequence && shape.items != nullptr) {
    for (const Node& item : node.items) CheckShape(item, *shape.items, diagnostics);
    return true;
  }
  if (node.kind == Node::Kind::kMapping && shape.values != nullptr) {
    CheckMap(node, shape, diagnostics);
    return true;
  }
  if (node.kind == Node::Kind::kMapping && !shape.fields.empty()) {
    CheckRecord(node, shape, diagnostics);
    return true;
  }
  static constexpr const char* kFound[] = {"a single value", "a list", "a mapping"};
  diagnostics.Error("Y203", node.where,
                    "this should be " + Expected(shape) + ", and is " + kFound[static_cast<int>(node.kind)],
                    "write " + Expected(shape));
  return false;
}

}  // namespace yellow::load
