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

TEST(Utf8, OnAPlainLineNothingMovesWhatStandsAroundIt) {
  for (const std::string_view text : {""sv, "a b"sv, "gr\u00f6\u00dfer \u20ac \U0001F600 \u05d0\u0627"sv}) {
    EXPECT_TRUE(IsPlainLine(text)) << text;
    EXPECT_EQ(AsPlainLine(text), text);
  }
  struct Case {
    std::string_view text, shown;
  };
  for (const Case& c :
       {Case{"a\nb"sv, "a\\u000ab"sv}, Case{"\x1b[2J"sv, "\\u001b[2J"sv}, Case{"\0"sv, "\\u0000"sv},
        Case{"\x7f"sv, "\\u007f"sv}, Case{"\u009b2K"sv, "\\u009b2K"sv}, Case{"a\u202eb"sv, "a\\u202eb"sv},
        Case{"\u2066"sv, "\\u2066"sv}, Case{"\u200f"sv, "\\u200f"sv}, Case{"\u2028"sv, "\\u2028"sv},
        Case{"\x9b"
             "2K"sv,
             "?2K"sv}}) {
    EXPECT_FALSE(IsPlainLine(c.text)) << c.shown;
    EXPECT_EQ(AsPlainLine(c.text), c.shown);
  }
}

}  // namespace
}  // namespace yellow::base
