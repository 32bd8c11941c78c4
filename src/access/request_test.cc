#include "access/request.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <vector>

namespace yellow::access {
namespace {

const Content kContent{"alice", "dt_write:MaskShop", 3600, "OPS-1", "wrong names", {"yellow_dt_maskshop"}};

TEST(Request, EveryPartOfItsContentCounts) {
  const std::vector<std::function<void(Content&)>> changes{
      [](Content& c) { c.person = "bob"; },
      [](Content& c) { c.scope = "ws_read:MaskShop"; },
      [](Content& c) { c.seconds = 3601; },
      [](Content& c) { c.ticket = "OPS-2"; },
      [](Content& c) { c.reason = "wrong name"; },
      [](Content& c) { c.grants.emplace_back("yellow_ws_analysts"); },
      [](Content& c) { c.grants = {}; },
      [](Content& c) { c.kind = RequestKind::kBreakGlass; },
      [](Content& c) { c.parameters = {{"key", "1"}}, c.salt = "aa"; },
      [](Content& c) { c.parameters = {{"key", "2"}}, c.salt = "aa"; },
      [](Content& c) { c.parameters = {{"key", "1"}}, c.salt = "ab"; },
      [](Content& c) { c.parameters = {{"ke", "y1"}}, c.salt = "aa"; }};
  std::set<std::string> hashes{HashOf(kContent)};
  for (const auto& change : changes) {
    Content changed = kContent;
    change(changed);
    EXPECT_TRUE(hashes.insert(HashOf(changed)).second);
  }
}

TEST(Request, WhatStandsInOnePartCannotStandInTheNext) {
  Content one = kContent, other = kContent;
  one.ticket = "OPS-1", one.reason = "2\n1:x";
  other.ticket = "OPS-1\n5:2", other.reason = "x";
  EXPECT_NE(HashOf(one), HashOf(other));
  one = other = kContent;
  one.grants = {"a", "b"}, other.grants = {"a\n1:b"};
  EXPECT_NE(HashOf(one), HashOf(other));
}

}  // namespace
}  // namespace yellow::access
