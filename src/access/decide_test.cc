#include "access/decide.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yellow::access {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Decide : public ::testing::Test {
 protected:
  Decide() {
    model_.people = {Person("alice", "devops", ""),         Person("bob", "senior_devops", ""),
                     Person("eve", "analyst", ""),          Person("uma", "devops", "USA"),
                     Person("sam", "senior_devops", "USA"), Person("audra", "auditor", "")};
    model_.scopes = {Scope(model::ScopeKind::kDtWrite, "MaskShop", ""),
                     Scope(model::ScopeKind::kWsRead, "Reports", "USA")};
    request_.id = "0123456789abcdef";
    request_.content = {"alice", "dt_write:MaskShop", 3600, "OPS-1", "wrong names", {"yellow_dt_maskshop"}};
    request_.content_hash = HashOf(request_.content);
  }

  static model::Person Person(const std::string& name, const std::string& role, const std::string& zone) {
    model::Person person;
    person.name = name, person.roles = {role}, person.owner.zone = zone,
    person.identities = {"os:" + name, "ticket:" + name + "@desk"};
    return person;
  }
  static model::Scope Scope(model::ScopeKind kind, const std::string& workspace, const std::string& zone) {
    model::Scope scope;
    scope.kind = kind, scope.object = workspace, scope.owner.zone = zone;
    return scope;
  }
  const model::Person& The(const std::string& name) { return *PersonOf(model_, "os:" + name); }
  std::string Asks(const std::string& name, const Content& content) {
    const auto refusal = MayAsk(model_, The(name), content);
    return refusal ? refusal->code : "";
  }
  Content Wish(const std::string& scope, int64_t seconds = 3600) { return {"", scope, seconds, "OPS-1", "names", {}}; }

  model::Model model_;
  Request request_;
};

TEST_F(Decide, WhoMayAskForWhat) {
  EXPECT_EQ(Asks("alice", Wish("dt_write:MaskShop")), "");
  EXPECT_EQ(Asks("bob", Wish("ws_read:Reports")), "");
  EXPECT_EQ(Asks("eve", Wish("dt_write:MaskShop")), "not_devops");
  EXPECT_EQ(Asks("audra", Wish("dt_write:MaskShop")), "not_devops");
  EXPECT_EQ(Asks("uma", Wish("dt_write:MaskShop")), "zone");
  EXPECT_EQ(Asks("uma", Wish("ws_read:Reports")), "");
  EXPECT_EQ(Asks("alice", Wish("dt_write:Reports")), "scope");
  EXPECT_EQ(PersonOf(model_, "os:nobody"), nullptr);
  EXPECT_EQ(PersonOf(model_, "alice"), nullptr);
}

TEST_F(Decide, AnOperationIsToldWhatItNeedsAndNothingElse) {
  const auto erase = model::ParseScope("op:erase:Shop");
  ASSERT_TRUE(erase);
  model_.scopes.push_back(*erase);
  model_.scopes.push_back(*model::ParseScope("op:reingest:MaskShop"));
  model::Datastore shop;
  shop.name = "Shop";
  model::Dataset& customers = shop.datasets.emplace_back();
  customers.name = "customers";
  customers.key = {{"id", {}}};
  customers.columns.emplace_back().name = "id";
  model_.datastores = {shop};
  Content wish = Wish("op:erase:Shop");
  EXPECT_EQ(Asks("alice", wish), "parameter");
  wish.parameters = {{"dataset", "customers"}, {"key", "{\"id\": \"C17\"}"}};
  EXPECT_EQ(Asks("alice", wish), "");
  EXPECT_EQ(Spelled(model_, wish).parameters["key"], "{\"id\":\"C17\"}");
  for (const char* bad : {"", "  ", "a\nb", "a\x1b[2J"}) {
    wish.parameters["key"] = bad;
    EXPECT_EQ(Asks("alice", wish), "parameter") << bad;
  }
  wish.parameters["key"] = "C17";
  EXPECT_EQ(Asks("alice", wish), "key");
  wish.parameters = {{"dataset", "nothing"}, {"key", "1"}};
  EXPECT_EQ(Asks("alice", wish), "parameter");
  wish.parameters = {{"dataset", "customers"}, {"key", "1"}, {"more", "x"}};
  EXPECT_EQ(Asks("alice", wish), "parameter");
  EXPECT_EQ(Asks("alice", Wish("op:reingest:MaskShop")), "");
  wish = Wish("dt_write:MaskShop");
  wish.parameters = {{"key", "1"}};
  EXPECT_EQ(Asks("alice", wish), "parameter");
}

TEST(ScopeText, WhatIsReadIsWritten) {
  for (const char* text : {"dt_write:MaskShop", "dt_read:MaskShop", "ws_read:Analysts", "stage_read:Shop",
                           "op:reingest:MaskShop", "op:erase:Shop", "shell", "kubernetes:yellow-prod"}) {
    const auto scope = model::ParseScope(text);
    ASSERT_TRUE(scope) << text;
    EXPECT_EQ(scope->Text(), text);
  }
  for (const char* text : {"", "dt_write", "dt_write:", "op", "op:", "op:reingest", "op:reingest:", "op:drop:Shop",
                           "shell:", "shell:x", "kubernetes:", "dt_writer:x", ":x"})
    EXPECT_FALSE(model::ParseScope(text)) << text;
}

TEST_F(Decide, ForHowLong) {
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, int64_t{59}, int64_t{4 * 3600 + 1}, INT64_MAX, INT64_MIN})
    EXPECT_EQ(Asks("alice", Wish("dt_write:MaskShop", seconds)), "duration") << seconds;
  for (const int64_t seconds : {60, 4 * 3600}) EXPECT_EQ(Asks("alice", Wish("dt_write:MaskShop", seconds)), "");
}

TEST_F(Decide, WhatIsWrittenIsPlain) {
  Content wish = Wish("dt_write:MaskShop");
  for (const char* reason : {"", "  ", "a\nb", "a\x1b[2J", "a\x7f", "a\u009b2K", "a\u202eb", "a\u2028b"}) {
    wish.reason = reason;
    EXPECT_EQ(Asks("alice", wish), "reason");
  }
  wish.reason = std::string(1001, 'x');
  EXPECT_EQ(Asks("alice", wish), "reason");
  wish.reason = "größer";
  EXPECT_EQ(Asks("alice", wish), "");
  for (const char* ticket : {"", "../x", "a b", "-x", "a?b", "a%2fb"}) {
    wish.ticket = ticket;
    EXPECT_EQ(Asks("alice", wish), "ticket") << ticket;
  }
  for (const char* ticket : {"OPS-142", "acme/ops#12", "INC0010023"}) {
    wish.ticket = ticket;
    EXPECT_EQ(Asks("alice", wish), "") << ticket;
  }
}

TEST_F(Decide, WhoseTicketItIs) {
  const Content wish = Wish("dt_write:MaskShop");
  EXPECT_FALSE(Supports(The("alice"), wish, ports::Ticket{true, "alice"}));
  EXPECT_FALSE(Supports(The("alice"), wish, ports::Ticket{true, "alice@desk"}));
  EXPECT_EQ(Supports(The("alice"), wish, ports::Ticket{true, "bob"})->code, "ticket_owner");
  EXPECT_EQ(Supports(The("alice"), wish, ports::Ticket{true, ""})->code, "ticket_owner");
  EXPECT_EQ(Supports(The("alice"), wish, ports::Ticket{false, "alice"})->code, "ticket_closed");
  EXPECT_EQ(Supports(The("alice"), wish, std::nullopt)->code, "ticket_unknown");
}

TEST_F(Decide, ABreakGlassIsShortTakesTwoAndIsReviewedWithinAnHour) {
  model::Scope scope = model_.scopes[0];
  Content wish = Wish("dt_write:MaskShop", 1800);
  wish.kind = RequestKind::kBreakGlass;
  EXPECT_EQ(Asks("alice", wish), "");
  EXPECT_EQ(Asks("bob", wish), "");
  EXPECT_EQ(Asks("eve", wish), "not_devops");
  wish.seconds = 1801;
  EXPECT_EQ(Asks("alice", wish), "duration");
  model_.scopes[0].longest.seconds = 600;
  wish.seconds = 601;
  EXPECT_EQ(Asks("alice", wish), "duration");
  EXPECT_EQ(ReviewWithin(wish), 3600);
  wish.kind = RequestKind::kRegular;
  EXPECT_EQ(ReviewWithin(wish), 4 * 3600);
  for (const auto& [scope_text, hours] :
       {std::pair("shell", 24), {"ws_read:Analysts", 24}, {"kubernetes:prod", 4}, {"op:erase:Shop", 4}})
    EXPECT_EQ(ReviewWithin(Wish(scope_text, 3600)), hours * 3600) << scope_text;
  EXPECT_EQ(ApproversOf(scope, RequestKind::kRegular), 1);
  EXPECT_EQ(ApproversOf(scope, RequestKind::kBreakGlass), 2);
  scope.approvers = 3;
  EXPECT_EQ(ApproversOf(scope, RequestKind::kBreakGlass), 3);
}

TEST_F(Decide, TheTicketOfABreakGlassIsOpenAndAnybodys) {
  Content wish = Wish("dt_write:MaskShop");
  wish.kind = RequestKind::kBreakGlass;
  EXPECT_FALSE(Supports(The("alice"), wish, ports::Ticket{true, "bob"}));
  EXPECT_FALSE(Supports(The("alice"), wish, ports::Ticket{true, ""}));
  EXPECT_EQ(Supports(The("alice"), wish, ports::Ticket{false, "alice"})->code, "ticket_closed");
  EXPECT_EQ(Supports(The("alice"), wish, std::nullopt)->code, "ticket_unknown");
}

TEST_F(Decide, WhoMayVote) {
  const auto votes = [&](const std::string& who, const std::string& hash) {
    const auto refusal = MayVote(model_, The(who), request_, hash);
    return refusal ? refusal->code : "";
  };
  const std::string hash = request_.content_hash;
  EXPECT_EQ(votes("bob", hash), "");
  EXPECT_EQ(votes("bob", hash.substr(0, 12)), "");
  EXPECT_EQ(votes("bob", hash.substr(0, 11)), "content");
  EXPECT_EQ(votes("bob", ""), "content");
  EXPECT_EQ(votes("bob", std::string(64, '0')), "content");
  EXPECT_EQ(votes("alice", hash), "own_request");
  EXPECT_EQ(votes("sam", hash), "not_senior");  // of another zone
  EXPECT_EQ(votes("uma", hash), "not_senior");
  request_.content.person = "bob";
  EXPECT_EQ(votes("bob", hash), "own_request");
  model_.scopes.clear();
  EXPECT_EQ(votes("bob", hash), "own_request");
  request_.content.person = "alice";
  EXPECT_EQ(votes("bob", hash), "scope");
}

TEST_F(Decide, AStateThatIsInTheWaySaysWhatMayBeDone) {
  const auto remedy = [&](RequestState state, int64_t seconds_left = 60) {
    request_.state = state, request_.seconds_left = seconds_left;
    const Refusal refusal = NotInItsState(request_);
    EXPECT_EQ(refusal.text, "the request is " + std::string(Word(seconds_left > 0 ? state : RequestState::kExpired)));
    return refusal.remedy;
  };
  EXPECT_EQ(remedy(RequestState::kPending), "a senior approves it: yellow access approve 0123456789abcdef --content " +
                                                request_.content_hash.substr(0, 12));
  EXPECT_EQ(remedy(RequestState::kApproved), "who has asked may begin: yellow access activate 0123456789abcdef");
  EXPECT_EQ(remedy(RequestState::kActive), "it is used by: yellow access sql 0123456789abcdef");
  const std::string anew = "ask anew: yellow access request --scope dt_write:MaskShop";
  EXPECT_EQ(remedy(RequestState::kActive, 0), anew);
  for (const RequestState state : {RequestState::kExpired, RequestState::kReleased, RequestState::kDenied,
                                   RequestState::kLapsed, RequestState::kAccepted})
    EXPECT_EQ(remedy(state), anew);
  request_.content.grants.clear();
  request_.content.scope = "shell";
  EXPECT_EQ(remedy(RequestState::kActive), "it is used by: yellow access shell 0123456789abcdef");
  request_.content.scope = "op:erase:Shop";
  EXPECT_EQ(remedy(RequestState::kActive), "yellow access show 0123456789abcdef says how far it is");
  EXPECT_EQ(remedy(RequestState::kDenied), "ask anew: yellow erase");
}

TEST_F(Decide, WhatMayHappenIsWhatItsStateAllows) {
  const auto happens = [&](RequestState state, RequestEvent event) {
    request_.state = state, request_.seconds_left = 60;
    const auto refusal = MayHappen(request_, event);
    return refusal ? refusal->text : "";
  };
  EXPECT_EQ(happens(RequestState::kPending, RequestEvent::kApproved), "");
  EXPECT_EQ(happens(RequestState::kApproved, RequestEvent::kActivated), "");
  EXPECT_EQ(happens(RequestState::kApproved, RequestEvent::kApproved), "the request is approved");
  EXPECT_EQ(happens(RequestState::kDenied, RequestEvent::kEdited), "the request is denied");
  EXPECT_EQ(happens(RequestState::kActive, RequestEvent::kActivated), "the request is active");
}

TEST_F(Decide, SeniorsAreThoseOfTheZoneAndOfAll) {
  EXPECT_THAT(SeniorsFor(model_, model_.scopes[0]), ElementsAre("bob"));
  EXPECT_THAT(SeniorsFor(model_, model_.scopes[1]), ElementsAre("bob", "sam"));
}

TEST_F(Decide, AScopeThatIsGoneCanStillBeRevokedAndReviewed) {
  model_.scopes.clear();
  EXPECT_FALSE(MayRevoke(model_, The("bob"), request_));
  EXPECT_FALSE(MayReview(model_, The("bob"), request_, "fine"));
  EXPECT_EQ(MayRevoke(model_, The("alice"), request_)->code, "scope");
  EXPECT_EQ(MayReview(model_, The("alice"), request_, "fine")->code, "own_session");
}

TEST_F(Decide, SeniorsAndAuditorsHaveTheReport) {
  EXPECT_FALSE(MayReport(The("bob")));
  EXPECT_FALSE(MayReport(The("audra")));
  EXPECT_EQ(MayReport(The("alice"))->code, "not_auditor");
  EXPECT_EQ(MayReport(The("eve"))->code, "not_auditor");
}

TEST_F(Decide, SeniorsAndAuditorsOfTheEcosystemReadTheAuditLog) {
  EXPECT_FALSE(MayReadAudit(Person("bob", "senior_devops", "")));
  EXPECT_FALSE(MayReadAudit(Person("audra", "auditor", "")));
  for (const char* role : {"senior_devops", "auditor"})
    EXPECT_EQ(MayReadAudit(Person("uma", role, "Retail"))->code, "not_auditor") << "it tells of other zones too";
  EXPECT_EQ(MayReadAudit(Person("alice", "devops", ""))->code, "not_auditor");
}

TEST_F(Decide, AnOverdueReviewBlocksItsPersonOnly) {
  request_.review_overdue = true;
  EXPECT_EQ(Blocked(The("alice"), {request_})->code, "review_overdue");
  EXPECT_FALSE(Blocked(The("bob"), {request_}));
  request_.review_overdue = false;
  EXPECT_FALSE(Blocked(The("alice"), {request_}));
}

TEST_F(Decide, EveryRefusalOfARequestSaysWhatToDo) {
  EXPECT_THAT(MayAsk(model_, The("alice"), Wish("dt_write:MaskSop"))->remedy,
              HasSubstr("did you mean dt_write:MaskShop?"));
  EXPECT_THAT(MayAsk(model_, The("eve"), Wish("dt_write:MaskShop"))->remedy, HasSubstr("people"));
}

}  // namespace
}  // namespace yellow::access
