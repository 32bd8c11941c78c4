#include "base/base64.h"

#include <gtest/gtest.h>

namespace yellow::base {
namespace {

TEST(Base64, TheExamplesOfRfc4648) {
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foo"), "Zm9v");
  EXPECT_EQ(Base64Of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Of(std::string_view("\0\xff\xfe", 3)), "AP/+");
}

}  // namespace
}  // namespace yellow::base
