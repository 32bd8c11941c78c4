#include "ports/holder.h"

#include <gtest/gtest.h>

namespace yellow::ports {
namespace {

TEST(Holder, IsReadAsItIsWritten) {
  const Holder holder{"db:1.example.com", 4711, 18446744073709551615U};
  EXPECT_EQ(ToString(holder), "db:1.example.com:4711:18446744073709551615");
  EXPECT_EQ(ParseHolder(ToString(holder)), holder);
}

TEST(Holder, OtherTextIsNone) {
  for (const char* text : {"", ":", "::", "host", "host:1", "host:1:", "host::1", ":1:1", "host:0:1", "host:-1:1",
                           "host:1:1x", "host:../self:1", "host:99999999999999999999:1"})
    EXPECT_EQ(ParseHolder(text), std::nullopt) << text;
}

}  // namespace
}  // namespace yellow::ports
