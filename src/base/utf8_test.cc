#include "base/utf8.h"

#include <gtest/gtest.h>

namespace yellow::base {
namespace {

using std::string_view_literals::operator""sv;

TEST(Utf8, TextIsLeftAlone) {
  for (const std::string_view text :
       {""sv, "plain\n"sv, "\u00e9"sv, "\u20ac"sv, "\U0001F600"sv, "\uFFFF"sv, "\U0010FFFF"sv}) {
    EXPECT_EQ(LengthOfText(text), text.size());
    EXPECT_EQ(AsText(text), text);
  }
}

TEST(Utf8, WhatDoesNotBelongIsFoundAndReplaced) {
  struct Case {
    std::string_view bytes;
    size_t good;
    std::string_view text;
  };
  for (const Case& c :
       {Case{"a\0b"sv, 1, "a?b"sv}, Case{"ab\x80"sv, 2, "ab?"sv}, Case{"\xC0\xAF"sv, 0, "??"sv},
        Case{"\xE2\x82"sv, 0, "??"sv}, Case{"x\xE2\x28\xA1y"sv, 1, "x?(?y"sv}, Case{"\xED\xA0\x80"sv, 0, "???"sv},
        Case{"\xE0\x9F\xBF"sv, 0, "???"sv}, Case{"\xF4\x90\x80\x80"sv, 0, "????"sv},
        Case{"\xF0\x8F\xBF\xBF"sv, 0, "????"sv}, Case{"\xF5\x80\x80\x80"sv, 0, "????"sv}}) {
    EXPECT_EQ(LengthOfText(c.bytes), c.good);
    EXPECT_EQ(AsText(c.bytes), c.text);
  }
}

}  // namespace
}  // namespace yellow::base
