#include "cli/demo_proof.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

TEST(DemoProof, FindsASourceValueInsideAMaskedOne) {
  const Proof proof = LookForLeaks({"Amelia", "Zoë", "Leeds Road"}, {"x-aMELIA-y", "A.", "Leeds"});
  EXPECT_EQ(proof.source_values, 2u) << "names shorter than four characters are not looked for";
  EXPECT_EQ(proof.masked_values, 3u);
  ASSERT_EQ(proof.leaks.size(), 1u);
  EXPECT_EQ(proof.leaks[0].source_value, "amelia");
  EXPECT_EQ(proof.leaks[0].masked_value, "x-aMELIA-y");
}

TEST(DemoProof, CountsCodePointsNotBytes) {
  EXPECT_EQ(LookForLeaks({"Zoëß"}, {"Zoëß!"}).leaks.size(), 1u);
  EXPECT_EQ(LookForLeaks({"Łuc"}, {"Łuc"}).leaks.size(), 0u);
}

}  // namespace
}  // namespace yellow::cli
