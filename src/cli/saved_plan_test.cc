#include "cli/saved_plan.h"

#include <gtest/gtest.h>

namespace yellow::cli {
namespace {

TEST(SavedPlan, HasAFingerprintForEachContainer) {
  EXPECT_EQ(SavedFingerprint(R"({"MergeDB": {"fingerprint": "abc", "steps": []}})", "MergeDB"), "abc");
}

TEST(SavedPlan, OtherTextHasNone) {
  for (const char* text : {"", "{", "null", "[]", "5", R"({"Other": {"fingerprint": "abc"}})", R"({"MergeDB": 5})",
                           R"({"MergeDB": {}})", R"({"MergeDB": {"fingerprint": 5}})", "{\"MergeDB\": \"\xff\"}"})
    EXPECT_EQ(SavedFingerprint(text, "MergeDB"), "") << text;
}

}  // namespace
}  // namespace yellow::cli
