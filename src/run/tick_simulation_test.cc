// Days of schedules on a clock that only the simulation moves: it sleeps exactly until a verdict says to look again or
// something ends, so a tick that nobody is woken for is missed for good. Batches and runs last, and fail, by chance.
#include <gtest/gtest.h>

#include <date/date.h>

#include <map>
#include <random>
#include <set>

#include "base/cron.h"
#include "load/load.h"
#include "plan/physical.h"
#include "run/tick.h"

namespace yellow::run {
namespace {

using ports::TimePoint;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TimePoint At(date::sys_days day, seconds time = {}) { return TimePoint{day.time_since_epoch() + time}; }

struct Opening {
  TimePoint from, to;
};

/// A source, or the output of a transformer.
struct Store {
  std::optional<model::Schedule> schedule;
  int committed = 0;
  std::map<std::string, std::vector<bool>> changed;  ///< by dataset that is merged, by batch; the first is none
  std::optional<TimePoint> last_opened_at, ends_at;
  std::vector<Opening> openings;
};

struct Input {
  std::string store, dataset;
  bool reference = false, own_output = false;
  int cursor = 0, claimed = 0;
};

struct Code {
  model::Trigger trigger;
  bool deterministic = false, definition_changed = true;
  model::Priority priority = model::Priority::kLowest;
  std::string output;  ///< key of its stream
  std::vector<Input> inputs;
  int failures = 0;
  std::optional<TimePoint> retry_at, last_run_at, ends_at, due_since;
  std::vector<Opening> runs;
  seconds longest_wait{0};  ///< for a free run
};

class Simulation {
 public:
  Simulation(TimePoint begin, unsigned seed) : now_(begin), chance_(seed) {}

  std::map<std::string, Store> stores;
  std::map<std::string, Code> codes;
  int run_limit = 2;

  void RunUntil(TimePoint end) {
    for (int looks = 0; now_ < end; ++looks) {
      ASSERT_LT(looks, 200'000) << "it goes round in a circle";
      EndWhatIsOver();
      ASSERT_NO_FATAL_FAILURE(Look());
    }
  }

  /// How many batches past the cursor, up to `upto`, changed the input.
  int Changes(const Input& input, int upto) const {
    const std::vector<bool>& changed = stores.at(input.store).changed.at(input.dataset);
    return static_cast<int>(std::count(changed.begin() + input.cursor + 1, changed.begin() + upto + 1, true));
  }

 private:
  seconds Lasting(int most) { return seconds(1 + static_cast<int>(chance_() % static_cast<unsigned>(most))); }

  void Commit(Store& store) {
    ++store.committed;
    for (auto& [dataset, changed] : store.changed) changed.push_back(chance_() % 3 != 0);
  }

  void EndWhatIsOver() {
    for (auto& [name, store] : stores) {
      if (!store.ends_at || *store.ends_at > now_) continue;
      store.ends_at.reset();
      Commit(store);
    }
    for (auto& [name, code] : codes) {
      if (!code.ends_at || *code.ends_at > now_) continue;
      code.ends_at.reset();
      if (chance_() % 10 == 0) {
        code.retry_at = now_ + seconds(10 << code.failures++);
        continue;
      }
      code.failures = 0, code.definition_changed = false, code.retry_at.reset();
      for (Input& input : code.inputs) input.cursor = input.claimed;
      Commit(stores[code.output]);
    }
  }

  View Now() {
    View view;
    view.now = now_, view.run_limit = run_limit;
    for (auto& [name, store] : stores) {
      if (!store.schedule) continue;
      StreamView one;
      one.key = name, one.schedule = store.schedule, one.last_opened_at = store.last_opened_at;
      one.busy = store.ends_at.has_value(), one.holder = "host:1:1";
      one.last_committed = one.newest = store.committed;
      view.streams.push_back(one);
    }
    for (auto& [name, code] : codes) {
      TransformerView one;
      one.key = name, one.priority = code.priority, one.trigger = code.trigger, one.deterministic = code.deterministic;
      one.definition_changed = code.definition_changed, one.failures = code.failures, one.retries = 1000;
      one.retry_at = code.retry_at, one.last_run_at = code.last_run_at, one.output = code.output;
      if (code.ends_at) {
        one.open_run = RunView{name, "launched", name, *code.last_run_at, std::nullopt, ""};
        view.open_runs.push_back(*one.open_run);
      }
      for (const Input& input : code.inputs) {
        const int committed = stores.at(input.store).committed;
        one.inputs.push_back({input.store + "." + input.dataset, input.reference, input.own_output, input.cursor,
                              committed, Changes(input, committed) > 0, input.store});
      }
      view.transformers.push_back(one);
    }
    return view;
  }

  void Look() {
    std::optional<TimePoint> next;
    const auto wake = [&](TimePoint at) { next = next ? std::min(*next, at) : at; };
    bool acted = false;
    for (const Decision& decision : Tick(Now())) {
      if (decision.action == Action::kWait) {
        if (decision.wake_at && *decision.wake_at > now_) wake(*decision.wake_at);
        if (decision.code == "limit_reached" && !codes.at(decision.node).due_since)
          codes.at(decision.node).due_since = now_;
      } else {
        acted = true;
        Act(decision);
      }
    }
    if (acted) return;  // what has begun may let others begin
    for (const auto& [name, store] : stores) {
      if (store.ends_at) wake(*store.ends_at);
    }
    for (const auto& [name, code] : codes) {
      if (code.ends_at) wake(*code.ends_at);
    }
    ASSERT_TRUE(next) << "nobody would look again";
    ASSERT_GT(*next, now_);
    now_ = *next;
  }

  void Act(const Decision& decision) {
    if (decision.action == Action::kIngest) {
      Store& store = stores.at(decision.node);
      ASSERT_FALSE(store.ends_at) << decision.node << " is read twice at once";
      store.last_opened_at = now_, store.ends_at = now_ + Lasting(240);
      store.openings.push_back({now_, *store.ends_at});
      return;
    }
    Code& code = codes.at(decision.node);
    if (code.due_since)
      code.longest_wait = std::max(code.longest_wait, std::chrono::duration_cast<seconds>(now_ - *code.due_since));
    code.due_since.reset();
    for (Input& input : code.inputs) input.claimed = stores.at(input.store).committed;
    if (decision.action == Action::kConsume) {
      for (Input& input : code.inputs) input.cursor = input.claimed;
      return;
    }
    ASSERT_FALSE(code.ends_at) << decision.node << " runs twice at once";
    const auto open =
        std::count_if(codes.begin(), codes.end(), [](const auto& one) { return one.second.ends_at.has_value(); });
    ASSERT_LT(open, run_limit);
    if (code.trigger.kind == model::TriggerKind::kAnyChange && !code.definition_changed) {
      const auto changed = [&](const Input& input) { return !input.reference && Changes(input, input.claimed) > 0; };
      ASSERT_TRUE(std::any_of(code.inputs.begin(), code.inputs.end(), changed))
          << decision.node << " runs, and only datasets that it does not use have changed";
    }
    code.last_run_at = now_, code.ends_at = now_ + Lasting(200);
    code.runs.push_back({now_, *code.ends_at});
  }

  TimePoint now_;
  std::mt19937 chance_;
};

/// Every tick after the first look is followed by exactly one opening, at once or when what was under way has ended;
/// ticks that fall into one opening share the next.
void ExpectEveryTick(const std::string& name, const model::Schedule& schedule, const std::vector<Opening>& openings,
                     TimePoint end) {
  std::string why;
  const auto cron = base::Cron::Parse(schedule.cron, &why);
  ASSERT_TRUE(cron);
  ASSERT_FALSE(openings.empty());
  for (size_t i = 0; i + 1 < openings.size(); ++i) {
    const auto tick = cron->Next(base::Instant(openings[i].from.time_since_epoch()), schedule.timezone);
    ASSERT_TRUE(tick);
    const TimePoint due = std::max(TimePoint(tick->time_since_epoch()), openings[i].to);
    EXPECT_EQ(openings[i + 1].from, due) << name << ", opening " << i + 1 << " of " << openings.size();
  }
  const auto tick = cron->Next(base::Instant(openings.back().from.time_since_epoch()), schedule.timezone);
  EXPECT_GE(std::max(TimePoint(tick->time_since_epoch()), openings.back().to), end - minutes(5))
      << name << " stopped being read";
}

/// Of what Split writes, others use `big` and `small`, it alone uses `seen`, and nobody uses `rest`. Nobody uses what
/// Unused writes.
constexpr const char* kModel = R"(
kind: Datastore
name: Often
capture: {sql_snapshot: {container: C, credential: c, schedule: "*/5 * * * *"}}
datasets: {a: {key: [id], columns: {id: integer}}, b: {key: [id], columns: {id: integer}}}
---
kind: Datastore
name: Hourly
capture: {sql_snapshot: {container: C, credential: c, schedule: {cron: "17 * * * *", timezone: Asia/Kolkata}}}
datasets: {a: {key: [id], columns: {id: integer}}}
---
kind: Datastore
name: Nightly
capture: {sql_snapshot: {container: C, credential: c, schedule: {cron: "30 2 * * *", timezone: Europe/Berlin}}}
datasets: {a: {key: [id], columns: {id: integer}}}
---
kind: Datastore
name: Workdays
capture: {sql_snapshot: {container: C, credential: c, schedule: {cron: "0 8-18/2 * * mon-fri", timezone: America/New_York}}}
datasets: {a: {key: [id], columns: {id: integer}}}
---
kind: Workspace
name: Split
groups: {In: {sinks: [Often.a, Hourly.a, Parts.seen]}}
transformer:
  code: {sql: t/}
  deterministic: false
  output:
    datastore: Parts
    datasets: {big: {like: Often.a}, small: {like: Often.a}, seen: {like: Often.a}, rest: {like: Often.a}}
---
kind: Workspace
name: Chained
groups: {In: {sinks: [Parts.big, Parts.small, OutChained.o]}}
transformer:
  code: {sql: t/}
  deterministic: false
  output: {datastore: OutChained, datasets: {o: {like: Often.a}}}
---
kind: Workspace
name: SmallOnes
groups: {In: {sinks: [Parts.small, {dataset: Parts.big, reference: true}]}}
transformer:
  code: {sql: t/}
  trigger: any_change
  output: {datastore: OutSmallOnes, datasets: {o: {like: Often.a}, p: {like: Often.a}}}
---
kind: Workspace
name: Both
groups: {In: {sinks: [Hourly.a, Nightly.a]}}
transformer:
  code: {sql: t/}
  deterministic: false
  trigger: all_inputs
  output: {datastore: OutBoth, datasets: {o: {like: Often.a}}}
---
kind: Workspace
name: Changes
groups: {In: {sinks: [Often.b, {dataset: Workdays.a, reference: true}]}}
transformer:
  code: {sql: t/}
  trigger: any_change
  output: {datastore: OutChanges, datasets: {o: {like: Often.a}}}
---
kind: Workspace
name: Daily
groups: {In: {sinks: [Often.a]}}
transformer:
  code: {sql: t/}
  trigger: {cron: "0 6 * * *", timezone: Europe/Berlin}
  output: {datastore: OutDaily, datasets: {o: {like: Often.a}}}
---
kind: Workspace
name: Unused
groups: {In: {sinks: [Often.a, OutUnused.o]}}
transformer:
  code: {sql: t/}
  output: {datastore: OutUnused, datasets: {o: {like: Often.a}, p: {like: Often.a}}}
---
kind: Workspace
name: Readers
groups: {In: {sinks: [OutChained.o, OutSmallOnes.p, OutBoth.o, OutChanges.o, OutDaily.o]}}
---
kind: Workspace
name: Hurry
priority: critical
groups: {In: {sinks: [Parts.big]}}
)";

/// The nodes that the model has, as yet without a batch.
Simulation World(TimePoint begin, unsigned seed) {
  Simulation world(begin, seed);
  const model::Model model = load::Load({{"model/all.yaml", kModel}}, "").model;
  const plan::Physical physical = plan::Lay(model, graph::Build(model), {});
  for (const plan::Stream& stream : physical.streams) {
    Store& store = world.stores[stream.key];
    const model::Capture& capture = model.FindDatastore(stream.store)->capture;
    if (const auto* source = std::get_if<model::SqlSnapshot>(&capture)) store.schedule = source->schedule;
    for (const sql::TableLayout& table : stream.tables) store.changed[table.dataset.dataset] = {false};
  }
  for (const plan::Transformer& placed : physical.transformers) {
    const model::DataTransformer& declared = *model.FindWorkspace(placed.workspace)->transformer;
    Code& code = world.codes[placed.key];
    code.trigger = declared.trigger, code.deterministic = declared.deterministic, code.priority = placed.priority;
    code.output = placed.output_stream;
    for (const plan::TransformerInput& input : placed.inputs)
      code.inputs.push_back({input.stream, input.address.dataset, input.reference, input.own_output});
  }
  return world;
}

void Check(Simulation& world, TimePoint end) {
  for (const auto& [name, store] : world.stores) {
    if (store.schedule) ExpectEveryTick(name, *store.schedule, store.openings, end);
  }
  for (const auto& [name, code] : world.codes) {
    EXPECT_GT(code.runs.size(), 4U) << name;
    EXPECT_LT(code.longest_wait, minutes(60)) << name << " starves";
    for (const Input& input : code.inputs) {
      const int committed = world.stores.at(input.store).committed;
      if (input.own_output || input.reference) continue;
      if (code.trigger.kind == model::TriggerKind::kAnyBatch) {
        EXPECT_GE(input.cursor, committed - 3) << name << " lags behind";
      }
      if (code.trigger.kind == model::TriggerKind::kAnyChange) {
        EXPECT_LE(world.Changes(input, committed), 3) << name << " lags behind";
      }
    }
  }
}

class Days : public ::testing::TestWithParam<std::pair<const char*, date::sys_days>> {};

TEST_P(Days, NothingIsMissedDoubledOrStarved) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  const TimePoint begin = At(GetParam().second, hours(22) + minutes(13)), end = begin + hours(24 * 5);
  Simulation world = World(begin, seed);
  ASSERT_NO_FATAL_FAILURE(world.RunUntil(end));
  ASSERT_NO_FATAL_FAILURE(Check(world, end));
  // Once a night, also in the night in which half past two is not there or comes twice.
  EXPECT_EQ(world.stores["Ingest/Main/Nightly"].openings.size(), 1U + 5U) << "the first look, and five nights";
}

INSTANTIATE_TEST_SUITE_P(Nights, Days,
                         ::testing::Values(std::pair("ordinary", date::sys_days(date::year(2026) / 6 / 1)),
                                           std::pair("an_hour_lost", date::sys_days(date::year(2026) / 3 / 26)),
                                           std::pair("an_hour_twice", date::sys_days(date::year(2026) / 10 / 22)),
                                           std::pair("new_year", date::sys_days(date::year(2026) / 12 / 28))),
                         [](const auto& one) { return std::string(one.param.first); });

TEST(Simulation, WhatNobodyUsesIsNotThere) {
  Simulation world = World(At(date::sys_days(date::year(2026) / 6 / 1)), 1);
  std::set<std::string> codes, merged;
  for (const auto& [name, code] : world.codes) codes.insert(NameOfNode(name));
  for (const auto& [dataset, changed] : world.stores.at("Ingest/Main/Parts").changed) merged.insert(dataset);
  EXPECT_EQ(codes, (std::set<std::string>{"Both", "Chained", "Changes", "Daily", "SmallOnes", "Split"}));
  EXPECT_EQ(merged, (std::set<std::string>{"big", "seen", "small"}));
  EXPECT_EQ(world.stores.count("Ingest/Main/OutUnused"), 0U);
}

TEST(Simulation, OneFreeRunIsShared) {
  const TimePoint begin = At(date::sys_days(date::year(2026) / 6 / 1));
  Simulation world = World(begin, std::random_device{}());
  world.run_limit = 1;
  ASSERT_NO_FATAL_FAILURE(world.RunUntil(begin + hours(24 * 3)));
  for (const auto& [name, code] : world.codes) EXPECT_GT(code.runs.size(), 2U) << name << " starves";
}

}  // namespace
}  // namespace yellow::run
