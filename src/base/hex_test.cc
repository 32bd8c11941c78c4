#include "base/hex.h"

#include <gtest/gtest.h>

namespace yellow::base {
namespace {

TEST(Hex, GivesEveryByteBack) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  EXPECT_EQ(BytesOfHex(HexOf(bytes)), bytes);
  EXPECT_EQ(HexOf(std::string_view("\0\xFF\x1a", 3)), "00ff1a");
  EXPECT_EQ(BytesOfHex(""), "");
}

}  // namespace
}  // namespace yellow::base
