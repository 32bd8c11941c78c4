#include "model/webhook.h"

#include <gmock/gmock.h>

namespace yellow::model {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(Webhook, HttpsAnywhereAndHttpOnThisMachine) {
  for (const char* url :
       {"https://chat.example.com/hooks/1", "HTTPS://example.com", "https://10.0.0.1:8443/x?a=b",
        "http://127.0.0.1:8080/", "http://localhost/hook", "http://[::1]:9/", "https://[2001:db8::1]/"}) {
    EXPECT_EQ(WhyNotWebhook(url), std::nullopt) << url;
  }
  for (const char* url : {"http://example.com/", "http://127.0.0.1.example.com/", "http://127.evil.1.2/",
                          "http://localhost.example.com/", "http://[::2]/", "http://1270.0.0.1/"}) {
    EXPECT_THAT(WhyNotWebhook(url), Optional(Eq("http is for this machine alone"))) << url;
  }
}

TEST(Webhook, SaysWhatIsWrongAndNeverTheUrl) {
  EXPECT_THAT(WhyNotWebhook(""), Optional(Eq("it is empty")));
  EXPECT_THAT(WhyNotWebhook(std::string(3000, 'a')), Optional(Eq("it is longer than 2000 characters")));
  EXPECT_THAT(WhyNotWebhook("https://a b/"), Optional(Eq("it holds a character that no URL has")));
  EXPECT_THAT(WhyNotWebhook("https://a/\n"), Optional(Eq("it holds a character that no URL has")));
  EXPECT_THAT(WhyNotWebhook("https://user@example.com/"), Optional(Eq("it names a user")));
  for (const char* url : {"example.com", "ftp://example.com/", "file:///etc/passwd", "https://", "https:///x", "://"}) {
    EXPECT_THAT(WhyNotWebhook(url), Optional(Eq("it does not begin with https://<host>"))) << url;
  }
}

TEST(Webhook, UrlsOfChatServicesAreSecrets) {
  EXPECT_TRUE(IsSecretUrl("https://hooks.slack.com/services/T0/B0/x"));
  EXPECT_TRUE(IsSecretUrl("https://Acme.Webhook.Office.com/webhookb2/x"));
  EXPECT_TRUE(IsSecretUrl("https://alerts.example.com/in?api_key=1"));
  EXPECT_FALSE(IsSecretUrl("https://alerts.example.com/hooks/yellow"));
  EXPECT_FALSE(IsSecretUrl("https://hooks.slack.com.example.com/"));
}

}  // namespace
}  // namespace yellow::model
