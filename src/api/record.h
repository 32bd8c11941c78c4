#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// What programs read (`--output json`) is described once, field by field; its JSON and its JSON Schema (2020-12) both
/// come from the description, so that neither can have a field that the other has not.
namespace yellow::api {

using Json = nlohmann::ordered_json;

template <typename V>
inline constexpr bool kIsOptional = false;
template <typename V>
inline constexpr bool kIsOptional<std::optional<V>> = true;
template <typename V>
inline constexpr bool kIsList = false;
template <typename V>
inline constexpr bool kIsList<std::vector<V>> = true;

/// The schema of a plain value: text, number, truth, an optional of one (null while it is not there), or a list.
template <typename V>
Json PlainSchema() {
  if constexpr (std::is_same_v<V, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<V>) {
    return {{"type", "integer"}};
  } else if constexpr (std::is_floating_point_v<V>) {
    return {{"type", "number"}};
  } else if constexpr (kIsOptional<V>) {
    Json schema = PlainSchema<typename V::value_type>();
    schema["type"] = Json::array({schema["type"], "null"});
    return schema;
  } else if constexpr (kIsList<V>) {
    return {{"type", "array"}, {"items", PlainSchema<typename V::value_type>()}};
  } else {
    static_assert(std::is_convertible_v<V, std::string_view>, "describe it by a Record of its own");
    return {{"type", "string"}};
  }
}

template <typename V>
Json PlainValue(const V& value) {
  if constexpr (kIsOptional<V>) {
    return value ? Json(*value) : Json(nullptr);
  } else {
    return Json(value);
  }
}

inline Json OrNull(Json schema) { return {{"anyOf", Json::array({std::move(schema), {{"type", "null"}}})}}; }

/// RFC 3339, UTC.
inline Json TimeSchema() {
  return {{"type", "string"}, {"format", "date-time"}, {"pattern", R"(^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$)"}};
}

/// `{"code": …, "text": …}`: a stable word, and a sentence for people.
inline Json BecauseSchema() {
  return {{"type", "object"},
          {"properties", {{"code", {{"type", "string"}}}, {"text", {{"type", "string"}}}}},
          {"required", {"code", "text"}},
          {"additionalProperties", false}};
}

inline Json Because(const std::string& code, const std::string& text) {
  return code.empty() ? Json(nullptr) : Json{{"code", code}, {"text", text}};
}

inline Json ListOf(Json item_schema) { return {{"type", "array"}, {"items", std::move(item_schema)}}; }

/// A JSON object made of a T: its fields in their order. Every field is always there. Getters are members, member
/// functions or callables of `const T&`.
template <typename T>
class Record {
 public:
  /// A plain value.
  template <typename Get>
  Record& Field(const char* name, const char* about, Get get) {
    using V = std::remove_cvref_t<std::invoke_result_t<Get, const T&>>;
    return As(name, about, PlainSchema<V>(), [get](const T& it) { return PlainValue<V>(std::invoke(get, it)); });
  }
  /// One of these words.
  template <typename Get>
  Record& Word(const char* name, const char* about, const std::vector<std::string>& words, Get get) {
    return As(name, about, {{"enum", words}}, [get](const T& it) { return Json(std::invoke(get, it)); });
  }
  /// A text that is null when it is empty.
  template <typename Get>
  Record& TextOrNull(const char* name, const char* about, Get get) {
    return As(name, about, PlainSchema<std::optional<std::string>>(), Filled(get));
  }
  template <typename Get>
  Record& Time(const char* name, const char* about, Get get) {
    return As(name, about, TimeSchema(), [get](const T& it) { return Json(std::invoke(get, it)); });
  }
  /// null when the text is empty.
  template <typename Get>
  Record& TimeOrNull(const char* name, const char* about, Get get) {
    return As(name, about, OrNull(TimeSchema()), Filled(get));
  }
  /// null when the code is empty.
  template <typename Code, typename Text>
  Record& Reason(const char* name, const char* about, Code code, Text text) {
    return As(name, about, OrNull(BecauseSchema()),
              [code, text](const T& it) { return Because(std::invoke(code, it), std::invoke(text, it)); });
  }
  /// The `reason` of what needs none.
  Record& NoReason() {
    return As("reason", "There is none.", {{"type", "null"}}, [](const T&) { return Json(nullptr); });
  }
  /// A list of objects; `get` returns a range of U.
  template <typename U, typename Get>
  Record& List(const char* name, const char* about, const Record<U>& item, Get get) {
    return As(name, about, item.ListSchema(), [item, get](const T& it) { return item.List(std::invoke(get, it)); });
  }
  template <typename U, typename Get>
  Record& Object(const char* name, const char* about, const Record<U>& part, Get get) {
    return As(name, about, part.Schema(), [part, get](const T& it) { return part.Write(std::invoke(get, it)); });
  }
  /// null when the optional is empty.
  template <typename U, typename Get>
  Record& Maybe(const char* name, const char* about, const Record<U>& part, Get get) {
    return As(name, about, OrNull(part.Schema()), [part, get](const T& it) {
      const auto& value = std::invoke(get, it);
      return value ? part.Write(*value) : Json(nullptr);
    });
  }
  /// All fields of another record, as fields of this one.
  template <typename U, typename Get>
  Record& Include(const Record<U>& other, Get get) {
    for (const auto& field : other.fields()) {
      fields_.push_back(
          {field.name, field.schema, [write = field.write, get](const T& it) { return write(std::invoke(get, it)); }});
    }
    return *this;
  }
  /// Anything else, with the schema that it follows.
  Record& As(const char* name, const char* about, const Json& schema, std::function<Json(const T&)> write) {
    Json described{{"description", about}};
    described.update(schema);
    fields_.push_back({name, std::move(described), std::move(write)});
    return *this;
  }

  Json Write(const T& it) const {
    Json object = Json::object();
    for (const FieldOf& field : fields_) object[field.name] = field.write(it);
    return object;
  }
  template <typename Range>
  Json List(const Range& range) const {
    Json list = Json::array();
    for (const T& it : range) list.push_back(Write(it));
    return list;
  }
  Json Schema() const {
    Json properties = Json::object(), required = Json::array();
    for (const FieldOf& field : fields_) {
      properties[field.name] = field.schema;
      required.push_back(field.name);
    }
    return {{"type", "object"},
            {"properties", std::move(properties)},
            {"required", std::move(required)},
            {"additionalProperties", false}};
  }
  Json ListSchema() const { return ListOf(Schema()); }

  struct FieldOf {
    std::string name;
    Json schema;
    std::function<Json(const T&)> write;
  };
  const std::vector<FieldOf>& fields() const { return fields_; }

 private:
  template <typename Get>
  static std::function<Json(const T&)> Filled(Get get) {
    return [get](const T& it) {
      const std::string text(std::invoke(get, it));
      return text.empty() ? Json(nullptr) : Json(text);
    };
  }

  std::vector<FieldOf> fields_;
};

/// As it is printed: indented; what is no UTF-8, as the output of some program, becomes U+FFFD.
inline std::string Printed(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }
/// The same in one line.
inline std::string PrintedInLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace yellow::api
