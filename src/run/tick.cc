#include "run/tick.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/cron.h"
#include "ports/holder.h"
#include "run/help.h"

namespace yellow::run {
namespace {

using ports::TimePoint;

constexpr size_t kNamesInASentence = 4;

/// The time of day, with its day when that is not today's.
std::string Time(TimePoint time, TimePoint now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto day = [](TimePoint t) { return std::chrono::floor<std::chrono::days>(t); };
  return day(time) == day(now) ? fmt::format("{:%H:%M:%S}", seconds) : fmt::format("{:%Y-%m-%d %H:%M:%S}", seconds);
}

std::optional<TimePoint> NextTick(const model::Schedule& schedule, TimePoint after) {
  std::string why;
  const auto cron = base::Cron::Parse(schedule.cron, &why);
  return cron ? cron->Next(after, schedule.timezone) : std::nullopt;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (size_t i = 0; i < parts.size() && i < kNamesInASentence; ++i) out += (out.empty() ? "" : ", ") + parts[i];
  if (parts.size() > kNamesInASentence) out += fmt::format(" and {} more", parts.size() - kNamesInASentence);
  return out;
}

/// `batch 8`, `batches 8 to 12`.
std::string Batches(int after, int upto) {
  return upto == after + 1 ? fmt::format("batch {}", upto) : fmt::format("batches {} to {}", after + 1, upto);
}

std::string Times(int count) { return count == 1 ? "once" : fmt::format("{} times", count); }

/// `host:pid:start` in words.
std::string Process(const std::string& holder) {
  const auto known = ports::ParseHolder(holder);
  return known ? "process " + std::to_string(known->pid) + " on " + known->host : holder;
}

/// `. What helps: …`, where something does.
std::string Help(const StreamView& stream) {
  const std::string help = HelpWith(stream.reason_code, stream.reason);
  return help.empty() ? "" : ". What helps: " + help;
}

Decision DecideHeld(const StreamView& stream, TimePoint now, Decision decision, const std::string& name,
                    std::optional<TimePoint> next) {
  decision.code = "held_waiting";
  decision.sentence =
      fmt::format("{} waits, because its batch {} is held: {}{}. It is read again {}{}", name, stream.newest,
                  FirstLine(stream.reason), Help(stream), next ? "at " + Time(*next, now) : "when it is asked for",
                  next ? ", or at once with: yellow run " + name : ": yellow run " + name);
  if (stream.releasable) decision.sentence += ". If it is right as it is: yellow batches release " + name;
  decision.wake_at = next;
  return decision;
}

Decision DecideStream(const StreamView& stream, TimePoint now) {
  const std::string name = NameOfNode(stream.key);
  const bool under_way = stream.under_way != StreamView::UnderWay::kNone;
  Decision decision{stream.key, Action::kWait, stream.priority, "", "", "", {}, {}};
  decision.batches = {
      {name, under_way ? stream.newest - 1 : stream.newest, under_way ? stream.newest : stream.newest + 1}};
  const auto wait = [&](const char* code, const std::string& sentence, std::optional<TimePoint> wake_at = {}) {
    decision.code = code, decision.sentence = name + sentence, decision.wake_at = wake_at;
    return decision;
  };
  const auto due = [&](const char* code, const std::string& cause) {
    decision.action = Action::kIngest;
    decision.code = code, decision.cause = cause, decision.sentence = name + " is due: " + cause + ".";
    return decision;
  };
  if (stream.paused) return wait("paused", " is paused. It goes on after: yellow streams resume " + name);
  if (stream.busy)
    return wait("busy", " is being ingested by another yellow, " + Process(stream.holder) +
                            ". If that is stuck, end it: whoever comes next goes on with the same batch.");
  const auto next =
      stream.schedule && stream.last_opened_at ? NextTick(*stream.schedule, *stream.last_opened_at) : std::nullopt;
  const bool tick = next && *next <= now;
  const bool asked = stream.requested_at.has_value();
  switch (stream.under_way) {
    case StreamView::UnderWay::kOpen:
      return due("continue_batch", fmt::format("its batch {} is open and goes on", stream.newest));
    case StreamView::UnderWay::kStaged:
      return due("continue_batch", fmt::format("its batch {} is staged and goes on", stream.newest));
    case StreamView::UnderWay::kHeld:
      if (stream.released) return due("due_released", fmt::format("its held batch {} was released", stream.newest));
      if (asked || tick) return due("due_held", fmt::format("its held batch {} is read again", stream.newest));
      return DecideHeld(stream, now, std::move(decision), name, next);
    case StreamView::UnderWay::kNone:
      break;
  }
  if (!stream.last_opened_at) return due("due_first", "it has no batch yet");
  if (asked) return due("due_requested", "a batch was asked for");
  if (tick) return due("due_schedule", "its schedule had a tick at " + Time(*next, now));
  if (stream.newest_failed)
    return wait("failed_waiting",
                fmt::format(" waits, because its batch {} failed: {}{}. It is tried again {}yellow run {}",
                            stream.newest, FirstLine(stream.reason), Help(stream),
                            next ? "at " + Time(*next, now) + ", or at once with: " : "when it is asked for: ", name),
                next);
  if (next) return wait("waiting_schedule", " is not due. It is read next at " + Time(*next, now) + ".", next);
  return wait("waiting_request", " has no schedule. It is read when it is asked for: yellow run " + name);
}

bool Triggers(const InputView& input) { return !input.reference && !input.own_output; }

/// What the trigger says of the inputs: why the transformer is due, or why not.
struct Verdict {
  bool due = false;
  std::string code, text;
  std::optional<TimePoint> wake_at;
};

Verdict DecideCron(const TransformerView& transformer, TimePoint now) {
  if (!transformer.last_run_at) return {true, "due_schedule", "its schedule has had no run yet", {}};
  const auto next =
      transformer.trigger.schedule ? NextTick(*transformer.trigger.schedule, *transformer.last_run_at) : std::nullopt;
  if (!next) return {false, "waiting_schedule", "its schedule never ticks", {}};
  if (*next <= now) return {true, "due_schedule", "its schedule had a tick at " + Time(*next, now), {}};
  return {false, "waiting_schedule", "its schedule ticks next at " + Time(*next, now), next};
}

Verdict DecideTrigger(const TransformerView& transformer, TimePoint now) {
  std::vector<std::string> fresh, changed, waiting;
  for (const InputView& input : transformer.inputs) {
    if (!Triggers(input)) continue;
    if (input.last_committed > input.cursor) {
      const std::string batches = Batches(input.cursor, input.last_committed);
      fresh.push_back(input.input + " has " + batches);
      if (input.changed) changed.push_back(input.input + " changed in " + batches);
    } else {
      waiting.push_back(fmt::format("{} after {}", input.input, input.cursor));
    }
  }
  switch (transformer.trigger.kind) {
    case model::TriggerKind::kAnyBatch:
      if (!fresh.empty()) return {true, "due_new_batch", "new batches: " + Join(fresh), {}};
      return {false, "no_new_batch", "there is no batch of " + Join(waiting), {}};
    case model::TriggerKind::kAnyChange:
      if (!changed.empty()) return {true, "due_new_batch", "changes: " + Join(changed), {}};
      if (!fresh.empty()) return {false, "no_change", "no row changed: " + Join(fresh), {}};
      return {false, "no_change", "there is no batch of " + Join(waiting), {}};
    case model::TriggerKind::kAllInputs:
      if (waiting.empty() && !fresh.empty()) return {true, "due_new_batch", "new batches: " + Join(fresh), {}};
      return {false,
              "waiting_all_inputs",
              (fresh.empty() ? "" : Join(fresh) + ", but ") + ("it waits for a batch of " + Join(waiting)),
              {}};
    case model::TriggerKind::kCron:
      return DecideCron(transformer, now);
  }
  return {};
}

bool NothingChanged(const TransformerView& transformer) {
  return std::none_of(transformer.inputs.begin(), transformer.inputs.end(),
                      [](const InputView& input) { return input.changed; });
}

std::string LastFailure(const TransformerView& transformer) {
  if (!transformer.failed_run) return "";
  return fmt::format(", last in run {}: {}", transformer.failed_run->id, FirstLine(transformer.failed_run->reason));
}

/// What is asked of one transformer, in the order in which the answers count.
class TransformerDecision {
 public:
  /// `ahead`: names of the transformers of this tick that got the free runs.
  TransformerDecision(const TransformerView& transformer, const View& view, const std::vector<std::string>& ahead)
      : transformer_(transformer), view_(view), ahead_(ahead), name_(NameOfNode(transformer.key)) {
    decision_.node = transformer.key;
    decision_.priority = transformer.priority;
    for (const InputView& input : transformer.inputs) {
      if (input.last_committed > input.cursor)
        decision_.batches.push_back({input.input, input.cursor, input.last_committed});
    }
  }

  Decision Decide() {
    if (transformer_.open_run) return Wait("run_open", Running(*transformer_.open_run));
    if (transformer_.paused)
      return Wait("paused", fmt::format(" is paused with its output {0}. It goes on after: yellow streams resume {0}",
                                        transformer_.output));
    if (const auto missing = Missing(); !missing.empty())
      return Wait("waiting_inputs",
                  fmt::format(" waits for the first batch of {}. Why there is none: yellow explain {}",
                              Join(InputsOf(missing)), missing.front()->stream));
    const Verdict trigger = DecideTrigger(transformer_, view_.now);
    if (transformer_.requested) return Begin("due_requested", "a run was asked for");
    if (transformer_.gave_up)
      return Wait("gave_up", fmt::format(" failed {}{}. It was given up, and is due again by a new batch, a changed "
                                         "definition, or: yellow runs retry {}",
                                         Times(transformer_.retries + 1), LastFailure(transformer_), name_));
    if (!trigger.due && !transformer_.definition_changed && transformer_.left_open)
      return Begin("due_left_open", "its last run was left open by a process that has ended");
    if (!trigger.due && !transformer_.definition_changed)
      return Wait(trigger.code, " is not due: " + trigger.text + ".", trigger.wake_at);
    if (transformer_.retry_at && *transformer_.retry_at > view_.now)
      return Wait("backing_off",
                  fmt::format(" failed {}{}. Try {} of {} begins at {}, or at once with: yellow runs retry {}",
                              Times(transformer_.failures), LastFailure(transformer_), transformer_.failures + 1,
                              transformer_.retries + 1, Time(*transformer_.retry_at, view_.now), name_),
                  transformer_.retry_at);
    if (transformer_.definition_changed) return Begin("due_definition", "its definition is new or has changed");
    if (transformer_.deterministic && NothingChanged(transformer_)) return Consume();
    return Begin(trigger.code, trigger.text);
  }

 private:
  Decision Wait(const std::string& code, const std::string& sentence, std::optional<TimePoint> wake_at = {}) {
    decision_.code = code, decision_.sentence = name_ + sentence, decision_.wake_at = wake_at;
    return decision_;
  }

  Decision Consume() {
    std::vector<std::string> fresh;
    for (const BatchRange& range : decision_.batches)
      fresh.push_back(Batches(range.after, range.upto) + " of " + range.name);
    decision_.action = Action::kConsume;
    return Wait("consumed_unchanged",
                " needs no run: no row changed in " + Join(fresh) + ". They are consumed without one.");
  }

  /// A run, if one is free.
  Decision Begin(const std::string& code, const std::string& cause) {
    if (static_cast<int>(view_.open_runs.size() + ahead_.size()) >= view_.run_limit)
      return Wait("limit_reached", LimitReached(cause));
    decision_.action = Action::kTransform;
    decision_.code = code, decision_.cause = cause, decision_.sentence = name_ + " is due: " + cause + ".";
    return decision_;
  }

  std::string LimitReached(const std::string& cause) const {
    std::vector<std::string> open;
    for (const RunView& run : view_.open_runs) open.push_back(run.workspace + " (run " + run.id + ")");
    std::string others = open.empty() ? "" : "open is " + Join(open);
    if (!ahead_.empty()) others += (others.empty() ? "" : ", and ") + ("more urgent is " + Join(ahead_));
    return fmt::format(
        " is due ({}) and waits, because limits.runs of the environment is {}: {}. It goes on when one of them ends, "
        "or "
        "when the limit is raised.",
        cause, view_.run_limit, others);
  }

  std::string Running(const RunView& run) const {
    return fmt::format(" is running: run {} since {}, {}{}. To end it: yellow runs cancel {}", run.id,
                       Time(run.opened_at, view_.now), run.state,
                       run.deadline ? ", must be done by " + Time(*run.deadline, view_.now) : "", run.id);
  }

  std::vector<const InputView*> Missing() const {
    std::vector<const InputView*> missing;
    for (const InputView& input : transformer_.inputs) {
      if (!input.own_output && input.last_committed == 0) missing.push_back(&input);
    }
    return missing;
  }

  static std::vector<std::string> InputsOf(const std::vector<const InputView*>& inputs) {
    std::vector<std::string> names;
    for (const InputView* input : inputs) names.push_back(input->input);
    return names;
  }

  const TransformerView& transformer_;
  const View& view_;
  const std::vector<std::string>& ahead_;
  const std::string name_;
  Decision decision_;
};

}  // namespace

std::string NameOfNode(const std::string& key) {
  const size_t platform = key.find('/');
  const size_t name = platform == std::string::npos ? std::string::npos : key.find('/', platform + 1);
  if (name == std::string::npos) return key;
  std::string text = key.substr(name + 1);
  std::replace(text.begin(), text.end(), '/', '.');
  return text;
}

std::vector<Decision> Tick(const View& view) {
  std::vector<Decision> decisions;
  for (const StreamView& stream : view.streams) decisions.push_back(DecideStream(stream, view.now));
  // The most urgent transformers get the free runs.
  std::vector<const TransformerView*> order;
  for (const TransformerView& transformer : view.transformers) order.push_back(&transformer);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->priority > b->priority; });
  std::vector<std::string> ahead;
  for (const TransformerView* transformer : order) {
    decisions.push_back(TransformerDecision(*transformer, view, ahead).Decide());
    if (decisions.back().action == Action::kTransform) ahead.push_back(NameOfNode(transformer->key));
  }
  std::stable_sort(decisions.begin(), decisions.end(), [](const Decision& a, const Decision& b) {
    const bool a_waits = a.action == Action::kWait, b_waits = b.action == Action::kWait;
    return std::tuple(a_waits, -static_cast<int>(a.priority), a.node) <
           std::tuple(b_waits, -static_cast<int>(b.priority), b.node);
  });
  return decisions;
}

}  // namespace yellow::run
