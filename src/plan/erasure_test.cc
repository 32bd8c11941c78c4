#include "plan/erasure.h"

#include <gmock/gmock.h>

#include "load/load.h"

namespace yellow::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kErasedStores = R"(
kind: Team
name: Default
containers: {ShopDB: {postgres: {database: shop}}}
credentials: {reader: {type: user_password}}
---
kind: Datastore
name: Shop
capture: {sql_snapshot: {container: ShopDB, credential: reader}}
datasets:
  people: {key: [id], columns: {id: integer, name: {type: text, classification: pii.name}}}
  visits: {key: [id, day], columns: {id: integer, day: date, name: text}}
  unused: {key: [id], columns: {id: integer}}
---
)";

struct LaidModel {
  model::Model model;
  Physical physical;
};

LaidModel LaidOut(const std::string& workspaces) {
  load::Loaded loaded = load::Load({{"model/all.yaml", kErasedStores + workspaces}}, "");
  EXPECT_EQ(base::Render(loaded.diagnostics, {}), "");
  Physical physical = Lay(loaded.model, graph::Build(loaded.model), {});
  return {std::move(loaded.model), std::move(physical)};
}

std::string MaskOf(const std::string& name, const std::string& sinks, const std::string& rules,
                   const std::string& output, const std::string& datasets) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks + "]}}\ntransformer:\n  code: {mask: {" +
         rules + "}}\n  output: {datastore: " + output + ", datasets: {" + datasets + "}}\n---\n";
}

std::string SelectOf(const std::string& name, const std::string& sinks, const std::string& output) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks +
         "]}}\ntransformer:\n  code: {sql: t/}\n  output: {datastore: " + output +
         ", datasets: {o: {key: [id], columns: {id: integer}}}}\n---\n";
}

std::string ReaderOf(const std::string& name, const std::string& sinks) {
  return "kind: Workspace\nname: " + name + "\ngroups: {G: {sinks: [" + sinks + "]}}\n---\n";
}

Erasure Erased(const LaidModel& laid, const std::string& store, const std::string& dataset) {
  return PlanErasure(laid.model, laid.physical, {store, dataset}, "MergeDB");
}

std::vector<std::string> DatasetsOf(const Erasure& erasure) {
  std::vector<std::string> names;
  for (const ErasedDataset& one : erasure.datasets) names.push_back(ToString(one.table.dataset) + " of " + one.stream);
  return names;
}

std::vector<std::string> AddressesOf(const std::vector<sql::TableLayout>& tables) {
  std::vector<std::string> names;
  for (const sql::TableLayout& one : tables) names.push_back(ToString(one.dataset));
  return names;
}

TEST(Erasure, GoesWithAKeyThatMasksKeep) {
  // Shop.people -> First (mask, keeps id) -> One.people -> Second (mask) -> Two.people -> R
  const LaidModel laid =
      LaidOut(MaskOf("First", "Shop.people", "people: {name: redact}", "One", "people: {like: Shop.people}") +
              MaskOf("Second", "One.people", "people: {id: {keep: \"a number that only the shop knows\"}}", "Two",
                     "people: {like: One.people}") +
              ReaderOf("R", "Two.people, Shop.visits"));
  const Erasure erasure = Erased(laid, "Shop", "people");
  EXPECT_THAT(DatasetsOf(erasure), ElementsAre("Shop.people of Ingest/Main/Shop", "One.people of Ingest/Main/One",
                                               "Two.people of Ingest/Main/Two"));
  EXPECT_THAT(erasure.streams, ElementsAre("Ingest/Main/One", "Ingest/Main/Shop", "Ingest/Main/Two"));
  EXPECT_THAT(erasure.run_again, ElementsAre("Transform/Main/First", "Transform/Main/Second"));
  EXPECT_THAT(erasure.transformers, ElementsAre("Transform/Main/First", "Transform/Main/Second"));
  EXPECT_THAT(erasure.derived, IsEmpty());
}

TEST(Erasure, StopsWhereTheKeyBecomesAnother) {
  const LaidModel laid = LaidOut(MaskOf("First", "Shop.people", "people: {id: \"null\", name: redact}", "One",
                                        "people: {key: [name], columns: {id: integer, name: text}}") +
                                 ReaderOf("R", "One.people"));
  const Erasure erasure = Erased(laid, "Shop", "people");
  EXPECT_THAT(DatasetsOf(erasure), ElementsAre("Shop.people of Ingest/Main/Shop"));
  EXPECT_THAT(erasure.run_again, ElementsAre("Transform/Main/First"));
  EXPECT_THAT(AddressesOf(erasure.derived), ElementsAre("One.people"));
}

TEST(Erasure, SaysWhatSqlHasMadeAndWhatWasMadeOfThat) {
  // Shop.people -> First (sql) -> One.o -> Second (sql) -> Two.o -> R; Third reads the other dataset
  const LaidModel laid = LaidOut(SelectOf("First", "Shop.people", "One") + SelectOf("Second", "One.o", "Two") +
                                 SelectOf("Third", "Shop.visits", "Three") + ReaderOf("R", "Two.o, Three.o"));
  const Erasure erasure = Erased(laid, "Shop", "people");
  EXPECT_THAT(DatasetsOf(erasure), ElementsAre("Shop.people of Ingest/Main/Shop"));
  EXPECT_THAT(erasure.run_again, ElementsAre("Transform/Main/First"));
  EXPECT_THAT(erasure.transformers, ElementsAre("Transform/Main/First", "Transform/Main/Second"));
  EXPECT_THAT(erasure.streams, ElementsAre("Ingest/Main/One", "Ingest/Main/Shop", "Ingest/Main/Two"));
  EXPECT_THAT(AddressesOf(erasure.derived), ElementsAre("One.o", "Two.o"));
}

TEST(Erasure, ReferencesAndOwnOutputsAreRead) {
  const LaidModel laid = LaidOut(
      SelectOf("First", "Shop.visits, {dataset: Shop.people, reference: true}, One.o", "One") + ReaderOf("R", "One.o"));
  EXPECT_THAT(Erased(laid, "Shop", "people").run_again, ElementsAre("Transform/Main/First"));
  const Erasure own = Erased(laid, "One", "o");
  EXPECT_THAT(own.run_again, ElementsAre("Transform/Main/First"));
  EXPECT_THAT(own.streams, ElementsAre("Ingest/Main/One"));
}

TEST(Erasure, OfAnOutputEmptiesWhatItsWriterHasLeft) {
  const LaidModel laid = LaidOut(SelectOf("First", "Shop.people", "One") + ReaderOf("R", "One.o"));
  const Erasure erasure = Erased(laid, "One", "o");
  EXPECT_THAT(erasure.transformers, ElementsAre("Transform/Main/First"));
  EXPECT_THAT(erasure.run_again, IsEmpty());
}

TEST(Erasure, FindsADatasetThatNobodyUsesAnyMore) {
  const LaidModel laid = LaidOut(ReaderOf("R", "Shop.people"));
  EXPECT_THAT(DatasetsOf(Erased(laid, "Shop", "unused")), ElementsAre("Shop.unused of "));
  EXPECT_EQ(Erased(laid, "Shop", "unused").datasets[0].table.merge_table, "shop__unused");
}

TEST(Erasure, OfAnotherMergeDatabaseIsNothingHere) {
  const LaidModel laid = LaidOut(ReaderOf("R", "Shop.people"));
  EXPECT_THAT(PlanErasure(laid.model, laid.physical, {"Shop", "people"}, "ElsewhereDB").datasets, IsEmpty());
}

TEST(NamesOfTheKey, AreColumnsOfItsKind) {
  const auto table = [](std::vector<std::string> key, const std::vector<std::pair<std::string, std::string>>& columns) {
    sql::TableLayout made;
    made.key = std::move(key);
    for (const auto& [name, type] : columns) {
      std::string why;
      model::Column& column = made.columns.emplace_back();
      column.name = name, column.type = model::ParseType(type, &why)->type;
    }
    return made;
  };
  const sql::TableLayout one = table({"id"}, {{"id", "varchar(9)"}, {"name", "text"}});
  EXPECT_THAT(NamesOfTheKey(table({"n"}, {{"n", "integer"}, {"owner", "varchar(3)"}, {"id", "text"}}), one),
              ElementsAre(ElementsAre("id"), ElementsAre("owner")));
  EXPECT_THAT(NamesOfTheKey(table({"id"}, {{"id", "integer"}, {"tags", "text[]"}, {"data", "bytea"}}), one), IsEmpty());
  const sql::TableLayout two = table({"id", "day"}, {{"id", "integer"}, {"day", "date"}});
  EXPECT_THAT(NamesOfTheKey(table({"n"}, {{"n", "integer"}, {"day", "date"}, {"id", "integer"}}), two),
              ElementsAre(ElementsAre("id", "day")));
  EXPECT_THAT(NamesOfTheKey(table({"n"}, {{"n", "integer"}, {"Day", "date"}, {"id", "integer"}}), two), IsEmpty())
      << "of several columns it is looked for under its own names";
}

}  // namespace
}  // namespace yellow::plan
