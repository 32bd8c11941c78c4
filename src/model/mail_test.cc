#include "model/mail.h"

#include <gmock/gmock.h>

namespace yellow::model {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(Mail, AddressesThatEndNoHeaderAndNoCommand) {
  for (const char* address : {"ops@example.com", "a.b+c@x-1.example", "o'brien@example.com", "x@localhost"})
    EXPECT_TRUE(IsMailAddress(address)) << address;
  for (const std::string address : {"",
                                    "ops",
                                    "@example.com",
                                    "ops@",
                                    "a@b@c",
                                    "a b@example.com",
                                    "a@example.com\r\nBcc: x@example.com",
                                    "a@example.com\n",
                                    "a@example.com>",
                                    "<a@example.com>",
                                    "a,b@example.com",
                                    "a;b@example.com",
                                    "a..b@example.com",
                                    ".a@example.com",
                                    "a@.example.com",
                                    "a@[127.0.0.1]",
                                    "\"a b\"@example.com",
                                    "\xc3\xa4@example.com",
                                    "a(b)@example.com",
                                    "a:b@example.com"})
    EXPECT_FALSE(IsMailAddress(address)) << address;
  EXPECT_FALSE(IsMailAddress(std::string(65, 'a') + "@example.com"));
  EXPECT_FALSE(IsMailAddress(std::string("a@example.com\0", 14)));
}

TEST(Mail, ServersThatMailCanBeHandedTo) {
  for (const char* url : {"smtp://mail.example.com:587", "smtps://mail.example.com", "smtps://mail.example.com:465",
                          "smtp://127.0.0.1:25", "smtp://[::1]:25", "smtps://[2001:db8::1]"})
    EXPECT_EQ(WhyNotMailServer(url), std::nullopt) << url;
  EXPECT_THAT(WhyNotMailServer("mail.example.com:587"), Optional(Eq("it does not begin with smtp:// or smtps://")));
  EXPECT_THAT(WhyNotMailServer("https://example.com"), Optional(Eq("it does not begin with smtp:// or smtps://")));
  EXPECT_THAT(WhyNotMailServer("smtp://mail.example.com"), Optional(Eq("it names no port")));
  for (const char* url : {"smtp://", "smtps:///x", "smtps://a b", "smtps://user@example.com", "smtps://example.com/x",
                          "smtps://example.com?x", "smtps://[", "smtps://[]", "smtps://a\r\nb"})
    EXPECT_THAT(WhyNotMailServer(url), Optional(Eq("it names no host"))) << url;
  for (const char* url : {"smtp://example.com:", "smtp://example.com:0", "smtp://example.com:65536",
                          "smtp://example.com:5x", "smtp://[::1]:x", "smtp://example.com:25/x", "smtp://a:b@c:25"})
    EXPECT_THAT(WhyNotMailServer(url), Optional(Eq("its port is no number from 1 to 65535"))) << url;
}

}  // namespace
}  // namespace yellow::model
