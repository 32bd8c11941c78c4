#include "access/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Request Asked(const std::string& id, const std::string& at) {
  Request request;
  request.id = id, request.requested_at = at;
  request.content = {"alice", "dt_write:MaskShop", 3600, "OPS-1", "wrong names", {"yellow_dt_maskshop"}};
  request.content_hash = HashOf(request.content);
  return request;
}

ReportLine LineOf(const Request& request) { return ReportOf({request}, "2026-01-01", "2026-12-31").at(0); }

TEST(Report, EachRequestIsInTheReportOfTheDayItWasAskedFor) {
  const std::vector<Request> all{Asked("c", "2026-02-01T00:00:00Z"), Asked("b", "2026-01-31T23:59:59.9Z"),
                                 Asked("a", "2026-01-01T00:00:00Z"), Asked("d", "2025-12-31T23:59:59Z")};
  const auto ids = [&](const char* from, const char* to) {
    std::vector<std::string> found;
    for (const ReportLine& line : ReportOf(all, from, to)) found.push_back(line.id);
    return found;
  };
  EXPECT_THAT(ids("2026-01-01", "2026-01-31"), ElementsAre("a", "b"));
  EXPECT_THAT(ids("2026-02-01", "2026-02-28"), ElementsAre("c"));
  EXPECT_THAT(ids("2026-02-01", "2026-01-01"), IsEmpty());
}

TEST(Report, OnlyVotesForWhatItIsNowAreApprovals) {
  Request request = Asked("a", "2026-01-01T00:00:00Z");
  request.votes = {{"a", "bob", request.content_hash, true, "", ""},
                   {"a", "carol", "older", true, "", ""},
                   {"a", "erin", request.content_hash, false, "", ""}};
  EXPECT_THAT(LineOf(request).approvers, ElementsAre("bob"));
}

TEST(Report, MinutesThatHaveBegunCount) {
  Request request = Asked("a", "2026-01-01T00:00:00Z");
  EXPECT_EQ(LineOf(request).minutes, 0);
  request.seconds_used = 1;
  EXPECT_EQ(LineOf(request).minutes, 1);
  request.seconds_used = 60;
  EXPECT_EQ(LineOf(request).minutes, 1);
  request.seconds_used = 61;
  EXPECT_EQ(LineOf(request).minutes, 2);
}

TEST(Report, WhatIsUsualIsNoException) {
  Request request = Asked("a", "2026-01-01T00:00:00Z");
  request.state = RequestState::kAccepted;
  for (const std::string& end : {std::string("ended"), std::string("hung_up"), GivenBackBy("alice")}) {
    AccessSession session;
    session.ended_at = "2026-01-01T00:10:00Z", session.end_reason = end;
    request.sessions.push_back(session);
  }
  request.sessions.emplace_back();  // it goes on
  EXPECT_THAT(LineOf(request).exceptions, IsEmpty());
}

TEST(Report, EveryExceptionIsNamed) {
  Request request = Asked("a", "2026-01-01T00:00:00Z");
  const auto exceptions = [&] { return LineOf(request).exceptions; };
  for (const auto& [state, exception] :
       {std::pair(RequestState::kDenied, Exception::kDenied), std::pair(RequestState::kLapsed, Exception::kLapsed),
        std::pair(RequestState::kEscalated, Exception::kEscalated)}) {
    request.state = state;
    EXPECT_THAT(exceptions(), ElementsAre(exception));
  }
  request.state = RequestState::kInReview;
  for (const char* end : {"expired", "recorder_gone", "cannot_record: no space", "its service was killed"}) {
    request.sessions.resize(1);
    request.sessions[0].ended_at = "2026-01-01T00:10:00Z", request.sessions[0].end_reason = end;
    EXPECT_THAT(exceptions(), ElementsAre(Exception::kSessionCut)) << end;
  }
  request.revoked = true, request.seconds_late = 1, request.content.kind = RequestKind::kBreakGlass;
  EXPECT_THAT(exceptions(),
              ElementsAre(Exception::kBreakGlass, Exception::kRevoked, Exception::kSessionCut, Exception::kOverdue));
}

TEST(Report, Days) {
  EXPECT_TRUE(IsDay("2026-01-31"));
  EXPECT_TRUE(IsDay("2028-02-29"));
  for (const char* text : {"", "2026-1-31", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-31Z",
                           "2026/01/31", "20260-1-31", "2026-01-3x"})
    EXPECT_FALSE(IsDay(text)) << text;
}

}  // namespace
}  // namespace yellow::access
