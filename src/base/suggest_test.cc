#include "base/suggest.h"

#include <gtest/gtest.h>

#include "base/digest.h"

namespace yellow::base {
namespace {

TEST(Suggest, FindsTheNearest) {
  EXPECT_EQ(Suggest("nmae", {"kind", "name"}), "name");
  EXPECT_EQ(Suggest("DATASETS", {"dataset", "datasets"}), "datasets");
  EXPECT_EQ(Suggest("zzzz", {"kind", "name"}), "");
  EXPECT_EQ(Suggest("", {"kind"}), "");
}

TEST(DidYouMean, NamesTheNearestElseAllThereAre) {
  EXPECT_EQ(DidYouMean("nmae", {"kind", "name"}, "look again"), "did you mean name?");
  EXPECT_EQ(DidYouMean("zzzz", {"kind", "name"}), "there are: kind, name");
  EXPECT_EQ(DidYouMean("zzzz", {"kind", "name"}, "look again"), "look again");
  EXPECT_EQ(DidYouMean("zzzz", {}), "there is none yet; declare it");
  EXPECT_EQ(DidYouMean("zzzz", {"", "kind"}), "there are: kind") << "what has no name cannot be meant";
  EXPECT_EQ(DidYouMean("z", {""}), "there is none yet; declare it");
}

TEST(Digest, IsSha256) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace yellow::base
