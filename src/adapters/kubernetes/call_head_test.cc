#include "adapters/kubernetes/call_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::adapters::kubernetes {
namespace {

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

TEST(CallHead, AnUpgradeIsAskedForTwice) {
  EXPECT_EQ(CallOf(HeadOf("POST /x", "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n")).upgrade, "SPDY/3.1");
  EXPECT_EQ(CallOf(HeadOf("POST /x?a=b", "Upgrade: SPDY/3.1\r\n")).upgrade, "");
  EXPECT_TRUE(AsksForUpgrade(HeadOf("POST /x", "Connection: keep-alive, Upgrade\r\nUpgrade: SPDY/3.1\r\n")));
  EXPECT_FALSE(AsksForUpgrade(HeadOf("POST /x", "Upgrade: SPDY/3.1\r\n")));
  EXPECT_FALSE(AsksForUpgrade(HeadOf("POST /x", "Connection: Upgrade\r\n")));
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
