#include "access/json_value.h"

#include <gmock/gmock.h>

namespace yellow::access {
namespace {

std::string Again(std::string_view text) {
  const auto value = ParseJson(text);
  return value ? Canonical(*value) : "none";
}

TEST(JsonValue, IsWrittenInOneWay) {
  EXPECT_EQ(Again(R"( { "b" : [ 1 , true, null ], "a" : {} } )"), R"({"a":{},"b":[1,true,null]})");
  EXPECT_EQ(Again(R"("\u00e9\ud83d\ude00\/\n\"\\\b")"), "\"é😀/\\u000a\\\"\\\\\\u0008\"");
  EXPECT_EQ(Again("-0"), "0");
  EXPECT_EQ(Again("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(Again(R"({"a":1,"a":2})"), R"({"a":2})");
}

TEST(JsonValue, ANumberThatIsNoIntegerIsText) {
  EXPECT_EQ(Again("1.50"), "\"1.50\"");
  EXPECT_EQ(Again("1e3"), "\"1e3\"");
  EXPECT_EQ(Again("9223372036854775808"), "\"9223372036854775808\"");
}

TEST(JsonValue, WhatIsNoJsonIsNone) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "01",
                           "+1",
                           "1.",
                           "1e",
                           "nul",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "1 2",
                           "\xff",
                           "\"\xc3\""})
    EXPECT_EQ(Again(text), "none") << text;
  EXPECT_EQ(Again(std::string(100, '[') + std::string(100, ']')), "none");
  EXPECT_NE(Again(std::string(60, '[') + std::string(60, ']')), "none");
}

TEST(JsonValue, AValueIsFoundByItsKey) {
  const auto value = ParseJson(R"({"a":{"b":"c"}})");
  ASSERT_TRUE(value && value->Find("a") != nullptr);
  EXPECT_EQ(*value->Find("a")->Find("b")->Text(), "c");
  EXPECT_EQ(value->Find("b"), nullptr);
  EXPECT_EQ(value->Find("a")->Find("b")->Find("c"), nullptr);
}

}  // namespace
}  // namespace yellow::access
