#include "access/cluster_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::access {
namespace {

using ::testing::ElementsAre;

TEST(ClusterCall, ThePathIsReadAsTheServerReadsIt) {
  EXPECT_THAT(*CallPathOf("/api/v1//namespaces/%70rod/pods?x=/y"),
              ElementsAre("api", "v1", "namespaces", "prod", "pods"));
  EXPECT_TRUE(CallPathOf("/")->empty());
  for (const char* wrong : {"/a/../b", "/a/./b", "/a/%2e%2E/b", "/a/%2fb", "/a/%zz", "/a/%4", "/a/%"}) {
    EXPECT_FALSE(CallPathOf(wrong)) << wrong;
    EXPECT_EQ(WhyNotPassedOn({wrong, "", {}}), "the path is ambiguous") << wrong;
  }
}

TEST(ClusterCall, NoTokenComesIn) {
  for (const char* target :
       {"/api/v1/namespaces/prod/serviceaccounts/x/token", "/api/v1/namespaces/prod/serviceaccounts/x/%74oken",
        "/api/v1/namespaces/prod/%73erviceaccounts/x/token", "/api/v1//namespaces/prod//serviceaccounts/x/token/",
        "/api/v1/namespaces/prod/serviceaccounts/x/token?a=b"})
    EXPECT_EQ(WhyNotPassedOn({target, "", {}}), "no token may leave the cluster") << target;
  EXPECT_EQ(WhyNotPassedOn({"/api/v1/namespaces/prod/serviceaccounts/x", "", {}}), "");
  EXPECT_EQ(WhyNotPassedOn({"/api/v1/namespaces/prod/secrets/token", "", {}}), "");
}

TEST(ClusterCall, NobodyActsAsSomebodyElse) {
  for (const char* name : {"IMPERSONATE-User", "Impersonate-Group", "impersonate-Extra-x"})
    EXPECT_EQ(WhyNotPassedOn({"/api", "", {{"Accept", "*/*"}, {name, "admin"}}}), "nobody is impersonated") << name;
  EXPECT_EQ(
      WhyNotPassedOn(
          {"/api", "websocket", {{"Sec-WebSocket-Protocol", "v4.channel, Base64url.Bearer.authorization.K8S.io.abc"}}}),
      "no other credential is passed on");
  EXPECT_EQ(WhyNotPassedOn({"/api", "", {{"X-Impersonate-User", "admin"}}}), "");
}

TEST(ClusterCall, WhatFollowsAnUpgradeIsOfAProtocolThatIsKnown) {
  const std::string exec = "/api/v1/namespaces/prod/pods/x/exec?command=id";
  for (const char* known : {"SPDY/3.1", "WebSocket", ""}) EXPECT_EQ(WhyNotPassedOn({exec, known, {}}), "") << known;
  for (const char* other : {"h2c", "spdy/3.1, h2c", "tls/1.3"})
    EXPECT_EQ(WhyNotPassedOn({exec, other, {}}), "this protocol is not passed on") << other;
}

}  // namespace
}  // namespace yellow::access
