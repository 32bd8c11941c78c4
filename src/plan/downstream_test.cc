#include "plan/downstream.h"

#include <gmock/gmock.h>

#include "load/load.h"

namespace yellow::plan {
namespace {

using ::testing::ElementsAre;

Physical Lain(const std::string& workspaces) {
  const std::string stores = R"(
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
kind: Datastore
name: Single
capture: {sql_snapshot: {container: ShopDB, credential: reader, consistency: single_dataset}}
datasets:
  a: {key: [id], columns: {id: integer}}
  b: {key: [id], columns: {id: integer}}
---
)";
  load::Loaded loaded = load::Load({{"model/all.yaml", stores + workspaces}}, "");
  EXPECT_EQ(base::Render(loaded.diagnostics, {}), "");
  return Lay(loaded.model, graph::Build(loaded.model), {});
}

std::string Transformer(const std::string& name, const std::string& sinks, const std::string& output) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks +
         "]}}\ntransformer:\n  code: {sql: t/}\n  output: {datastore: " + output +
         ", datasets: {o: {key: [id], columns: {id: integer}}}}\n---\n";
}

std::string Reader(const std::string& name, const std::string& sinks) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks + "]}}\n---\n";
}

// Shop.a -> First -> One.o -> Second -> Two.o -> R;  Shop.b is a reference of Second;  S reads Shop.b
const std::string kChain = Transformer("First", "Shop.a", "One") +
                           Transformer("Second", "One.o, {dataset: Shop.b, reference: true}, Two.o", "Two") +
                           Reader("R", "Two.o") + Reader("S", "Shop.b");

TEST(Downstream, GoesThroughEveryTransformer) {
  const Physical physical = Lain(kChain);
  const Downstream all = DownstreamOf(physical, "Ingest/Main/Shop");
  EXPECT_THAT(all.transformers, ElementsAre("First", "Second"));
  EXPECT_THAT(all.stores, ElementsAre("One", "Two"));
  EXPECT_THAT(all.readers, ElementsAre("R", "S"));
  EXPECT_EQ(ToSentence(all), "runs First and Second, writes One and Two, is seen in R and S");
}

TEST(Downstream, OfATransformerIsThatOfItsOutput) {
  const Physical physical = Lain(kChain);
  EXPECT_EQ(DownstreamOf(physical, "Transform/Main/First"), (Downstream{{"Second"}, {"One", "Two"}, {"R"}}));
  // Its own output triggers nothing.
  EXPECT_EQ(DownstreamOf(physical, "Transform/Main/Second"), (Downstream{{}, {"Two"}, {"R", "Second"}}));
}

TEST(Downstream, OfOneDatasetWhereEachIsAStream) {
  const Physical physical =
      Lain(Transformer("First", "Single.a", "One") + Reader("R", "One.o") + Reader("S", "Single.b"));
  EXPECT_EQ(DownstreamOf(physical, "Ingest/Main/Single/a"), (Downstream{{"First"}, {"One"}, {"R"}}));
  EXPECT_EQ(DownstreamOf(physical, "Ingest/Main/Single/b"), (Downstream{{}, {}, {"S"}}));
}

TEST(Downstream, OfAReferenceOnlyWhoSeesIt) {
  const Physical physical =
      Lain(Transformer("First", "Shop.a, {dataset: Single.b, reference: true}", "One") + Reader("R", "One.o"));
  EXPECT_EQ(DownstreamOf(physical, "Ingest/Main/Single/b"), (Downstream{{}, {}, {"First"}}));
  EXPECT_TRUE(DownstreamOf(physical, "Ingest/Main/Nothing").empty());
  EXPECT_EQ(ToSentence({}), "nothing");
}

}  // namespace
}  // namespace yellow::plan
