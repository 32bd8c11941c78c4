#include "cli/json_schema.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "load/shape.h"

namespace yellow::cli {
namespace {

using Json = nlohmann::ordered_json;
using load::Shape;

Json SchemaOf(const Shape& shape);

Json Scalar(const Shape& shape) {
  switch (shape.scalar) {
    case Shape::Scalar::kNone:
      break;
    case Shape::Scalar::kText: {
      // What looks like a number is a text here all the same, unless a pattern says that it is none.
      Json types = {"string"};
      if (shape.pattern.empty() || shape.also_number) types.push_back("number");
      if (shape.also_null) types.push_back("null");
      Json schema{{"type", types.size() == 1 ? types[0] : types}};
      if (!shape.pattern.empty()) schema["pattern"] = shape.pattern;
      return schema;
    }
    case Shape::Scalar::kBoolean:
      return {{"type", "boolean"}};
    case Shape::Scalar::kInteger: {
      Json schema{{"type", "integer"}};
      if (shape.least > std::numeric_limits<int>::min()) schema["minimum"] = shape.least;
      if (shape.most < std::numeric_limits<int>::max()) schema["maximum"] = shape.most;
      return schema;
    }
    case Shape::Scalar::kWord:
      return {{"enum", shape.words}};
  }
  return Json::object();
}

Json RecordSchema(const Shape& shape) {
  Json properties = Json::object(), required = Json::array();
  for (const load::Field& field : shape.fields) {
    Json property = SchemaOf(*field.shape);
    property["description"] = field.about;
    properties[field.name] = std::move(property);
    if (field.required) required.push_back(field.name);
  }
  Json schema{{"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = std::move(required);
  if (shape.one_of_fields) schema["minProperties"] = schema["maxProperties"] = 1;
  return schema;
}

Json SchemaOf(const Shape& shape) {
  Json forms = Json::array();
  if (shape.scalar != Shape::Scalar::kNone) forms.push_back(Scalar(shape));
  if (shape.items != nullptr) forms.push_back({{"type", "array"}, {"items", SchemaOf(*shape.items)}});
  if (shape.values != nullptr) {
    Json map{{"type", "object"}, {"additionalProperties", SchemaOf(*shape.values)}};
    if (shape.keys != nullptr) map["propertyNames"] = SchemaOf(*shape.keys);
    forms.push_back(std::move(map));
  }
  if (!shape.fields.empty()) forms.push_back(RecordSchema(shape));
  return forms.size() == 1 ? forms[0] : Json{{"anyOf", std::move(forms)}};
}

}  // namespace

std::string ModelJsonSchema() {
  Json kinds = Json::array(), choices = Json::array(), definitions = Json::object();
  for (const load::KindShape& kind : load::KindShapes()) {
    kinds.push_back(kind.name);
    choices.push_back({{"if", {{"properties", {{"kind", {{"const", kind.name}}}}}, {"required", {"kind"}}}},
                       {"then", {{"$ref", "#/$defs/" + kind.name}}}});
    Json definition = SchemaOf(*kind.shape);
    definition["description"] = kind.about;
    definition["properties"]["kind"] = {{"const", kind.name}, {"description", kind.about}};
    definitions[kind.name] = std::move(definition);
  }
  const Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                    {"title", "A document of a Yellow model"},
                    {"type", "object"},
                    {"properties", {{"kind", {{"enum", std::move(kinds)}}}}},
                    {"required", {"kind"}},
                    {"allOf", std::move(choices)},
                    {"$defs", std::move(definitions)}};
  return schema.dump(2) + "\n";
}

}  // namespace yellow::cli
