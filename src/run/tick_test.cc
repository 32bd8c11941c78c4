#include "run/tick.h"

#include <date/date.h>
#include <gmock/gmock.h>

#include <sstream>

namespace yellow::run {
namespace {

ports::TimePoint At(const std::string& text) {
  std::istringstream in("2026-01-01 " + text);
  date::sys_time<std::chrono::seconds> time;
  in >> date::parse("%Y-%m-%d %H:%M:%S", time);
  EXPECT_FALSE(in.fail()) << text;
  return ports::TimePoint{time.time_since_epoch()};
}

View WorldAt(const std::string& now) {
  View view;
  view.now = At(now);
  view.run_limit = 4;
  return view;
}

StreamView Shop() {
  StreamView stream;
  stream.key = "Ingest/Main/Shop";
  stream.schedule = model::Schedule{"*/5 * * * *", "UTC", {}};
  stream.last_opened_at = At("12:00:00");
  stream.last_committed = 7;
  stream.newest = 7;
  return stream;
}

/// All of its input Shop.a is consumed up to batch 7.
TransformerView Mask() {
  TransformerView transformer;
  transformer.key = "Transform/Main/Mask";
  transformer.inputs = {{"Shop.a", false, false, 7, 7, false, "Shop"}};
  transformer.retries = 3;
  transformer.output = "Masked";
  return transformer;
}

std::string Decide(View view, const StreamView& stream) {
  view.streams = {stream};
  const auto decisions = Tick(view);
  EXPECT_EQ(decisions.size(), 1u);
  return decisions[0].code + (decisions[0].action == Action::kIngest ? "!" : "");
}

Decision Decide(View view, const TransformerView& transformer) {
  view.transformers = {transformer};
  return Tick(view).at(0);
}

TEST(TickStream, IsDueWhenATickHasPassed) {
  EXPECT_EQ(Decide(WorldAt("12:04:59"), Shop()), "waiting_schedule");
  EXPECT_EQ(Decide(WorldAt("12:05:00"), Shop()), "due_schedule!");
  EXPECT_EQ(Decide(WorldAt("14:00:00"), Shop()), "due_schedule!") << "missed ticks join into one";
}

TEST(TickStream, EveryOtherState) {
  const View now = WorldAt("12:01:00");
  StreamView stream = Shop();
  stream.last_opened_at.reset();
  EXPECT_EQ(Decide(now, stream), "due_first!");
  stream = Shop();
  stream.requested_at = At("12:00:30");
  EXPECT_EQ(Decide(now, stream), "due_requested!");
  stream.busy = true;
  EXPECT_EQ(Decide(now, stream), "busy");
  stream = Shop();
  stream.paused = true;
  stream.requested_at = At("12:00:30");
  EXPECT_EQ(Decide(now, stream), "paused");
  stream = Shop();
  stream.schedule.reset();
  EXPECT_EQ(Decide(now, stream), "waiting_request");
  stream = Shop();
  stream.under_way = StreamView::UnderWay::kOpen;
  EXPECT_EQ(Decide(now, stream), "continue_batch!");
  stream.under_way = StreamView::UnderWay::kStaged;
  EXPECT_EQ(Decide(now, stream), "continue_batch!");
  stream.under_way = StreamView::UnderWay::kHeld;
  EXPECT_EQ(Decide(now, stream), "held_waiting");
  EXPECT_EQ(Decide(WorldAt("12:05:00"), stream), "due_held!");
  stream.released = true;
  EXPECT_EQ(Decide(now, stream), "due_released!");
}

TEST(TickTransformer, TriggersOfEveryKind) {
  const View now = WorldAt("12:01:00");
  TransformerView mask = Mask();
  EXPECT_EQ(Decide(now, mask).code, "no_new_batch");
  mask.inputs[0].last_committed = 8;
  const Decision due = Decide(now, mask);
  EXPECT_EQ(due.action, Action::kTransform);
  EXPECT_EQ(due.sentence, "Mask is due: new batches: Shop.a has batch 8.");
  mask.trigger.kind = model::TriggerKind::kAnyChange;
  EXPECT_EQ(Decide(now, mask).code, "no_change");
  mask.inputs[0].changed = true;
  EXPECT_EQ(Decide(now, mask).code, "due_new_batch");
  mask.trigger.kind = model::TriggerKind::kAllInputs;
  mask.inputs.push_back({"Shop.b", false, false, 7, 7, false, "Shop"});
  EXPECT_EQ(Decide(now, mask).sentence,
            "Mask is not due: Shop.a has batch 8, but it waits for a batch of Shop.b after 7.");
  mask.inputs[1].last_committed = 8;
  EXPECT_EQ(Decide(now, mask).code, "due_new_batch");
  mask = Mask();
  mask.trigger = {model::TriggerKind::kCron, model::Schedule{"0 * * * *", "UTC", {}}};
  mask.last_run_at = At("12:00:00");
  EXPECT_EQ(Decide(now, mask).code, "waiting_schedule");
  EXPECT_EQ(Decide(WorldAt("13:00:00"), mask).code, "due_schedule");
}

TEST(TickTransformer, ReferencesAndTheOwnOutputNeverTrigger) {
  TransformerView mask = Mask();
  mask.inputs.push_back({"Ref.r", true, false, 0, 3, true, "Ref.r"});
  mask.inputs.push_back({"Own.o", false, true, 0, 3, true, "Own"});
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "no_new_batch");
}

TEST(TickTransformer, WaitsUntilEveryInputHasABatchExceptItsOwnOutput) {
  TransformerView mask = Mask();
  mask.definition_changed = true;
  mask.inputs = {{"Shop.a", false, false, 0, 1, true, "Shop"},
                 {"Ref.r", true, false, 0, 0, false, "Ref.r"},
                 {"Own.o", false, true, 0, 0, false, "Own"}};
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).sentence,
            "Mask waits for the first batch of Ref.r. Why there is none: yellow explain Ref.r");
  mask.inputs[1].last_committed = 1;
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "due_definition");
}

TEST(TickTransformer, UnchangedBatchesOfDeterministicCodeNeedNoRun) {
  TransformerView mask = Mask();
  mask.inputs[0].last_committed = 9;
  mask.deterministic = true;
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).action, Action::kConsume);
  mask.definition_changed = true;
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).action, Action::kTransform);
}

TEST(TickTransformer, FailuresBackOffAndAreGivenUp) {
  TransformerView mask = Mask();
  mask.inputs[0].last_committed = 8;
  mask.retry_at = At("12:02:00");
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "backing_off");
  EXPECT_EQ(Decide(WorldAt("12:02:00"), mask).code, "due_new_batch");
  mask.gave_up = true;
  EXPECT_EQ(Decide(WorldAt("12:02:00"), mask).code, "gave_up");
  mask.requested = true;
  EXPECT_EQ(Decide(WorldAt("12:02:00"), mask).code, "due_requested");
  mask.open_run = RunView{"0abc", "launched", "Mask", At("12:00:00"), {}, ""};
  EXPECT_EQ(Decide(WorldAt("12:02:00"), mask).code, "run_open");
}

TEST(TickTransformer, ARunThatWasLeftOpenIsGoneOnWithThoughNothingIsNew) {
  TransformerView mask = Mask();
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).action, Action::kWait);
  mask.left_open = true;
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "due_left_open");
  mask.inputs[0].last_committed = 8;
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "due_new_batch");
}

TEST(Tick, MostUrgentFirstWithinTheLimit) {
  View view = WorldAt("12:01:00");
  view.run_limit = 1;
  for (const auto& [name, priority] :
       {std::pair("A", model::Priority::kLow), std::pair("B", model::Priority::kCritical)}) {
    TransformerView one = Mask();
    one.key = std::string("Transform/Main/") + name;
    one.priority = priority;
    one.inputs[0].last_committed = 8;
    view.transformers.push_back(one);
  }
  const auto decisions = Tick(view);
  EXPECT_EQ(decisions[0].node, "Transform/Main/B");
  EXPECT_EQ(decisions[0].action, Action::kTransform);
  EXPECT_EQ(decisions[1].code, "limit_reached");
}

/// What a verdict says to a person: numbers, reason, remedy.
TEST(TickSentences, OfStreams) {
  const View now = WorldAt("12:01:00");
  const auto sentence = [&](const StreamView& stream) {
    View view = now;
    view.streams = {stream};
    return Tick(view).at(0).sentence;
  };
  StreamView stream = Shop();
  EXPECT_EQ(sentence(stream), "Shop is not due. It is read next at 12:05:00.");
  stream.schedule->cron = "0 3 * * *";
  EXPECT_EQ(sentence(stream), "Shop is not due. It is read next at 2026-01-02 03:00:00.");
  stream.schedule->cron = "*/5 * * * *";
  stream.newest = 8, stream.newest_failed = true, stream.reason = "no route to host\n  = check it";
  EXPECT_EQ(sentence(stream),
            "Shop waits, because its batch 8 failed: no route to host. What helps: check it. It is tried again at "
            "12:05:00, or at once with: yellow run Shop");
  stream = Shop();
  stream.newest = 8, stream.under_way = StreamView::UnderWay::kHeld, stream.reason = "orders had 9 rows, now none";
  EXPECT_EQ(sentence(stream),
            "Shop waits, because its batch 8 is held: orders had 9 rows, now none. It is read again at 12:05:00, or at "
            "once with: yellow run Shop");
  stream.reason_code = "duplicate_key";
  EXPECT_THAT(sentence(stream), ::testing::HasSubstr("now none. What helps: mend the rows at the source, or"));
  stream.reason_code = "schema";
  EXPECT_THAT(sentence(stream), ::testing::HasSubstr(". What helps: mend the source; or the model"));
  stream.reason_code = "emptied";
  stream.releasable = true;
  EXPECT_THAT(sentence(stream), ::testing::EndsWith(". If it is right as it is: yellow batches release Shop"));
  stream.released = true;
  EXPECT_EQ(sentence(stream), "Shop is due: its held batch 8 was released.");
  stream.under_way = StreamView::UnderWay::kStaged;
  EXPECT_EQ(sentence(stream), "Shop is due: its batch 8 is staged and goes on.");
  stream.busy = true, stream.holder = "alpha:77:123";
  EXPECT_THAT(sentence(stream),
              ::testing::StartsWith("Shop is being ingested by another yellow, process 77 on alpha."));
  stream.paused = true;
  EXPECT_EQ(sentence(stream), "Shop is paused. It goes on after: yellow streams resume Shop");
}

TEST(TickSentences, OfTransformers) {
  const View now = WorldAt("12:01:00");
  TransformerView mask = Mask();
  EXPECT_EQ(Decide(now, mask).sentence, "Mask is not due: there is no batch of Shop.a after 7.");
  mask.inputs[0].last_committed = 9;
  mask.retry_at = At("12:02:00"), mask.failures = 2;
  mask.failed_run = RunView{"0abc", "failed", "Mask", At("12:00:00"), {}, "exit status 3\nmore"};
  EXPECT_EQ(Decide(now, mask).sentence,
            "Mask failed 2 times, last in run 0abc: exit status 3. Try 3 of 4 begins at 12:02:00, or at once with: "
            "yellow runs retry Mask");
  mask.gave_up = true;
  EXPECT_EQ(Decide(now, mask).sentence,
            "Mask failed 4 times, last in run 0abc: exit status 3. It was given up, and is due again by a new batch, a "
            "changed definition, or: yellow runs retry Mask");
  mask = Mask();
  mask.inputs[0].last_committed = 9, mask.deterministic = true;
  EXPECT_EQ(Decide(now, mask).sentence,
            "Mask needs no run: no row changed in batches 8 to 9 of Shop.a. They are consumed without one.");
  mask.paused = true;
  EXPECT_EQ(Decide(now, mask).sentence,
            "Mask is paused with its output Masked. It goes on after: yellow streams resume Masked");
  mask.open_run = RunView{"0abc", "launched", "Mask", At("12:00:00"), At("12:10:00"), ""};
  EXPECT_EQ(
      Decide(now, mask).sentence,
      "Mask is running: run 0abc since 12:00:00, launched, must be done by 12:10:00. To end it: yellow runs cancel "
      "0abc");
}

TEST(TickSentences, OfTheLimit) {
  View view = WorldAt("12:01:00");
  view.run_limit = 2;
  view.open_runs = {{"0abc", "launched", "Slow", At("12:00:00"), {}, ""}};
  TransformerView first = Mask(), second = Mask();
  first.key = "Transform/Main/First", second.key = "Transform/Main/Second";
  first.inputs[0].last_committed = second.inputs[0].last_committed = 8;
  view.transformers = {first, second};
  EXPECT_EQ(Tick(view).at(1).sentence,
            "Second is due (new batches: Shop.a has batch 8) and waits, because limits.runs of the environment is 2: "
            "open is Slow (run 0abc), and more urgent is First. It goes on when one of them ends, or when the limit is "
            "raised.");
}

TEST(TickSentences, AThousandInputsStayReadable) {
  TransformerView mask = Mask();
  mask.inputs.clear();
  for (int i = 0; i < 1000; ++i) mask.inputs.push_back({"Big.t" + std::to_string(i), false, false, 0, 1, true, "Big"});
  EXPECT_LT(Decide(WorldAt("12:01:00"), mask).sentence.size(), 200u);
}

TEST(Tick, AVerdictNamesTheBatchesThatItIsAbout) {
  const View now = WorldAt("12:01:00");
  TransformerView mask = Mask();
  EXPECT_TRUE(Decide(now, mask).batches.empty());
  mask.inputs[0].last_committed = 9;
  EXPECT_EQ(Decide(now, mask).batches, (std::vector<BatchRange>{{"Shop.a", 7, 9}}));
  View view = now;
  view.streams = {Shop()};
  EXPECT_EQ(Tick(view).at(0).batches, (std::vector<BatchRange>{{"Shop", 7, 8}})) << "the next one";
  view.streams[0].newest = 8, view.streams[0].under_way = StreamView::UnderWay::kOpen;
  EXPECT_EQ(Tick(view).at(0).batches, (std::vector<BatchRange>{{"Shop", 7, 8}})) << "the one under way";
}

}  // namespace
}  // namespace yellow::run
