#include "run/tick.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/cron.h"

namespace yellow::run {
namespace {

using ports::TimePoint;

std::string Time(TimePoint time) { return fmt::format("{:%H:%M:%S}", std::chrono::floor<std::chrono::seconds>(time)); }

std::optional<TimePoint> NextTick(const model::Schedule& schedule, TimePoint after) {
  std::string why;
  const auto cron = base::Cron::Parse(schedule.cron, &why);
  return cron ? cron->Next(after, schedule.timezone) : std::nullopt;
}

/// `Ingest/Main/Shop` is called Shop, `Transform/Main/MaskShop` MaskShop, `Ingest/Main/Shop/a` Shop.a.
std::string NameOf(const std::string& key) {
  const size_t platform = key.find('/');
  const size_t name = platform == std::string::npos ? std::string::npos : key.find('/', platform + 1);
  if (name == std::string::npos) return key;
  std::string text = key.substr(name + 1);
  std::replace(text.begin(), text.end(), '/', '.');
  return text;
}

Decision Make(const std::string& node, model::Priority priority, Action action, std::string code, std::string sentence,
              std::optional<TimePoint> wake_at = std::nullopt) {
  return {node, action, priority, std::move(code), std::move(sentence), wake_at};
}

Decision DecideStream(const StreamView& stream, TimePoint now) {
  const std::string name = NameOf(stream.key);
  const auto decide = [&](Action action, const char* code, const std::string& sentence,
                          std::optional<TimePoint> wake_at = std::nullopt) {
    return Make(stream.key, stream.priority, action, code, name + sentence, wake_at);
  };
  if (stream.paused)
    return decide(Action::kWait, "paused", " is paused. It goes on after: yellow streams resume " + name);
  if (stream.busy) return decide(Action::kWait, "busy", " is being ingested by another process.");
  const auto next =
      stream.schedule && stream.last_opened_at ? NextTick(*stream.schedule, *stream.last_opened_at) : std::nullopt;
  const bool tick = next && *next <= now;
  const bool asked = stream.requested_at.has_value();
  switch (stream.under_way) {
    case StreamView::UnderWay::kOpen:
    case StreamView::UnderWay::kStaged:
      return decide(Action::kIngest, "continue_batch", " has a batch under way that goes on.");
    case StreamView::UnderWay::kHeld:
      if (stream.released) return decide(Action::kIngest, "due_released", " is due: its held batch was released.");
      if (asked || tick) return decide(Action::kIngest, "due_held", " is due: its held batch is read again.");
      return decide(Action::kWait, "held_waiting",
                    next ? " is held; it is read again at " + Time(*next) + "."
                         : " is held; it is read again when it is asked for.",
                    next);
    case StreamView::UnderWay::kNone:
      break;
  }
  if (!stream.last_opened_at) return decide(Action::kIngest, "due_first", " is due: it has no batch yet.");
  if (asked) return decide(Action::kIngest, "due_requested", " is due: a batch was asked for.");
  if (tick) return decide(Action::kIngest, "due_schedule", " is due: its schedule had a tick at " + Time(*next) + ".");
  if (next)
    return decide(Action::kWait, "waiting_schedule", " is not due. It is read next at " + Time(*next) + ".", next);
  return decide(Action::kWait, "waiting_request",
                " has no schedule. It is read when it is asked for: yellow run " + name);
}

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

bool Triggers(const InputView& input) { return !input.reference && !input.own_output; }

/// What the trigger says of the inputs: why the transformer is due, or why not.
struct Verdict {
  bool due = false;
  std::string code, text;
};

Verdict DecideTrigger(const TransformerView& transformer, TimePoint now) {
  std::vector<std::string> fresh, changed, waiting;
  for (const InputView& input : transformer.inputs) {
    if (!Triggers(input)) continue;
    if (input.last_committed > input.cursor) {
      fresh.push_back(fmt::format("{} has batch {}", input.input, input.last_committed));
      if (input.changed) changed.push_back(fmt::format("{} changed in batch {}", input.input, input.last_committed));
    } else {
      waiting.push_back(input.input);
    }
  }
  switch (transformer.trigger.kind) {
    case model::TriggerKind::kAnyBatch:
      if (!fresh.empty()) return {true, "due_new_batch", "new batches: " + Join(fresh)};
      return {false, "no_new_batch", "no input has a newer batch"};
    case model::TriggerKind::kAnyChange:
      if (!changed.empty()) return {true, "due_new_batch", "changes: " + Join(changed)};
      return {false, "no_change", "no input has changed"};
    case model::TriggerKind::kAllInputs:
      if (waiting.empty() && !fresh.empty()) return {true, "due_new_batch", "new batches: " + Join(fresh)};
      return {false, "waiting_all_inputs", "it waits for a newer batch of " + Join(waiting)};
    case model::TriggerKind::kCron: {
      const auto next = transformer.trigger.schedule && transformer.last_run_at
                            ? NextTick(*transformer.trigger.schedule, *transformer.last_run_at)
                            : std::nullopt;
      if (!transformer.last_run_at || (next && *next <= now)) return {true, "due_schedule", "its schedule had a tick"};
      return {false, "waiting_schedule",
              next ? "its schedule ticks next at " + Time(*next) : "its schedule never ticks"};
    }
  }
  return {};
}

bool NothingChanged(const TransformerView& transformer) {
  return std::none_of(transformer.inputs.begin(), transformer.inputs.end(),
                      [](const InputView& input) { return input.changed; });
}

Decision DecideTransformer(const TransformerView& transformer, TimePoint now, int& free_runs) {
  const std::string name = NameOf(transformer.key);
  const auto decide = [&](Action action, const std::string& code, const std::string& sentence,
                          std::optional<TimePoint> wake_at = std::nullopt) {
    return Make(transformer.key, transformer.priority, action, code, name + sentence, wake_at);
  };
  if (transformer.open_run) return decide(Action::kWait, "run_open", " is running.");
  std::vector<std::string> missing;
  for (const InputView& input : transformer.inputs) {
    if (!input.own_output && input.last_committed == 0) missing.push_back(input.input);
  }
  if (!missing.empty())
    return decide(Action::kWait, "waiting_inputs", " waits for the first batch of " + Join(missing) + ".");
  const Verdict trigger = DecideTrigger(transformer, now);
  if (transformer.gave_up && !transformer.requested) {
    return decide(Action::kWait, "gave_up",
                  " failed too often and was given up. It is due again by a new batch, a changed definition, or: "
                  "yellow runs retry " +
                      name);
  }
  if (!trigger.due && !transformer.definition_changed && !transformer.requested) {
    return decide(Action::kWait, trigger.code, " is not due: " + trigger.text + ".");
  }
  if (transformer.retry_at && *transformer.retry_at > now && !transformer.requested) {
    return decide(Action::kWait, "backing_off", " failed and is tried again at " + Time(*transformer.retry_at) + ".",
                  transformer.retry_at);
  }
  if (!transformer.requested && !transformer.definition_changed && transformer.deterministic &&
      NothingChanged(transformer)) {
    return decide(Action::kConsume, "consumed_unchanged",
                  " needs no run: " + trigger.text + ", and no row in them changed.");
  }
  if (free_runs <= 0)
    return decide(Action::kWait, "limit_reached", " is due and waits: as many runs are open as limits.runs allows.");
  --free_runs;
  if (transformer.requested) return decide(Action::kTransform, "due_requested", " is due: a run was asked for.");
  if (transformer.definition_changed)
    return decide(Action::kTransform, "due_definition", " is due: its definition is new or has changed.");
  return decide(Action::kTransform, trigger.code, " is due: " + trigger.text + ".");
}

}  // namespace

std::vector<Decision> Tick(const View& view) {
  std::vector<Decision> decisions;
  for (const StreamView& stream : view.streams) decisions.push_back(DecideStream(stream, view.now));
  // The most urgent transformers get the free runs.
  std::vector<const TransformerView*> order;
  for (const TransformerView& transformer : view.transformers) order.push_back(&transformer);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->priority > b->priority; });
  int free_runs = view.free_runs;
  for (const TransformerView* transformer : order)
    decisions.push_back(DecideTransformer(*transformer, view.now, free_runs));
  std::stable_sort(decisions.begin(), decisions.end(), [](const Decision& a, const Decision& b) {
    const bool a_waits = a.action == Action::kWait, b_waits = b.action == Action::kWait;
    return std::tuple(a_waits, -static_cast<int>(a.priority), a.node) <
           std::tuple(b_waits, -static_cast<int>(b.priority), b.node);
  });
  return decisions;
}

}  // namespace yellow::run
