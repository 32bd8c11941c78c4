#include "cli/progress.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

TEST(Progress, SaysWhatIsUnderWayAndHowFarItIs) {
  using std::chrono::seconds;
  EXPECT_EQ(ActivityText({"Shop", "reads customers", 1, 2, 1234567}, seconds(12)),
            "Shop: reads customers (1 of 2), 1,234,567 rows, 12 s, 102,880 rows/s");
  EXPECT_EQ(ActivityText({"Shop", "reads customers", 1, 1, 999}, seconds(0)), "Shop: reads customers, 999 rows, 0 s");
  EXPECT_EQ(ActivityText({"MaskShop", "runs its code"}, seconds(3)), "MaskShop: runs its code, 3 s");
}

}  // namespace
}  // namespace yellow::cli
