// Days of schedules on a clock that only the simulation moves: it sleeps exactly until a verdict says to look again or
// something ends, so a tick that nobody is woken for is missed for good. Batches and runs last, and fail, by chance.
#include <gtest/gtest.h>

#include <date/date.h>

#include <map>
#include <random>

#include "base/cron.h"
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
  std::vector<bool> changed{false};  ///< by batch; the first is none
  std::optional<TimePoint> last_opened_at, ends_at;
  std::vector<Opening> openings;
};

struct Input {
  std::string store;
  bool reference = false, own_output = false;
  int cursor = 0, claimed = 0;
};

struct Code {
  model::Trigger trigger;
  bool deterministic = false, definition_changed = true;
  model::Priority priority = model::Priority::kLowest;
  std::string output;
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

  TimePoint now() const { return now_; }

 private:
  seconds Lasting(int most) { return seconds(1 + static_cast<int>(chance_() % static_cast<unsigned>(most))); }

  void Commit(Store& store) {
    ++store.committed;
    store.changed.push_back(chance_() % 3 != 0);
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
        const Store& store = stores.at(input.store);
        bool changed = false;
        for (int batch = input.cursor + 1; batch <= store.committed; ++batch)
          changed |= store.changed[static_cast<size_t>(batch)];
        one.inputs.push_back({input.store + ".a", input.reference, input.own_output, input.cursor, store.committed,
                              changed, input.store});
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
    code.last_run_at = now_, code.ends_at = now_ + Lasting(200);
    code.runs.push_back({now_, *code.ends_at});
  }

  TimePoint now_;
  std::mt19937 chance_;
};

model::Schedule Schedule(const std::string& cron, const std::string& zone) { return {cron, zone, {}}; }

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

Simulation World(TimePoint begin, unsigned seed) {
  Simulation world(begin, seed);
  world.stores["Ingest/Main/Often"].schedule = Schedule("*/5 * * * *", "UTC");
  world.stores["Ingest/Main/Hourly"].schedule = Schedule("17 * * * *", "Asia/Kolkata");
  world.stores["Ingest/Main/Nightly"].schedule = Schedule("30 2 * * *", "Europe/Berlin");
  world.stores["Ingest/Main/Workdays"].schedule = Schedule("0 8-18/2 * * mon-fri", "America/New_York");
  const auto add = [&](const std::string& name, model::TriggerKind kind, std::vector<Input> inputs) -> Code& {
    Code& code = world.codes["Transform/Main/" + name];
    code.trigger.kind = kind, code.inputs = std::move(inputs), code.output = "Out" + name;
    world.stores[code.output];
    return code;
  };
  add("Any", model::TriggerKind::kAnyBatch, {{"Ingest/Main/Often"}, {"Ingest/Main/Hourly"}}).priority =
      model::Priority::kCritical;
  add("Chained", model::TriggerKind::kAnyBatch, {{"OutAny"}, {"OutChained", false, true}});
  add("Both", model::TriggerKind::kAllInputs, {{"Ingest/Main/Hourly"}, {"Ingest/Main/Nightly"}});
  add("Changes", model::TriggerKind::kAnyChange, {{"Ingest/Main/Often"}, {"Ingest/Main/Workdays", true}})
      .deterministic = true;
  add("Daily", model::TriggerKind::kCron, {{"Ingest/Main/Often"}}).trigger.schedule =
      Schedule("0 6 * * *", "Europe/Berlin");
  return world;
}

void Check(Simulation& world, TimePoint end) {
  for (const auto& [name, store] : world.stores) {
    if (store.schedule) ExpectEveryTick(name, *store.schedule, store.openings, end);
  }
  for (const auto& [name, code] : world.codes) {
    EXPECT_GT(code.runs.size(), 4U) << name;
    EXPECT_LT(code.longest_wait, minutes(60)) << name << " starves";
    if (code.trigger.kind != model::TriggerKind::kAnyBatch) continue;
    for (const Input& input : code.inputs) {
      if (input.own_output) continue;
      EXPECT_GE(input.cursor, world.stores.at(input.store).committed - 3) << name << " lags behind";
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

TEST(Simulation, OneFreeRunIsShared) {
  const TimePoint begin = At(date::sys_days(date::year(2026) / 6 / 1));
  Simulation world = World(begin, std::random_device{}());
  world.run_limit = 1;
  ASSERT_NO_FATAL_FAILURE(world.RunUntil(begin + hours(24 * 3)));
  for (const auto& [name, code] : world.codes) EXPECT_GT(code.runs.size(), 2U) << name << " starves";
}

}  // namespace
}  // namespace yellow::run
