#include "sql/transformer_select.h"

#include <gmock/gmock.h>

namespace yellow::sql {
namespace {

std::string Rewrite(const std::string& text) {
  const std::vector<SelectInput> inputs{{{"G", "Shop", "customers"}, "ws_w", "g__shop__customers"},
                                        {{"G", "Shop", "orders"}, "ws_w", "g__shop__orders"},
                                        {{"H", "Shop", "orders"}, "ws_w", "h__shop__orders"}};
  const auto result = RewriteSelect(text, inputs);
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
            "2:6: this is not an input of the workspace: shop.custmers = did you mean Shop.customers?\n");
  EXPECT_EQ(Rewrite("SELECT 1 FROM Shop.orders"),
            "1:15: several groups have this dataset: shop.orders = name the group: G.shop.orders\n");
  EXPECT_THAT(Rewrite("SELECT 1; SELECT 2"), testing::HasSubstr("exactly one SELECT, and there are 2"));
  EXPECT_THAT(Rewrite("DELETE FROM Shop.customers"), testing::HasSubstr("this is another statement"));
  EXPECT_THAT(Rewrite("SELECT 1 INTO t FROM Shop.customers"), testing::HasSubstr("only reads"));
  EXPECT_THAT(Rewrite("WITH d AS (DELETE FROM Shop.customers RETURNING id) SELECT id FROM d"),
              testing::HasSubstr("changes nothing"));
  EXPECT_THAT(Rewrite("SELECT 1 FROM Shop.customers FOR UPDATE"), testing::HasSubstr("takes no locks"));
  EXPECT_THAT(Rewrite("SELEC 1"), testing::HasSubstr("1:1: syntax error"));
  EXPECT_THAT(Rewrite("SELECT 1 FROM pg_authid"), testing::HasSubstr("not an input"));
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
