#include "run/notices.h"

#include <date/date.h>
#include <gmock/gmock.h>

namespace yellow::run {
namespace {

using model::NoticeEvent;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr ports::TimePoint kNoon{date::sys_days(date::year(2026) / 6 / 1).time_since_epoch() + hours(12)};

/// Read every five minutes, last at noon.
StreamView Shop() {
  StreamView stream;
  stream.key = "Ingest/Main/Shop";
  stream.schedule = model::Schedule{"*/5 * * * *", "UTC", {}};
  stream.last_committed = stream.newest = 7;
  stream.last_read_at = kNoon;
  return stream;
}

StreamView Held(int batch) {
  StreamView stream = Shop();
  stream.newest = batch, stream.under_way = StreamView::UnderWay::kHeld;
  stream.reason_code = "emptied", stream.reason = "customers had 3 rows, now none";
  return stream;
}

View At(ports::TimePoint now, std::vector<StreamView> streams) {
  View view;
  view.now = now, view.streams = std::move(streams);
  return view;
}

model::NoticeReceiver Receiver(const std::string& name,
                               std::vector<NoticeEvent> events = {NoticeEvent::kHeld, NoticeEvent::kFailed,
                                                                  NoticeEvent::kStale}) {
  model::NoticeReceiver receiver;
  receiver.name = name, receiver.events = std::move(events);
  return receiver;
}

LastingNotice Lasting(NoticeEvent event, const std::string& ended = "", const std::string& node = "Ingest/Main/Shop") {
  return {"1", "ops", node, event, ended};
}

TEST(DueNotices, AHeldBatchIsToldOnceToWhoWantsIt) {
  const std::vector<model::NoticeReceiver> receivers{Receiver("ops"), Receiver("tickets", {NoticeEvent::kFailed})};
  const View view = At(kNoon + minutes(1), {Held(8)});
  const NoticeChanges changes = DueNotices(view, {}, receivers, {});
  ASSERT_THAT(changes.begun, SizeIs(1));
  EXPECT_EQ(changes.begun[0].receiver, "ops");
  EXPECT_EQ(changes.begun[0].cause,
            (Cause{"Ingest/Main/Shop", NoticeEvent::kHeld, 8, "", "emptied", "customers had 3 rows, now none"}));
  EXPECT_TRUE(DueNotices(view, {Lasting(NoticeEvent::kHeld)}, receivers, {}).empty());
}

TEST(DueNotices, AccessIsToldOnceUntilItIsReviewed) {
  View view = At(kNoon, {});
  view.access = {{"Access/0123456789abcdef", "break_glass", "alice has broken the glass"}};
  const std::vector<model::NoticeReceiver> receivers{Receiver("ops", {NoticeEvent::kAccess}), Receiver("tickets")};
  const NoticeChanges changes = DueNotices(view, {}, receivers, {});
  ASSERT_THAT(changes.begun, SizeIs(1));
  EXPECT_EQ(changes.begun[0].receiver, "ops");
  EXPECT_EQ(
      changes.begun[0].cause,
      (Cause{"Access/0123456789abcdef", NoticeEvent::kAccess, {}, "", "break_glass", "alice has broken the glass"}));
  const LastingNotice told = Lasting(NoticeEvent::kAccess, "", "Access/0123456789abcdef");
  EXPECT_TRUE(DueNotices(view, {told}, receivers, {}).empty());
  view.access.clear();
  const NoticeChanges reviewed = DueNotices(view, {told}, receivers, {});
  ASSERT_THAT(reviewed.ended, SizeIs(1));
  EXPECT_EQ(reviewed.ended[0].how, "it is reviewed");
}

TEST(DueNotices, AReleasedBatchIsNotBegunAndLastsUntilItIsCommitted) {
  StreamView released = Held(8);
  released.released = true;
  EXPECT_TRUE(DueNotices(At(kNoon, {released}), {}, {Receiver("ops")}, {}).empty());
  EXPECT_TRUE(DueNotices(At(kNoon, {released}), {Lasting(NoticeEvent::kHeld)}, {Receiver("ops")}, {}).empty());
}

TEST(DueNotices, WhatHasEndedIsOverAndWhatComesNextBeginsAnew) {
  const NoticeChanges changes =
      DueNotices(At(kNoon, {Held(9)}), {Lasting(NoticeEvent::kHeld, "batch 8 is committed")}, {Receiver("ops")}, {});
  ASSERT_THAT(changes.ended, SizeIs(1));
  EXPECT_EQ(changes.ended[0].how, "batch 8 is committed");
  ASSERT_THAT(changes.begun, SizeIs(1));
  EXPECT_EQ(changes.begun[0].cause.batch, 9);
}

TEST(DueNotices, WhatIsNotInTheModelIsOverAndWhoIsNotIsForgotten) {
  const NoticeChanges gone =
      DueNotices(At(kNoon, {Shop()}), {Lasting(NoticeEvent::kHeld, "", "Ingest/Main/Old")}, {Receiver("ops")}, {});
  ASSERT_THAT(gone.ended, SizeIs(1));
  EXPECT_EQ(gone.ended[0].how, "it is not in the model any more");
  EXPECT_THAT(DueNotices(At(kNoon, {Held(8)}), {Lasting(NoticeEvent::kHeld)}, {}, {}).forgotten, ElementsAre("1"));
  const NoticeChanges unwanted =
      DueNotices(At(kNoon, {Held(8)}), {Lasting(NoticeEvent::kHeld)}, {Receiver("ops", {NoticeEvent::kFailed})}, {});
  EXPECT_THAT(unwanted.forgotten, ElementsAre("1"));
  EXPECT_THAT(unwanted.begun, IsEmpty());
}

TEST(DueNotices, FailuresOfBatchesAndRunsAndHeldOutputs) {
  StreamView failed = Shop();
  failed.newest = 8, failed.newest_failed = true, failed.reason_code = "connect", failed.reason = "no route\nmore";
  View view = At(kNoon, {failed});
  StreamView output = Held(3);
  output.key = "Ingest/Main/Masked";
  view.outputs = {output};
  TransformerView mask, other;
  mask.key = "Transform/Main/Mask", mask.failed_run = RunView{"0a", "failed", "Mask", kNoon, {}, "", "emptied"};
  other.key = "Transform/Main/Other";
  other.failed_run = RunView{"0b", "timed_out", "Other", kNoon, {}, "the code ran longer than 5 s", "timeout"};
  view.transformers = {mask, other};
  const NoticeChanges changes = DueNotices(view, {}, {Receiver("ops")}, {});
  ASSERT_THAT(changes.begun, SizeIs(3)) << "an output that a guard holds is told as held, and not as failed too";
  EXPECT_EQ(changes.begun[0].cause, (Cause{"Ingest/Main/Shop", NoticeEvent::kFailed, 8, "", "connect", "no route"}));
  EXPECT_EQ(changes.begun[1].cause.node, "Ingest/Main/Masked");
  EXPECT_EQ(changes.begun[1].cause.event, NoticeEvent::kHeld);
  EXPECT_EQ(changes.begun[2].cause, (Cause{"Transform/Main/Other", NoticeEvent::kFailed, std::nullopt, "0b", "timeout",
                                           "the code ran longer than 5 s"}));
}

TEST(DueNotices, AStreamIsStaleAnHourAfterTheTickThatItHasMissed) {
  const auto stale = [](const StreamView& stream, ports::TimePoint now,
                        std::optional<ports::TimePoint> watched_since = {}) {
    return DueNotices(At(now, {stream}), {}, {Receiver("ops")}, watched_since).begun.size();
  };
  EXPECT_EQ(stale(Shop(), kNoon + minutes(65) - seconds(1)), 0U);
  EXPECT_EQ(stale(Shop(), kNoon + minutes(65)), 1U);
  EXPECT_EQ(stale(Shop(), kNoon + hours(30), kNoon + hours(29) + seconds(1)), 0U) << "it had no time yet to be read";
  EXPECT_EQ(stale(Shop(), kNoon + hours(30), kNoon + hours(29)), 1U);
  StreamView paused = Shop(), resumed = Shop(), unscheduled = Shop(), fresh = Shop(), first = Shop();
  paused.paused = true;
  EXPECT_EQ(stale(paused, kNoon + hours(30)), 0U);
  resumed.resumed_at = kNoon + hours(29) + seconds(1);
  EXPECT_EQ(stale(resumed, kNoon + hours(30)), 0U);
  unscheduled.schedule.reset();
  EXPECT_EQ(stale(unscheduled, kNoon + hours(30)), 0U);
  first.last_read_at.reset(), first.last_committed = first.newest = 0;
  EXPECT_EQ(stale(first, kNoon + hours(30)), 0U) << "nobody knows since when it should be there";
  EXPECT_EQ(stale(first, kNoon + hours(30), kNoon + hours(29)), 1U);
  EXPECT_EQ(stale(Held(8), kNoon + hours(30)), 1U) << "told as held, and not as stale too";
  const auto only_stale =
      DueNotices(At(kNoon + hours(30), {Held(8)}), {}, {Receiver("ops", {NoticeEvent::kStale})}, {});
  ASSERT_THAT(only_stale.begun, SizeIs(1));
  EXPECT_EQ(only_stale.begun[0].cause.reason,
            "its schedule had a tick at 2026-06-01 12:05:00 UTC, and no batch that was read since is committed");
}

TEST(DueNotices, StaleIsOverWhenABatchWasReadInTime) {
  const auto over = [](const StreamView& stream, ports::TimePoint now, std::optional<ports::TimePoint> watched = {}) {
    return DueNotices(At(now, {stream}), {Lasting(NoticeEvent::kStale)}, {Receiver("ops")}, watched).ended.size();
  };
  EXPECT_EQ(over(Shop(), kNoon + minutes(66)), 0U);
  EXPECT_EQ(over(Shop(), kNoon + minutes(66), kNoon + minutes(65)), 0U) << "who begins to look has mended nothing";
  StreamView read = Shop();
  read.last_read_at = kNoon + minutes(65);
  EXPECT_EQ(over(read, kNoon + minutes(66)), 1U);
  StreamView unscheduled = Shop();
  unscheduled.schedule.reset();
  EXPECT_EQ(over(unscheduled, kNoon + minutes(66)), 1U);
}

TEST(TellableReason, HoldsNoValuesOfRows) {
  EXPECT_EQ(TellableReason("emptied", "customers had 3 rows, now none", "Shop"), "customers had 3 rows, now none");
  EXPECT_EQ(TellableReason("mass_reject", "9 bad rows\n1 row breaks …; it is {\"name\": \"Miller\"}", "Shop"),
            "9 bad rows");
  EXPECT_EQ(TellableReason("null_key", "Shop.a: 2 rows break the rule that id is not null; one of them is {\"n\": 1}",
                           "Shop"),
            "Shop.a: 2 rows break the rule that id is not null");
  EXPECT_EQ(
      TellableReason("too_long", "Shop.a: 1 row breaks the rule that n is short; it is {\"n\": \"; it is x\"}", "Shop"),
      "Shop.a: 1 row breaks the rule that n is short");
  for (const char* code : {"unmergeable", "database", "sql", "unreadable", "mask", "new_code"}) {
    EXPECT_EQ(TellableReason(code, "invalid input syntax for type integer: \"Miller\"", "Shop"),
              "the reason may hold values of rows and is told by: yellow explain Shop");
  }
}

TEST(Notice, IsJsonWithALineForPeople) {
  Notice notice{"id-1",
                "local",
                "held",
                "id-1",
                "",
                "Ingest/Main/Shop",
                "8",
                "",
                "emptied",
                "a \"b\" had 3 rows, now none",
                "2026-06-01T12:00:00Z",
                ""};
  EXPECT_EQ(NoticeJson(notice),
            "{\"id\": \"id-1\", \"event\": \"held\", \"cause\": \"id-1\", \"environment\": \"local\", "
            "\"node\": \"Ingest/Main/Shop\", \"batch\": 8, "
            "\"reason\": {\"code\": \"emptied\", \"text\": \"a \\\"b\\\" had 3 rows, now none\"}, "
            "\"since\": \"2026-06-01T12:00:00Z\", "
            "\"text\": \"[local] Shop is held, batch 8: a \\\"b\\\" had 3 rows, now none. yellow batches show Shop\"}");
  notice.id = "id-2", notice.event = "over", notice.was = "held", notice.code = "held";
  notice.reason = "batch 8 is committed", notice.over_at = "2026-06-01T12:05:00Z";
  EXPECT_EQ(NoticeText(notice),
            "[local] Over: Shop was held, batch 8, since 2026-06-01T12:00:00Z; batch 8 is committed");
  EXPECT_THAT(NoticeJson(notice), HasSubstr("\"event\": \"over\", \"cause\": \"id-1\", \"was\": \"held\""));
  EXPECT_THAT(NoticeJson(notice), HasSubstr("\"over\": \"2026-06-01T12:05:00Z\""));
  const Notice run{"id-3", "local", "failed",  "id-3",     "",  "Transform/Main/Mask",
                   "",     "0a",    "timeout", "too long", "t", ""};
  EXPECT_EQ(NoticeText(run), "[local] Mask has failed, run 0a: too long. yellow runs show 0a");
  EXPECT_THAT(NoticeJson(run), Not(HasSubstr("batch")));
  Notice access{"id-4", "local", "access",      "id-4",        "",  "Access/0123456789abcdef",
                "",     "",      "break_glass", "alice is in", "t", ""};
  EXPECT_EQ(NoticeText(access), "[local] access 0123456789abcdef: alice is in. yellow access show 0123456789abcdef");
  access.event = "over", access.was = "access", access.reason = "it is reviewed";
  EXPECT_EQ(NoticeText(access), "[local] Over: access 0123456789abcdef, since t; it is reviewed");
}

}  // namespace
}  // namespace yellow::run
