#include "access/oidc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "access/base64.h"

namespace yellow::access {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kTimeOfToken = 1'800'000'000;

/// Has one key, and takes "good" for its signature.
class OneKey : public ports::TokenKeys {
 public:
  ports::SignatureFinding Verify(const std::string& issuer, const ports::TokenSignature& signature) override {
    asked = signature, ++times;
    EXPECT_EQ(issuer, "https://login.example.com");
    if (signature.key != "k1") return ports::SignatureFinding::kNoSuchKey;
    return signature.bytes == "good" ? ports::SignatureFinding::kGood : ports::SignatureFinding::kBad;
  }
  ports::TokenSignature asked;
  int times = 0;
};

std::string EncodedPart(std::string_view bytes) {
  std::string text = Base64Of(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text.substr(0, text.find('='));
}

class Oidc : public ::testing::Test {
 protected:
  std::string Read(const std::string& token) {
    const model::AccessListener listener{"127.0.0.1:8443", "https://login.example.com", "yellow", claim_, {}};
    const auto read = IdentityOfToken(listener, keys_, ports::TimePoint(std::chrono::seconds(kTimeOfToken)), token);
    return read ? *read : "no: " + read.error();
  }
  std::string Signed(std::string_view header, std::string_view claims, std::string_view signature = "good") {
    return Read(EncodedPart(header) + "." + EncodedPart(claims) + "." + EncodedPart(signature));
  }
  /// A good token, but for this claim, whose JSON is given; empty: without it.
  std::string With(const std::string& name, const std::string& json) {
    std::map<std::string, std::string> claims{{"iss", R"("https://login.example.com")"},
                                              {"aud", R"("yellow")"},
                                              {"exp", std::to_string(kTimeOfToken + 300)},
                                              {"email", R"("alice@example.com")"}};
    claims[name] = json;
    std::string text;
    for (const auto& [key, value] : claims)
      if (!value.empty()) text += (text.empty() ? "{\"" : ",\"") + key + "\":" + value;
    return Signed(R"({"alg":"RS256","kid":"k1"})", text + "}");
  }

  OneKey keys_;
  std::string claim_ = "email";
};

TEST_F(Oidc, AGoodOneNamesAPerson) {
  EXPECT_EQ(With("sub", "\"7\""), "oidc:alice@example.com");
  EXPECT_EQ(keys_.asked.algorithm, ports::TokenAlgorithm::kRs256);
  EXPECT_EQ(With("aud", R"(["other","yellow"])"), "oidc:alice@example.com");
  EXPECT_EQ(With("email_verified", "true"), "oidc:alice@example.com");
  EXPECT_EQ(With("email_verified", R"("true")"), "oidc:alice@example.com");
}

TEST_F(Oidc, TheSignatureIsOfWhatIsSigned) {
  const std::string text = EncodedPart(R"({"alg":"ES256","kid":"k1"})") + "." + EncodedPart("{}");
  const std::string token = text + "." + EncodedPart("good");
  EXPECT_EQ(Read(token), "no: the token is of another issuer");
  EXPECT_EQ(keys_.asked.algorithm, ports::TokenAlgorithm::kEs256);
  EXPECT_EQ(keys_.asked.text, text);
  EXPECT_EQ(Signed(R"({"alg":"RS256","kid":"k1"})", "{}", "bad"), "no: the signature of the token is not good");
  EXPECT_EQ(Signed(R"({"alg":"RS256","kid":"k2"})", "{}"),
            "no: the issuer has no such key as the token was signed with");
}

TEST_F(Oidc, NoOtherAlgorithm) {
  for (const char* algorithm : {"none", "None", "HS256", "RS384", "PS256", "rs256", "", "ES256K"})
    EXPECT_EQ(Signed(R"({"kid":"k1","alg":")" + std::string(algorithm) + "\"}", "{}"),
              "no: the token is not signed with RS256 or ES256")
        << algorithm;
  EXPECT_EQ(Signed(R"({"kid":"k1"})", "{}"), "no: the token is not signed with RS256 or ES256");
  EXPECT_EQ(Signed(R"({"alg":["RS256"],"kid":"k1"})", "{}"), "no: the token is not signed with RS256 or ES256");
  EXPECT_EQ(Signed(R"({"alg":"RS256","kid":"k1","crit":[]})", "{}"),
            "no: the token asks for an extension that is not known");
  for (const char* header : {R"({"alg":"RS256"})", R"({"alg":"RS256","kid":""})", R"({"alg":"RS256","kid":7})"})
    EXPECT_EQ(Signed(header, "{}"), "no: the token does not name its key");
  EXPECT_EQ(keys_.times, 0) << "nobody's keys are asked for";
}

TEST_F(Oidc, WhatIsNoToken) {
  const std::string header = EncodedPart(R"({"alg":"RS256","kid":"k1"})");
  for (const std::string& token :
       {std::string(), std::string("."), std::string(".."), std::string("a.b.c"), header + ".e30", header + ".e30.!!!!",
        header + ".e30.Z29vZA.", header + ".e30=.Z29vZA", header + ".bnVsbA.Z29vZA", header + ".W10.Z29vZA",
        header + "\n.e30.Z29vZA", std::string("\0.\0.\0", 5)})
    EXPECT_EQ(Read(token), "no: this is no signed token") << token;
  EXPECT_EQ(Read(header + ".e30." + std::string(8000, 'A')), "no: the token is longer than 8000 bytes");
  EXPECT_EQ(keys_.times, 0);
}

TEST_F(Oidc, ForWhomAndByWhom) {
  for (const char* issuer : {"", R"("https://login.example.com/")", R"("https://LOGIN.example.com")", "7", "null"})
    EXPECT_EQ(With("iss", issuer), "no: the token is of another issuer") << issuer;
  for (const char* audience : {"", R"("Yellow")", R"("yellow2")", "[]", R"([["yellow"]])", R"({"yellow":1})", "null"})
    EXPECT_EQ(With("aud", audience), "no: the token is for another audience") << audience;
}

TEST_F(Oidc, OfThisTimeGiveOrTakeAMinute) {
  const auto at = [](int64_t after) { return std::to_string(kTimeOfToken + after); };
  EXPECT_EQ(With("exp", at(-59)), "oidc:alice@example.com");
  for (const std::string& expiry : {at(-60), std::string("0"), std::to_string(INT64_MIN)})
    EXPECT_EQ(With("exp", expiry), "no: the token has expired") << expiry;
  EXPECT_EQ(With("exp", std::to_string(INT64_MAX)), "oidc:alice@example.com");
  for (const char* expiry : {"", "null", "1e300", R"("tomorrow")", "true"})
    EXPECT_EQ(With("exp", expiry), "no: the token does not say when it ends") << expiry;
  for (const char* since : {"nbf", "iat"}) {
    EXPECT_EQ(With(since, at(60)), "oidc:alice@example.com");
    EXPECT_EQ(With(since, at(61)), "no: the token is not valid yet");
    EXPECT_EQ(With(since, "null"), "no: the token does not say since when it is valid");
  }
}

TEST_F(Oidc, AnAddress) {
  for (const std::string& address : {std::string(), std::string("\"\""), std::string("7"), std::string("null"),
                                     std::string(R"(["alice@example.com"])"), std::string(R"("alice @example.com")"),
                                     std::string(R"("alice\u001b")"), '"' + std::string(255, 'a') + '"'})
    EXPECT_EQ(With("email", address), "no: the token holds no address in its claim email") << address;
  for (const char* verified : {"false", R"("false")", "null", "0", "1"})
    EXPECT_EQ(With("email_verified", verified), "no: the issuer has not verified the address of the token");
}

TEST_F(Oidc, AnotherClaim) {
  claim_ = "preferred_username";
  EXPECT_EQ(With("preferred_username", R"("alice")"), "oidc:alice");
  EXPECT_THAT(With("sub", R"("alice")"), HasSubstr("preferred_username"));
  claim_ = "sub";
  EXPECT_EQ(With("email_verified", "false"), "no: the token holds no address in its claim sub");
}

}  // namespace
}  // namespace yellow::access
