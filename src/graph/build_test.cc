#include <gmock/gmock.h>

#include "graph/intention_graph.h"
#include "load/load.h"

namespace yellow::graph {
namespace {

/// A store of one dataset, and workspaces that are written as `kind: Workspace` documents.
Built FromText(const std::string& documents) {
  const std::string base = R"(
kind: Team
name: Default
containers: {ShopDB: {postgres: {database: shop}}}
credentials: {reader: {type: user_password}}
---
kind: Datastore
name: Shop
capture: {sql_snapshot: {container: ShopDB, credential: reader}}
datasets:
  a: {key: [id], columns: {id: integer}}
  b: {key: [id], columns: {id: integer}}
---
)";
  load::Loaded loaded = load::Load({{"model/all.yaml", base + documents}}, "");
  EXPECT_EQ(base::Render(loaded.diagnostics, {}), "");
  return Build(loaded.model);
}

std::string Transformer(const std::string& name, const std::string& sinks, const std::string& output) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks +
         "]}}\ntransformer:\n  code: {sql: t/}\n  output: {datastore: " + output +
         ", datasets: {o: {key: [id], columns: {id: integer}}}}\n---\n";
}

std::string Reader(const std::string& name, const std::string& sinks, const std::string& priority) {
  return "kind: Workspace\nname: " + name + "\npriority: " + priority + "\ngroups: {G: {sinks: [" + sinks +
         "]}}\n---\n";
}

// Shop.a -> T -> Out.o -> R(high); Shop.b -> S(low)
TEST(Build, ChainWithPriorities) {
  const Built built =
      FromText(Transformer("T", "Shop.a", "Out") + Reader("R", "Out.o", "high") + Reader("S", "Shop.b", "low"));
  EXPECT_TRUE(built.diagnostics.empty());
  ASSERT_EQ(built.graphs.size(), 1u);
  EXPECT_EQ(ToText(built.graphs[0]),
            "Export/Main/MergeDB/Out/o [high]\n"
            "Export/Main/MergeDB/Shop/a [high]\n"
            "  -> Trigger/Main/T\n"
            "Export/Main/MergeDB/Shop/b [low]\n"
            "Ingest/Main/Out [high]\n"
            "  -> Export/Main/MergeDB/Out/o\n"
            "Ingest/Main/Shop [high]\n"
            "  -> Export/Main/MergeDB/Shop/a\n"
            "  -> Export/Main/MergeDB/Shop/b\n"
            "Transform/Main/T [high]\n"
            "  -> Ingest/Main/Out\n"
            "Trigger/Main/T [high]\n"
            "  -> Transform/Main/T\n");
}

TEST(Build, SelfReferenceIsLegal) {
  const Built built = FromText(Transformer("T", "Shop.a, Out.o", "Out") + Reader("R", "Out.o", "high"));
  EXPECT_TRUE(built.diagnostics.empty());
  EXPECT_THAT(ToText(built.graphs.at(0)),
              ::testing::HasSubstr("Export/Main/MergeDB/Out/o [high]\n  -> Trigger/Main/T\n"));
}

TEST(Build, UnusedOutputHasNoTransform) {
  const Built built = FromText(Transformer("T", "Shop.a, Out.o", "Out"));
  EXPECT_EQ(ToText(built.graphs.at(0)),
            "Export/Main/MergeDB/Shop/a [lowest]\nIngest/Main/Shop [lowest]\n  -> Export/Main/MergeDB/Shop/a\n");
}

TEST(Build, CycleNamesItsPath) {
  const Built built = FromText(Transformer("T", "Two.o, Shop.a", "One") + Transformer("U", "One.o", "Two"));
  ASSERT_EQ(built.diagnostics.items().size(), 1u);
  const std::string& message = built.diagnostics.items()[0].message;
  for (const char* node :
       {"Transform/Main/T", "Ingest/Main/One", "Export/Main/MergeDB/One/o", "Trigger/Main/U", "Ingest/Main/Two"}) {
    EXPECT_THAT(message, ::testing::HasSubstr(node));
  }
}

TEST(Build, JsonIsAnArrayOfPlatforms) {
  const Built built = FromText(Reader("S", "Shop.b", "low"));
  EXPECT_EQ(ToJson(built.graphs),
            "[\n  {\"platform\": \"Main\",\n   \"nodes\": [\n"
            "     {\"key\": \"Export/Main/MergeDB/Shop/b\", \"kind\": \"Export\", \"priority\": \"low\", \"store\": "
            "\"Shop\", \"dataset\": \"b\", \"container\": \"MergeDB\"},\n"
            "     {\"key\": \"Ingest/Main/Shop\", \"kind\": \"Ingest\", \"priority\": \"low\", \"store\": "
            "\"Shop\"}],\n   \"edges\": [\n"
            "     {\"from\": \"Ingest/Main/Shop\", \"to\": \"Export/Main/MergeDB/Shop/b\"}]}\n]");
}

}  // namespace
}  // namespace yellow::graph
