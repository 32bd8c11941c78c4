#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace yellow::access {

/// A JSON value of the audit log: what is hashed must have one spelling, so numbers are integers of 64 bits and the
/// keys of an object are sorted.
struct JsonValue {
  using List = std::vector<JsonValue>;
  using Object = std::map<std::string, JsonValue, std::less<>>;
  std::variant<std::nullptr_t, bool, int64_t, std::string, List, Object> value = nullptr;

  bool operator==(const JsonValue&) const = default;
  /// The value of a key; nullptr when there is none, or this is no object.
  const JsonValue* Find(std::string_view key) const;
  const std::string* Text() const { return std::get_if<std::string>(&value); }
  const int64_t* Integer() const { return std::get_if<int64_t>(&value); }
};

/// Any JSON (RFC 8259) of valid UTF-8 that is nested no deeper than 64. A number that is no integer of 64 bits becomes
/// the text of its spelling; of a key that stands twice the last value counts. Nothing when it is no JSON.
std::optional<JsonValue> ParseJson(std::string_view text);

/// The one spelling of a value: no spaces, keys sorted by their bytes, in strings a backslash before `"` and `\`,
/// \u00xx for the characters below U+0020 and nothing else escaped. ParseJson of it gives the same value.
std::string Canonical(const JsonValue& value);

}  // namespace yellow::access
