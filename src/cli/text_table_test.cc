#include "cli/text_table.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

TEST(TextTable, AlignsByCodePointsAndDropsTrailingBlanks) {
  EXPECT_EQ(TextTable({{"NAME", "N"}, {"é", "10"}, {"abcdef", ""}}, {1}),
            "NAME     N\n"
            "é       10\n"
            "abcdef\n");
}

}  // namespace
}  // namespace yellow::cli
