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
  view.free_runs = 4;
  return view;
}

StreamView Shop() {
  StreamView stream;
  stream.key = "Ingest/Main/Shop";
  stream.schedule = model::Schedule{"*/5 * * * *", "UTC", {}};
  stream.last_opened_at = At("12:00:00");
  stream.last_committed = 7;
  return stream;
}

/// All of its input Shop.a is consumed up to batch 7.
TransformerView Mask() {
  TransformerView transformer;
  transformer.key = "Transform/Main/Mask";
  transformer.inputs = {{"Shop.a", false, false, 7, 7, false}};
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
  mask.inputs.push_back({"Shop.b", false, false, 7, 7, false});
  EXPECT_EQ(Decide(now, mask).sentence, "Mask is not due: it waits for a newer batch of Shop.b.");
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
  mask.inputs.push_back({"Ref.r", true, false, 0, 3, true});
  mask.inputs.push_back({"Own.o", false, true, 0, 3, true});
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).code, "no_new_batch");
}

TEST(TickTransformer, WaitsUntilEveryInputHasABatchExceptItsOwnOutput) {
  TransformerView mask = Mask();
  mask.definition_changed = true;
  mask.inputs = {
      {"Shop.a", false, false, 0, 1, true}, {"Ref.r", true, false, 0, 0, false}, {"Own.o", false, true, 0, 0, false}};
  EXPECT_EQ(Decide(WorldAt("12:01:00"), mask).sentence, "Mask waits for the first batch of Ref.r.");
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
  mask.open_run = true;
  EXPECT_EQ(Decide(WorldAt("12:02:00"), mask).code, "run_open");
}

TEST(Tick, MostUrgentFirstWithinTheLimit) {
  View view = WorldAt("12:01:00");
  view.free_runs = 1;
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

}  // namespace
}  // namespace yellow::run
