#include "adapters/kubernetes/call_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::adapters::kubernetes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

CallHead HeadOf(const std::string& first, const std::string& fields = "") {
  return ReadCallHead(first + " HTTP/1.1\r\nHost: 127.0.0.1:8001\r\n" + fields + "\r\n").value();
}

std::string WrongIn(const std::string& text) {
  const auto head = ReadCallHead(text);
  return head ? "" : head.error();
}

TEST(CallHead, WhatTwoCouldReadDifferentlyIsRefused) {
  EXPECT_EQ(WrongIn("GET / HTTP/1.0\r\n\r\n"), "this is not HTTP/1.1");
  EXPECT_EQ(WrongIn("PRI * HTTP/2.0\r\n\r\n"), "this is not HTTP/1.1");
  EXPECT_EQ(WrongIn("GET /a b HTTP/1.1\r\n\r\n"), "this is not the path of a call");
  EXPECT_EQ(WrongIn("GET http://elsewhere/ HTTP/1.1\r\n\r\n"), "this is not the path of a call");
  EXPECT_EQ(WrongIn("GET /a\x01 HTTP/1.1\r\n\r\n"), "this is not the path of a call");
  EXPECT_EQ(WrongIn("CONNECT /a HTTP/1.1\r\n\r\n"), "there is no such method");
  EXPECT_EQ(WrongIn("get /a HTTP/1.1\r\n\r\n"), "there is no such method");
  EXPECT_EQ(WrongIn("GET /a HTTP/1.1\r\nA : b\r\n\r\n"), "a header is malformed");
  EXPECT_EQ(WrongIn("GET /a HTTP/1.1\r\nA: b\r\n folded\r\n\r\n"), "a header is malformed");
  EXPECT_EQ(WrongIn("GET /a HTTP/1.1\r\nA: b\nAuthorization: Bearer x\r\n\r\n"), "a header is malformed");
  EXPECT_EQ(WrongIn(std::string("GET /a HTTP/1.1\r\nA: \0\r\n\r\n", 25)), "a header is malformed");
  EXPECT_EQ(WrongIn("POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "the length of the body is said more than once");
  EXPECT_EQ(WrongIn("POST /a HTTP/1.1\r\nContent-Length: 1\r\ncontent-length: 2\r\n\r\n"),
            "the length of the body is said more than once");
  EXPECT_EQ(WrongIn("POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "the body is encoded otherwise");
  EXPECT_EQ(WrongIn("GET /a HTTP/1.1\r\nA: b\r\n"), "the call breaks off");
}

TEST(CallHead, ThePathIsReadAsTheServerReadsIt) {
  EXPECT_THAT(*PathOf("/api/v1//namespaces/%70rod/pods?x=/y"), ElementsAre("api", "v1", "namespaces", "prod", "pods"));
  for (const char* wrong : {"/a/../b", "/a/./b", "/a/%2e%2E/b", "/a/%2fb", "/a/%zz", "/a/%4"})
    EXPECT_FALSE(PathOf(wrong)) << wrong;
}

TEST(CallHead, NoCredentialComesIn) {
  for (const char* target :
       {"/api/v1/namespaces/prod/serviceaccounts/x/token", "/api/v1/namespaces/prod/serviceaccounts/x/%74oken",
        "/api/v1//namespaces/prod//serviceaccounts/x/token/", "/api/v1/namespaces/prod/serviceaccounts/x/token?a=b"})
    EXPECT_EQ(WhyNotPassedOn(HeadOf(std::string("POST ") + target)), "no token may leave the cluster") << target;
  EXPECT_EQ(WhyNotPassedOn(HeadOf("GET /api", "IMPERSONATE-User: admin\r\n")), "nobody is impersonated");
  EXPECT_EQ(WhyNotPassedOn(HeadOf("GET /api", "Impersonate-Extra-x: y\r\n")), "nobody is impersonated");
  EXPECT_EQ(WhyNotPassedOn(HeadOf("GET /api", "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.abc\r\n")),
            "no other credential is passed on");
  EXPECT_EQ(WhyNotPassedOn(HeadOf("GET /api", "Connection: Upgrade\r\nUpgrade: h2c\r\n")),
            "this protocol is not passed on");
  EXPECT_EQ(WhyNotPassedOn(HeadOf("GET /api/v1/namespaces/prod/serviceaccounts/x")), "");
  EXPECT_EQ(WhyNotPassedOn(HeadOf("POST /api/v1/namespaces/prod/pods/x/exec?command=id",
                                  "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n")),
            "");
}

TEST(CallHead, TheServerGetsOneCredential) {
  const std::string text = HeadForServer(
      HeadOf("GET /api?x=y",
             "Authorization: Bearer mine\r\nX-Remote-User: admin\r\nProxy-Authorization: x\r\nAccept: */*\r\n"
             "Connection: keep-alive\r\n"),
      "server:6443", "/k8s", "its-token");
  EXPECT_EQ(text,
            "GET /k8s/api?x=y HTTP/1.1\r\nHost: server:6443\r\nAuthorization: Bearer its-token\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n");
}

TEST(CallHead, AnUpgradeIsPassedOn) {
  const CallHead head = HeadOf("POST /x", "Connection: upgrade\r\nUpgrade: SPDY/3.1\r\n");
  EXPECT_TRUE(AsksForUpgrade(head));
  const std::string text = HeadForServer(head, "server", "", "t");
  EXPECT_THAT(text, HasSubstr("\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("close")));
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
