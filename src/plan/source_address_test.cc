#include "plan/source_address.h"

#include <gtest/gtest.h>

namespace yellow::plan {
namespace {

SourceAddress Address(std::string_view text) {
  const auto parsed = ParseSourceAddress(text);
  if (const auto* why = std::get_if<std::string>(&parsed)) ADD_FAILURE() << *why;
  return std::holds_alternative<SourceAddress>(parsed) ? std::get<SourceAddress>(parsed) : SourceAddress();
}

std::string Wrong(std::string_view text) {
  const auto parsed = ParseSourceAddress(text);
  const auto* why = std::get_if<std::string>(&parsed);
  return why == nullptr ? "" : *why;
}

TEST(SourceAddress, ReadsItsParts) {
  EXPECT_EQ(Address("postgresql://db.example.com/shop"), (SourceAddress{"", "db.example.com", "shop", "prefer", 5432}));
  EXPECT_EQ(Address("postgres://reader@db:6432/shop?sslmode=verify-full"),
            (SourceAddress{"reader", "db", "shop", "verify-full", 6432}));
  EXPECT_EQ(Address("postgresql://[::1]:5433/a%20b"), (SourceAddress{"", "::1", "a b", "prefer", 5433}));
  EXPECT_EQ(Address("postgresql://me%40work@[::1]/x").user, "me@work");
  EXPECT_EQ(Address("postgresql:///shop?host=/run/postgresql").host, "/run/postgresql");
  EXPECT_EQ(Address("postgresql://%2Frun%2Fpg/100%").database, "100%");
}

TEST(SourceAddress, SaysWhatIsWrong) {
  EXPECT_EQ(Wrong("mysql://h/d"), "it does not begin with postgresql://");
  EXPECT_EQ(Wrong("shop"), "it does not begin with postgresql://");
  EXPECT_EQ(Wrong("postgresql://host"), "it names no database");
  EXPECT_EQ(Wrong("postgresql://host/"), "it names no database");
  EXPECT_EQ(Wrong("postgresql:///shop"), "it names no host");
  EXPECT_EQ(Wrong("postgresql://h:0/d"), "there is no port 0");
  EXPECT_EQ(Wrong("postgresql://h:x/d"), "there is no port x");
  EXPECT_EQ(Wrong("postgresql://h:70000/d"), "there is no port 70000");
  EXPECT_EQ(Wrong("postgresql://[::1/d"), "a bracket is never closed");
  EXPECT_EQ(Wrong("postgresql://[::1]5/d"), "a port begins with a colon");
  EXPECT_EQ(Wrong("postgresql://u:p@h/d"), "it holds a password, and no file of a project does");
  EXPECT_EQ(Wrong("postgresql://h/d?password=p"), "it holds a password, and no file of a project does");
  EXPECT_EQ(Wrong("postgresql://h/d?options=x"), "its parameter options is not known here");
}

}  // namespace
}  // namespace yellow::plan
