#include "cli/figures.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

using Values = std::vector<std::vector<std::optional<std::string>>>;

ports::Rows RowsOf(Values values) { return {{"day", "delay"}, std::move(values), 0}; }

TEST(Figures, EqualTablesAreCountedByTheirValues) {
  const ports::Rows rows = RowsOf({{"1", "12.50"}, {"2", std::nullopt}});
  const Figures figures = CompareFigures(rows, rows);
  EXPECT_EQ(figures.compared, 4u);
  EXPECT_EQ(figures.difference, "");
}

TEST(Figures, NothingEqualsNothing) {
  EXPECT_EQ(CompareFigures(RowsOf({}), RowsOf({})).compared, 0u);
  EXPECT_EQ(CompareFigures(RowsOf({}), RowsOf({})).difference, "");
}

TEST(Figures, NullIsNoEmptyTextAndNoScaleIsLost) {
  EXPECT_EQ(CompareFigures(RowsOf({{"1", ""}}), RowsOf({{"1", std::nullopt}})).difference,
            "row 1 is (1, ), but the source says (1, null)");
  EXPECT_EQ(CompareFigures(RowsOf({{"1", "2.5"}}), RowsOf({{"1", "2.50"}})).difference,
            "row 1 is (1, 2.5), but the source says (1, 2.50)");
}

TEST(Figures, ARowTooFewOrTooManyIsSaid) {
  const ports::Rows one = RowsOf({{"1", "5"}});
  const ports::Rows two = RowsOf({{"1", "5"}, {"2", "6"}});
  EXPECT_EQ(CompareFigures(one, two).difference, "row 2 is no such row, but the source says (2, 6)");
  EXPECT_EQ(CompareFigures(two, one).difference, "row 2 is (2, 6), but the source says no such row");
}

}  // namespace
}  // namespace yellow::cli
