#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"

namespace yellow::load {

/// A YAML value with its place. Every scalar is text; whether it was quoted is kept, because `"*/5 * * * *"` and `true`
/// are told apart by their fields, not by YAML.
struct Node {
  struct Entry;
  enum class Kind { kScalar, kSequence, kMapping };
  Kind kind = Kind::kScalar;
  base::SourceRange where;
  std::string text;
  bool quoted = false;
  bool flow = false;  ///< `{…}` or `[…]`
  std::vector<Node> items;
  std::vector<Entry> entries;  ///< in the order of the text

  const Node* Find(std::string_view key) const;
  bool IsNull() const { return kind == Kind::kScalar && !quoted && (text.empty() || text == "~" || text == "null"); }
};
struct Node::Entry {
  Node key;
  Node value;
};

/// The documents of one file, through libyaml's events. Refused with a diagnostic: what is not YAML or UTF-8, anchors
/// and aliases, tags, merge keys, duplicate keys, keys that are not scalars, nesting deeper than 64. What came before
/// the mistake is returned.
std::vector<Node> ParseYaml(const std::string& file, std::string_view text, base::Diagnostics& diagnostics);

}  // namespace yellow::load
