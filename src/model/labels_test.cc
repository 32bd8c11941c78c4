#include "model/labels.h"

#include <gtest/gtest.h>

#include <string>

namespace yellow::model {
namespace {

TEST(Labels, Values) {
  for (const char* good : {"a", "MaskShop", "a-b_c.d", "0af1"}) EXPECT_TRUE(IsLabelValue(good)) << good;
  for (const char* bad : {"", "-a", "a.", "a b", "a/b", "4 of alice@host"}) EXPECT_FALSE(IsLabelValue(bad)) << bad;
  EXPECT_TRUE(IsLabelValue(std::string(63, 'a')));
  EXPECT_FALSE(IsLabelValue(std::string(64, 'a')));
}

TEST(Labels, Names) {
  for (const char* good : {"team", "example.com/team", "app.kubernetes.io/name"})
    EXPECT_TRUE(IsLabelName(good)) << good;
  for (const char* bad : {"", "/team", "Example.com/team", "example.com/", "a/b/c", "a..b/c"})
    EXPECT_FALSE(IsLabelName(bad)) << bad;
}

}  // namespace
}  // namespace yellow::model
