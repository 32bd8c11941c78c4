#include "sql/transformer_select.h"

#include <gmock/gmock.h>

namespace yellow::sql {
namespace {

std::string Rewrite(const std::string& text, model::Mode mode = model::Mode::kFull) {
  const std::string changes = mode == model::Mode::kIncremental ? "changes_of_" : "";
  const std::vector<SelectInput> inputs{
      {{"G", "Shop", "customers"}, "ws_w", "g__shop__customers", changes + "customers"},
      {{"G", "Shop", "orders"}, "ws_w", "g__shop__orders", changes + "orders"},
      {{"H", "Shop", "orders"}, "ws_w", "h__shop__orders", changes + "orders"}};
  const auto result = RewriteSelect(text, inputs, mode);
  if (const auto* sql = std::get_if<std::string>(&result)) return *sql;
  std::string out;
  for (const SelectProblem& p : std::get<1>(result))
    out += std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + p.message + " = " + p.remedy + "\n";
  return out;
}

TEST(RewriteSelect, PutsViewsInPlaceOfNames) {
  EXPECT_EQ(Rewrite("SELECT id FROM Shop.customers;"),
            "SELECT id FROM \"ws_w\".\"g__shop__customers\" AS \"customers\"");
  EXPECT_EQ(Rewrite("SELECT c.id FROM shop . \"customers\" c"), "SELECT c.id FROM \"ws_w\".\"g__shop__customers\" c");
  EXPECT_EQ(Rewrite("SELECT Shop.customers.id, customers.name FROM Shop.customers"),
            "SELECT \"customers\".id, customers.name FROM \"ws_w\".\"g__shop__customers\" AS \"customers\"");
  EXPECT_EQ(Rewrite("SELECT 1 FROM H.Shop.orders"), "SELECT 1 FROM \"ws_w\".\"h__shop__orders\" AS \"orders\"");
}

TEST(RewriteSelect, LeavesStringsCommentsAndCommonTablesAlone) {
  EXPECT_EQ(
      Rewrite("-- FROM Shop.customers\nWITH x AS (SELECT id FROM Shop.customers) SELECT 'FROM Shop.customers' FROM x"),
      "-- FROM Shop.customers\nWITH x AS (SELECT id FROM \"ws_w\".\"g__shop__customers\" AS \"customers\") SELECT "
      "'FROM Shop.customers' FROM x");
  EXPECT_EQ(Rewrite("SELECT i FROM generate_series(1, 3) i"), "SELECT i FROM generate_series(1, 3) i");
}

TEST(RewriteSelect, SaysWhatIsWrong) {
  EXPECT_EQ(Rewrite("SELECT 1\nFROM Shop.custmers"),
            "2:6: this is not an input of the workspace: Shop.custmers = did you mean Shop.customers?\n");
  EXPECT_EQ(Rewrite("SELECT 1 FROM Shop.orders"),
            "1:15: several groups have this dataset: Shop.orders = name the group: G.Shop.orders\n");
  EXPECT_THAT(Rewrite("SELECT 1; SELECT 2"), ::testing::HasSubstr("exactly one SELECT, and there are 2"));
  EXPECT_THAT(Rewrite("DELETE FROM Shop.customers"), ::testing::HasSubstr("this is another statement"));
  EXPECT_THAT(Rewrite("SELECT 1 INTO t FROM Shop.customers"), ::testing::HasSubstr("only reads"));
  EXPECT_THAT(Rewrite("WITH d AS (DELETE FROM Shop.customers RETURNING id) SELECT id FROM d"),
              ::testing::HasSubstr("changes nothing"));
  EXPECT_THAT(Rewrite("SELECT 1 FROM Shop.customers FOR UPDATE"), ::testing::HasSubstr("takes no locks"));
  EXPECT_THAT(Rewrite("SELECT 'é', 1 FROM Shop.custmers"), ::testing::HasSubstr("1:20: this is not an input"));
  EXPECT_THAT(Rewrite("SELECT 'é' FRM x"), ::testing::HasSubstr("1:16: syntax error"));
  EXPECT_THAT(Rewrite(std::string("SELECT 1\n\0 FROM x", 17)),
              ::testing::HasSubstr("2:1: the text is not UTF-8, or holds a NUL"));
  EXPECT_THAT(Rewrite("SELECT 1\nFROM Sho\xE5\xE5p.x"), ::testing::HasSubstr("2:9: the text is not UTF-8"));
  EXPECT_THAT(Rewrite("SELEC 1"), ::testing::HasSubstr("1:1: syntax error"));
  EXPECT_THAT(Rewrite("SELECT 1 FROM pg_authid"), ::testing::HasSubstr("not an input"));
}

std::string RewriteIncremental(const std::string& text) { return Rewrite(text, model::Mode::kIncremental); }

TEST(RewriteSelect, RefusesWhatWouldTakeMoreStackThanThereIs) {
  const auto sum = [](int terms) {
    std::string text = "SELECT 1";
    for (int i = 1; i < terms; ++i) text += "+1";
    return text + " FROM Shop.customers";
  };
  EXPECT_THAT(Rewrite(sum(200)), ::testing::HasSubstr("g__shop__customers"));
  for (const int terms : {5000, 20000})
    EXPECT_EQ(Rewrite(sum(terms)), "1:1: it is nested too deeply = take parts of it into WITH\n");
}

TEST(RewriteSelect, ReadsChangesInModeIncremental) {
  EXPECT_EQ(RewriteIncremental("SELECT yellow_op, customers__changes.id FROM Shop.customers__changes"),
            "SELECT yellow_op, customers__changes.id FROM \"ws_w\".\"changes_of_customers\" AS \"customers__changes\"");
  EXPECT_EQ(RewriteIncremental("SELECT c.* FROM shop.customers__CHANGES c JOIN Shop.customers ON true"),
            "SELECT c.* FROM \"ws_w\".\"changes_of_customers\" c JOIN \"ws_w\".\"g__shop__customers\" AS "
            "\"customers\" ON true");
  EXPECT_EQ(RewriteIncremental("SELECT Shop.customers__changes.id, 'I' AS yellow_op FROM Shop.customers__changes"),
            "SELECT \"customers__changes\".id, 'I' AS yellow_op FROM \"ws_w\".\"changes_of_customers\" AS "
            "\"customers__changes\"");
  EXPECT_EQ(RewriteIncremental("SELECT id, 'D' yellow_op FROM Shop.customers__changes UNION SELECT 1, 'I'"),
            "SELECT id, 'D' yellow_op FROM \"ws_w\".\"changes_of_customers\" AS \"customers__changes\" UNION SELECT 1, "
            "'I'");
  EXPECT_THAT(RewriteIncremental("WITH x__changes AS (SELECT * FROM G.Shop.orders__changes) SELECT * FROM x__changes"),
              ::testing::HasSubstr("(SELECT * FROM \"ws_w\".\"changes_of_orders\" AS \"orders__changes\")"));
}

TEST(RewriteSelect, RefusesWhatWouldNotFollow) {
  EXPECT_EQ(RewriteIncremental("\nSELECT id FROM Shop.customers"),
            "2:1: in mode incremental a SELECT reads the changes of an input, and this one reads none = read "
            "Shop.customers__changes, or leave mode: incremental out\n");
  for (const char* text :
       {"SELECT id FROM Shop.customers__changes", "SELECT id, yellow_op AS op FROM Shop.customers__changes",
        "SELECT id FROM Shop.customers__changes WHERE yellow_op <> 'D'",
        "SELECT id FROM Shop.customers__changes UNION SELECT yellow_op FROM Shop.customers__changes",
        "WITH x AS (SELECT yellow_op, id FROM Shop.customers__changes) SELECT id FROM x"}) {
    EXPECT_THAT(RewriteIncremental(text), ::testing::HasSubstr("1:1: the SELECT has no column yellow_op")) << text;
  }
  EXPECT_EQ(Rewrite("SELECT * FROM Shop.customers__changes"),
            "1:15: the changes of an input are there in mode incremental only: Shop.customers__changes = write mode: "
            "incremental, or read the whole: Shop.customers\n");
  EXPECT_THAT(RewriteIncremental("SELECT * FROM Shop.custmers__changes"),
              ::testing::HasSubstr("did you mean Shop.customers__changes?"));
}

TEST(InsertInto, MatchesColumnsByName) {
  TableLayout output;
  output.schema = "dp", output.output_table = "dt";
  output.columns.resize(2);
  output.columns[0].name = "id", output.columns[1].name = "na\"me";
  EXPECT_EQ(InsertInto(output, "SELECT 1"),
            "INSERT INTO \"dp\".\"dt\" (\"id\", \"na\"\"me\") SELECT \"id\", \"na\"\"me\" FROM (SELECT 1\n) AS "
            "yellow_output");
  output.incremental_output = true;
  EXPECT_THAT(InsertInto(output, "SELECT 1"), ::testing::StartsWith("INSERT INTO \"dp\".\"dt\" (\"id\", "
                                                                    "\"na\"\"me\", yellow_op) SELECT"));
}

TEST(Mask, ReadsTheChangesForAnIncrementalOutput) {
  TableLayout output;
  output.columns.resize(2);
  output.columns[0].name = "id", output.columns[1].name = "name";
  output.columns[1].type.kind = model::TypeKind::kText;
  const std::map<std::string, model::MaskRule> rules{{"name", {model::MaskRuleKind::kNull, 0, "", {}}}};
  const SelectInput input{{"G", "Shop", "customers"}, "ws", "all", "changed"};
  EXPECT_EQ(MaskSelect(output, rules, input), "SELECT \"id\" AS \"id\", NULL::text AS \"name\" FROM \"ws\".\"all\"");
  output.incremental_output = true;
  EXPECT_EQ(MaskSelect(output, rules, input),
            "SELECT yellow_op, \"id\" AS \"id\", NULL::text AS \"name\" FROM \"ws\".\"changed\"");
}

TEST(Mask, PadsAreThoseOfHmac) {
  const auto pads = MaskKeyPads("key");
  ASSERT_EQ(pads.size(), 2u);
  EXPECT_EQ(pads[0].substr(0, 10), "\\x5d534f36");
  EXPECT_EQ(pads[0].size(), 2u + 128u);
  EXPECT_EQ(pads[1].substr(0, 10), "\\x3739255c");
}

}  // namespace
}  // namespace yellow::sql
