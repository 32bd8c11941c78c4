#include "adapters/kubernetes/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::adapters::kubernetes {
namespace {

using ::testing::ElementsAre;

std::string StatusOf(int code, const std::string& reason) {
  return R"({"kind":"Status","status":"Failure","code":)" + std::to_string(code) + R"(,"reason":")" + reason +
         R"(","message":"because of )" + reason + "\"}";
}

ApiError ErrorOf(int status, const std::string& body, int retry_after = 0) {
  try {
    Classify("create Job", status, body, retry_after);
  } catch (const ApiError& error) {
    return error;
  }
  ADD_FAILURE() << status << " was taken";
  return {"", -1};
}

TEST(Classify, WhatACallerDecidesUpon) {
  EXPECT_EQ(Classify("", 200, "{}", 0).outcome, Outcome::kDone);
  EXPECT_EQ(Classify("", 201, "{\"a\":1}", 0).body, "{\"a\":1}");
  EXPECT_EQ(Classify("", 404, StatusOf(404, "NotFound"), 0).outcome, Outcome::kNotFound);
  EXPECT_EQ(Classify("", 409, StatusOf(409, "AlreadyExists"), 0).outcome, Outcome::kExists);
  EXPECT_EQ(Classify("", 409, StatusOf(409, "Conflict"), 0).outcome, Outcome::kConflict);
  EXPECT_EQ(Classify("", 410, StatusOf(410, "Expired"), 0).outcome, Outcome::kTooOld);
}

TEST(Classify, WhatMayPass) {
  for (const int status : {429, 500, 502, 503, 504}) EXPECT_TRUE(ErrorOf(status, "busy").retryable) << status;
  for (const int status : {400, 401, 403, 404, 405, 413, 422, 301})
    EXPECT_FALSE(ErrorOf(status, "no").retryable) << status;
  EXPECT_EQ(ErrorOf(429, StatusOf(429, "TooManyRequests"), 7).retry_after, 7);
  EXPECT_FALSE(ErrorOf(429, "").outcome_unknown) << "turned away at the door";
  EXPECT_FALSE(ErrorOf(503, "").outcome_unknown);
  EXPECT_TRUE(ErrorOf(500, "").outcome_unknown);
  EXPECT_TRUE(ErrorOf(504, "").outcome_unknown);
}

TEST(Classify, SaysWhatTheServerSaid) {
  const ApiError error = ErrorOf(403, StatusOf(403, "Forbidden"));
  EXPECT_STREQ(error.what(), "create Job: because of Forbidden");
  EXPECT_EQ(error.reason, "Forbidden");
  EXPECT_EQ(error.status, 403);
  EXPECT_FALSE(error.remedy.empty());
  EXPECT_STREQ(ErrorOf(404, "<html>nothing here").what(), "create Job: the API server answered with status 404")
      << "a proxy's 404 is no absent object";
  EXPECT_STREQ(ErrorOf(422, R"({"kind":"Status","message":17})").what(),
               "create Job: the API server answered with status 422");
}

std::string Line(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"kind":"Job","metadata":{"name":")" + name +
         R"(","resourceVersion":")" + version + "\"}}}\n";
}

TEST(WatchStream, IsCutAnywhere) {
  const std::string text = Line("ADDED", "a", "1") + Line("MODIFIED", "ü", "2") + "\n" + Line("BOOKMARK", "", "5") +
                           Line("DELETED", "a", "6");
  for (size_t piece = 1; piece < 90; ++piece) {
    WatchStream stream;
    std::vector<std::string> seen;
    for (size_t at = 0; at < text.size(); at += piece) {
      EXPECT_FALSE(stream.Feed(std::string_view(text).substr(at, piece), [&](const WatchEvent& event) {
        seen.push_back(std::to_string(static_cast<int>(event.kind)) + event.name + event.version);
        return true;
      }));
    }
    EXPECT_THAT(seen, ElementsAre("0a1", "1ü2", "35", "2a6")) << "pieces of " << piece;
  }
}

TEST(WatchEvent, HasNoMoreThanCallersRead) {
  const auto object = [](const char* spec, const char* fields) {
    return std::string(R"({"metadata":{"annotations":{"managedFields":"a","spec":"b"})") + fields + R"(,"name":"n"})" +
           spec + R"(,"status":{"spec":{"managedFields":1}}})";
  };
  const std::string whole = object(R"(,"spec":{"a":[{"b":1}]})", R"(,"managedFields":[{"f:spec":{}}])");
  const ListPage page = ReadList(R"({"metadata":{},"items":[)" + whole + "," + whole + "]}");
  ASSERT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.items[1].object, object("", ""));
  std::string seen;
  WatchStream().Feed(R"({"type":"ADDED","object":)" + whole + "}\n", [&](const WatchEvent& event) {
    seen = event.object;
    return true;
  });
  EXPECT_EQ(seen, object("", ""));
}

TEST(ReadList, IsAListOrAnError) {
  const ListPage page = ReadList(
      R"({"metadata":{"resourceVersion":"7","continue":"c"},"items":[{"metadata":{"name":"a","resourceVersion":"3"}}]})");
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].name + page.items[0].version + page.version + page.next, "a37c");
  EXPECT_TRUE(ReadList(R"({"metadata":{},"items":[]})").items.empty());
  for (const char* body :
       {"", "[]", "{}", "{\"items\":[]}", "{\"metadata\":{},\"items\":{}}", "{\"metadata\":{},\"items\":[1]}",
        "{\"metadata\":{},\"items\":[{}]}", "{\"metadata\":{},\"items\":[{\"metadata\":1}]}"})
    EXPECT_THROW(ReadList(body), ApiError) << body;
}

TEST(WatchStream, Ends) {
  const auto all = [](const WatchEvent&) { return true; };
  EXPECT_EQ(WatchStream().Feed(R"({"type":"ERROR","object":)" + StatusOf(410, "Expired") + "}\n", all),
            Outcome::kTooOld);
  int taken = 0;
  EXPECT_EQ(WatchStream().Feed(Line("ADDED", "a", "1") + Line("ADDED", "b", "2"),
                               [&](const WatchEvent&) { return ++taken < 1; }),
            Outcome::kDone);
  EXPECT_EQ(taken, 1);
  EXPECT_THROW(WatchStream().Feed(R"({"type":"ERROR","object":)" + StatusOf(500, "InternalError") + "}\n", all),
               ApiError);
  for (const char* line :
       {"no json\n", "[]\n", "{\"type\":\"ADDED\"}\n", "{\"type\":\"NEW\",\"object\":{\"metadata\":{}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":[]}}\n", "{\"type\":3,\"object\":{}}\n"})
    EXPECT_THROW(WatchStream().Feed(line, all), ApiError) << line;
  EXPECT_THROW(WatchStream().Feed(std::string(WatchStream::kLongestLine + 1, 'x'), all), ApiError)
      << "a line without end";
}

}  // namespace
}  // namespace yellow::adapters::kubernetes
