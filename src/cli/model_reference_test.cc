#include "cli/model_reference.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/json_schema.h"
#include "load/shape.h"
#include "testing/golden.h"

namespace yellow::cli {
namespace {

using load::Shape;

/// Fields without a word on what they are for, by path.
void WithoutWords(const Shape& shape, const std::string& path, std::set<const Shape*>& seen,
                  std::vector<std::string>& found) {
  if (!seen.insert(&shape).second) return;
  if (shape.what.empty()) found.push_back(path + " (what)");
  for (const load::Field& field : shape.fields) {
    if (field.about.empty() || field.about.back() != '.') found.push_back(path + "." + field.name);
    WithoutWords(*field.shape, path + "." + field.name, seen, found);
  }
  for (const Shape* below : {shape.items, shape.values, shape.keys}) {
    if (below != nullptr) WithoutWords(*below, path + "[]", seen, found);
  }
}

TEST(ModelReference, SaysWhatEveryFieldIsFor) {
  std::vector<std::string> found;
  std::set<const Shape*> seen;
  for (const load::KindShape& kind : load::KindShapes()) WithoutWords(*kind.shape, kind.name, seen, found);
  EXPECT_THAT(found, ::testing::IsEmpty());
}

TEST(ModelReference, IsWhatIsCommitted) {
  const std::string path = yellow::testing::SourceFolder() + "/docs/model-reference.md";
  if (getenv("UPDATE_GOLDEN") != nullptr) {
    ASSERT_EQ(getenv("CI"), nullptr) << "the reference is not rewritten in CI";
    std::ofstream(path, std::ios::binary) << ModelReference();
    return;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string committed((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(ModelReference(), committed) << "UPDATE_GOLDEN=1 rewrites " << path;
}

TEST(JsonSchema, HasEveryKindAndClosedRecords) {
  const auto schema = nlohmann::json::parse(ModelJsonSchema());
  for (const std::string& kind : load::Kinds()) EXPECT_TRUE(schema["$defs"].contains(kind)) << kind;
  const auto& datastore = schema["$defs"]["Datastore"];
  EXPECT_EQ(datastore["additionalProperties"], false);
  EXPECT_EQ(datastore["required"], nlohmann::json({"kind", "name", "capture", "datasets"}));
  EXPECT_EQ(datastore["properties"]["capture"]["maxProperties"], 1);
}

}  // namespace
}  // namespace yellow::cli
