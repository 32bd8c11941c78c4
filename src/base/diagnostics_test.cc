#include "base/diagnostics.h"

#include <gmock/gmock.h>

namespace yellow::base {
namespace {

TEST(Diagnostics, RendersPlaceCaretAndRemedy) {
  Diagnostics diagnostics;
  diagnostics.Error("Y101", {"model/shop.yaml", {2, 3}, {2, 7}}, "unknown key: 'nmae'", "did you mean 'name'?");
  EXPECT_EQ(Render(diagnostics, [](const std::string&) { return "kind: Datastore\n  nmae: Shop\n"; }),
            "model/shop.yaml:2:3: error: unknown key: 'nmae' [Y101]\n"
            "    nmae: Shop\n"
            "    ^~~~\n"
            "  = did you mean 'name'?\n");
}

TEST(Diagnostics, CaretCountsCodePointsAndKeepsTabs) {
  Diagnostics diagnostics;
  diagnostics.Warning("Y1", {"f", {1, 4}, {1, 5}}, "m", "");
  EXPECT_EQ(Render(diagnostics, [](const std::string&) { return "é\tä!x"; }),
            "f:1:4: warning: m [Y1]\n  é\tä!x\n   \t ^\n");
}

TEST(Diagnostics, SortsByPlaceAndDropsRepetitions) {
  Diagnostics diagnostics;
  diagnostics.Error("B", {"f", {2, 1}, {2, 2}}, "second", "");
  diagnostics.Error("A", {"f", {1, 1}, {1, 2}}, "first", "");
  diagnostics.Error("A", {"f", {1, 1}, {1, 2}}, "first", "");
  diagnostics.Sort();
  ASSERT_EQ(diagnostics.items().size(), 2u);
  EXPECT_EQ(diagnostics.items()[0].message, "first");
}

TEST(Diagnostics, WarningsAreNotErrors) {
  Diagnostics diagnostics;
  diagnostics.Warning("Y1", {}, "m", "");
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.Error("Y2", {}, "m", "");
  EXPECT_TRUE(diagnostics.has_errors());
}

}  // namespace
}  // namespace yellow::base
