#include "base/blotting.h"

#include <gmock/gmock.h>

#include "base/base64.h"
#include "base/hex.h"

namespace yellow::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "hun/ter\"2+é%x";

std::string Blotted(const std::string& text) { return WithoutSecrets(text, {Secret(kSecret)}); }

TEST(Blotting, EveryFormThatProgramsPrint) {
  EXPECT_EQ(Blotted("PGPASSWORD=" + kSecret + "\nHOME=/"), "PGPASSWORD=***\nHOME=/");
  EXPECT_EQ(Blotted(R"({"p": "hun/ter\"2+é%x"})"), R"({"p": "***"})");
  EXPECT_EQ(Blotted("postgresql://u:hun%2Fter%222%2B%C3%A9%25x@h/d"), "postgresql://u:***@h/d");
  EXPECT_EQ(Blotted("postgresql://u:hun%2fter%222%2b%c3%a9%25x@h/d"), "postgresql://u:***@h/d");
  EXPECT_EQ(Blotted(HexOf(kSecret)), "***");
  EXPECT_EQ(Blotted(kSecret + kSecret), "******");
}

TEST(Blotting, Base64AtEachOfItsPlaces) {
  for (const std::string before : {"", "a", "ab", "user:", "user:p", "user:pq"}) {
    for (const std::string behind : {"", "x", "xy", "xyz"}) {
      const std::string text = Blotted(Base64Of(before + kSecret + behind));
      EXPECT_THAT(text, HasSubstr("***"));
      EXPECT_THAT(text.size(), testing::Lt(Base64Of(before + behind).size() + 8)) << text;
    }
  }
}

TEST(Blotting, HoweverItIsQuoted) {
  const std::vector<Secret> secret{Secret("it's-0123456789ab-é")};
  EXPECT_EQ(WithoutSecrets(R"(declare -x P='it'\''s-0123456789ab-é')", secret), R"(declare -x P='it'\''s-***-é')");
  EXPECT_EQ(WithoutSecrets(R"({"P": "it's-0123456789ab-\u00e9"})", secret), R"({"P": "it's-***-\u00e9"})");
  EXPECT_EQ(WithoutSecrets("it's", secret), "it's");
}

TEST(Blotting, WhatIsShortAndWhatIsOtherwiseStays) {
  EXPECT_EQ(WithoutSecrets("postgres is a word", {Secret("word"), Secret("")}), "postgres is a word");
  EXPECT_EQ(Blotted("hun/ter2"), "hun/ter2");
  EXPECT_EQ(WithoutSecrets("first-secret second-secret", {Secret("first-secret"), Secret("second-secret")}), "*** ***");
  EXPECT_THAT(Blotted(""), Not(HasSubstr("*")));
}

}  // namespace
}  // namespace yellow::base
