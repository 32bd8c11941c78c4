#include "plan/test_cases.h"

#include <gmock/gmock.h>

#include "load/load.h"
#include "plan/table_difference.h"

namespace yellow::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kModel = R"(
kind: Datastore
name: Shop
capture: {sql_snapshot: {container: C, credential: c}}
datasets:
  customers: {key: [id], columns: {id: integer, name: text}}
---
kind: Workspace
name: Mask
groups: {In: {sinks: ["Shop.*", MaskOutput.customers]}}
transformer:
  code: {sql: mask/}
  output: {datastore: MaskOutput, datasets: {customers: {like: Shop.customers}}}
---
kind: Workspace
name: Other
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {mask: {customers: {name: redact}}}
  output: {datastore: OtherOutput, datasets: {customers: {like: Shop.customers}}}
)";

std::vector<TestCase> Tests(std::map<std::string, std::string> files, const std::string& workspace = "Mask") {
  files["model/all.yaml"] = kModel;
  const load::Loaded loaded = load::Load(files, "");
  return FindTests(loaded.model, *loaded.model.FindWorkspace(workspace), files);
}

TEST(TestCases, AreFoundBesideTheCode) {
  const auto tests = Tests({{"model/mask/tests/b/in/Shop.customers.csv", "id,name\n1,\n"},
                            {"model/mask/tests/b/in/MaskOutput.customers.csv", "id\n1\n"},
                            {"model/mask/tests/b/out/customers.csv", "id,name\n"},
                            {"model/mask/tests/b/README.md", "about it"},
                            {"model/mask/tests/a/out/customers.csv", "id\n"},
                            {"model/mask/customers.sql", "SELECT 1"},
                            {"model/tests/Other/x/out/customers.csv", "id\n"}});
  ASSERT_EQ(tests.size(), 2u);
  EXPECT_EQ(tests[0].name, "a");
  EXPECT_THAT(tests[0].problems, IsEmpty());
  EXPECT_THAT(tests[0].inputs, IsEmpty());
  EXPECT_EQ(tests[1].inputs.size(), 2u);
  EXPECT_EQ(tests[1].outputs.at("customers").file, "model/mask/tests/b/out/customers.csv");
}

TEST(TestCases, OfAMaskLieBesideItsDocument) {
  const auto tests = Tests({{"model/tests/Other/x/out/customers.csv", "id\n"}}, "Other");
  ASSERT_EQ(tests.size(), 1u);
  EXPECT_EQ(tests[0].name, "x");
}

TEST(TestCases, SayWhatIsWrong) {
  const std::string folder = "model/mask/tests/a/";
  const auto problems = [&](const std::string& path, const std::string& text) {
    return Tests({{folder + path, text}, {folder + "out/customers.csv", path == "out/customers.csv" ? text : "id\n"}})
        .at(0)
        .problems;
  };
  EXPECT_THAT(
      problems("in/Shop.custmers.csv", "id\n"),
      ElementsAre(folder + "in/Shop.custmers.csv: Shop.custmers is no input of Mask; did you mean Shop.customers?"));
  EXPECT_THAT(problems("in/customers.csv", "id\n"), ::testing::SizeIs(1));
  EXPECT_THAT(problems("out/orders.csv", "id\n"),
              ElementsAre(folder + "out/orders.csv: orders is no output of Mask; there are: customers"));
  EXPECT_THAT(problems("out/customers.csv", "id,nmae\n"),
              ElementsAre(folder + "out/customers.csv:1: customers has no column nmae; did you mean name?"));
  EXPECT_THAT(problems("in/Shop.customers.csv", "id,name\n1\n"),
              ElementsAre(folder + "in/Shop.customers.csv:2: there are 2 columns, and here 1 values"));
  EXPECT_THAT(problems("in/Shop.customers.json", "{}"),
              ElementsAre(folder + "in/Shop.customers.json: a fixture's name ends in .csv"));
  EXPECT_THAT(Tests({{folder + "in/Shop.customers.csv", "id\n"}}).at(0).problems,
              ElementsAre("model/mask/tests/a/out: there is no file to compare the output with"));
}

TEST(TestCases, FixturesAreNoCode) {
  EXPECT_TRUE(IsFixture("model/mask", "model/mask/tests/a/in/Shop.customers.csv"));
  EXPECT_FALSE(IsFixture("model/mask", "model/mask/tests/helper.py"));
  EXPECT_FALSE(IsFixture("model/mask", "model/mask/tests/a/in/deep/x.csv"));
  EXPECT_FALSE(IsFixture("model/mask", "model/mask/main.py"));
}

TEST(TableDifference, ByKey) {
  const TableRows expected{{"id", "name"}, {"id"}, {{"1", "A"}, {"2", std::nullopt}, {"3", "C"}, {"4", "D"}}};
  const TableRows actual{{"id", "name"}, {"id"}, {{"1", "A"}, {"2", ""}, {"4", "x y"}, {"5", "(null)"}}};
  const TableDifference difference = Compare(expected, actual);
  EXPECT_EQ(Summary(difference), "1 missing, 1 unexpected, 2 changed");
  EXPECT_EQ(Describe(difference, "  "),
            "  - id=3 name=C\n"
            "  + id=5 name=\"(null)\"\n"
            "  ~ id=2: name is \"\", expected (null)\n"
            "  ~ id=4: name is \"x y\", expected D\n");
  EXPECT_TRUE(Compare(expected, expected).empty());
}

TEST(TableDifference, WithoutAKeyRowsCount) {
  const TableRows expected{{"a"}, {}, {{"x"}, {"x"}, {std::nullopt}}};
  const TableRows actual{{"a"}, {}, {{"x"}, {""}, {"x"}, {"x"}}};
  EXPECT_EQ(Describe(Compare(expected, actual), ""), "- a=(null)\n+ a=\"\"\n+ a=x\n");
}

TEST(TableDifference, AKeyThatStandsTwiceInTheFixture) {
  const TableRows expected{{"id", "v"}, {"id"}, {{"1", "a"}, {"1", "b"}}};
  const TableRows actual{{"id", "v"}, {"id"}, {{"1", "b"}}};
  const TableDifference difference = Compare(expected, actual);
  EXPECT_EQ(difference.changed.size() + difference.missing.size(), 2u);
  EXPECT_TRUE(difference.unexpected.empty());
}

TEST(TableDifference, ShowsNoMoreThanAsked) {
  TableRows expected{{"a"}, {"a"}, {}};
  for (int i = 0; i < 5; ++i) expected.rows.push_back({std::to_string(i)});
  EXPECT_EQ(Describe(Compare(expected, {{"a"}, {"a"}, {}}), "", 2), "- a=0\n- a=1\n- … and 3 more\n");
}

}  // namespace
}  // namespace yellow::plan
