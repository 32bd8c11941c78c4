#include "model/networks.h"

#include <gtest/gtest.h>

namespace yellow::model {
namespace {

TEST(Networks, HaveAnAddressAndANumberOfBits) {
  for (const char* good : {"10.20.0.0/16", "0.0.0.0/0", "192.168.1.7/32", "fd00::/8"})
    EXPECT_TRUE(IsNetwork(good)) << good;
  for (const char* bad : {"", "10.20.0.0", "10.20.0/16", "10.20.0.256/16", "10.20.0.0/33", "10.20.0.0.0/8", "db/16",
                          "fd00::/129", "1.2.3.4/"})
    EXPECT_FALSE(IsNetwork(bad)) << bad;
}

TEST(Networks, OfAnAddressAlone) {
  EXPECT_EQ(NetworkOf("10.0.0.7"), "10.0.0.7/32");
  for (const char* name : {"", "db.example.com", "10.0.0", "10.0.0.7.", "1.2.3.4.5"})
    EXPECT_EQ(NetworkOf(name), "") << name;
}

}  // namespace
}  // namespace yellow::model
