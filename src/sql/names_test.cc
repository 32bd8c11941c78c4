#include "sql/names.h"

#include <gtest/gtest.h>

#include "sql/statement.h"

namespace yellow::sql {
namespace {

TEST(Names, AreLowerCasedAndFit) {
  EXPECT_EQ(MergeTable({"Shop", "customers"}), "shop__customers");
  EXPECT_EQ(OutputTable({"ShopMasked", "customers"}), "dt_shopmasked__customers");
  EXPECT_EQ(FitName(std::string(63, 'A')), std::string(63, 'a'));
  const std::string longer = FitName(std::string(64, 'A'));
  EXPECT_EQ(longer.size(), 63u);
  EXPECT_EQ(longer.substr(0, 55), std::string(54, 'a') + "_");
  EXPECT_NE(longer, FitName(std::string(65, 'A')));
}

TEST(Names, CutBetweenCodePoints) {
  std::string name(53, 'a');
  for (int i = 0; i < 10; ++i) name += "é";
  const std::string fitted = FitName(name);
  EXPECT_EQ(fitted.substr(0, 54), std::string(53, 'a') + "_");
}

TEST(Names, EnvironmentVariablesAreUpperCase) {
  EXPECT_EQ(EnvironmentVariable("YELLOW_INPUT", {"Original", "Shop", "customers"}),
            "YELLOW_INPUT__ORIGINAL__SHOP__CUSTOMERS");
}

TEST(Quoting, DoublesQuotes) {
  EXPECT_EQ(Identifier::Quote("a\"b").text(), "\"a\"\"b\"");
  EXPECT_EQ(Qualified("s", "t"), "\"s\".\"t\"");
  EXPECT_EQ(Literal("it's"), "'it''s'");
  EXPECT_EQ(Literal("a\\b"), " E'a\\\\b'");
}

}  // namespace
}  // namespace yellow::sql
