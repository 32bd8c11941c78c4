#include "cli/views/explain_view.h"

#include <fmt/format.h>

#include "cli/views/history_json.h"
#include "run/help.h"

namespace yellow::cli {
namespace {

/// `12:30:04`, or with its day when that is not today's.
std::string When(const std::string& rfc3339, const std::string& today) {
  if (rfc3339.size() < 19) return rfc3339;
  const std::string time = rfc3339.substr(11, 8);
  return rfc3339.substr(0, 10) == today.substr(0, 10) ? time : rfc3339.substr(0, 10) + " " + time;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string Sentence(const std::string& text) { return text.ends_with('.') ? text : text + "."; }

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string CountsOf(const run::BatchInfo& batch) {
  int64_t inserted = 0, updated = 0, deleted = 0, unchanged = 0, rejected = 0;
  for (const auto& c : batch.counts) {
    inserted += c.inserted, updated += c.updated, deleted += c.deleted;
    unchanged += c.unchanged, rejected += c.rejected;
  }
  std::string text =
      fmt::format("{} inserted, {} updated, {} deleted, {} unchanged", inserted, updated, deleted, unchanged);
  if (rejected > 0)
    text +=
        fmt::format(", {} set aside (yellow batches show {} {})", rejected, run::NameOfNode(batch.stream), batch.batch);
  return batch.ignored.empty() ? text
                               : text + "; not read, because the model does not name them: " + Joined(batch.ignored);
}

/// `committed 12:30:03 by run 0197…: 12 inserted, …`, `held since 12:30:00: …`
std::string StateOf(const run::BatchInfo& batch, const std::string& today) {
  std::string text = batch.state;
  if (batch.state == "committed") {
    text += " " + When(batch.committed_at, today);
    if (!batch.run_id.empty()) text += " by run " + batch.run_id;
    return text + ": " + CountsOf(batch);
  }
  text += ", opened " + When(batch.opened_at, today);
  if (batch.released) text += ", released";
  if (!batch.reason.empty()) text += ": " + FirstLine(batch.reason);
  return text;
}

std::string LastRunText(const run::Explanation& explanation, const std::string& name, const std::string& today) {
  if (!explanation.last_run) return name + " has not run yet.\n";
  const run::RunInfo& run = *explanation.last_run;
  std::string text = fmt::format("{} last ran {} (run {}, {} s, {}, {}): {}.\n", name, When(run.opened_at, today),
                                 run.id, run.seconds, run.mode, run.state, run.cause);
  if (!run.reason.empty()) text += "It ended so: " + run.reason + "\n";
  const std::string help = run::HelpWith("", run.reason);  // what helps with rows, by their code, is for sources
  if (!help.empty() && run.reason.find(help) == std::string::npos) text += "What helps: " + help + "\n";
  if (run.state == "failed" || run.state == "timed_out") text += "What it printed: yellow runs logs " + run.id + "\n";
  if (explanation.last_run_abandoned)
    text += "Nobody works on it any more; the next run closes it as lost, and nothing it did is seen.\n";
  return text;
}

std::string ConsumedText(const run::Explanation& explanation) {
  std::string text;
  for (const run::Consumed& consumed : explanation.consumed)
    text +=
        fmt::format("{}{} up to batch {}", text.empty() ? "It has consumed " : ", ", consumed.input, consumed.batch);
  return text.empty() ? text : text + ".\n";
}

std::string VerdictLines(const std::vector<run::RecordedVerdict>& verdicts, const std::string& today) {
  std::string text;
  for (const run::RecordedVerdict& verdict : verdicts)
    text += fmt::format("  {}  {}\n", When(verdict.at, today), verdict.sentence);
  return text;
}

std::string FateText(const run::BatchFate& fate, const std::string& today) {
  const std::string name = run::NameOfNode(fate.transformer);
  const std::string what = Joined(fate.datasets);
  switch (fate.state) {
    case run::BatchFate::State::kCounted:
      return fmt::format("{} counted {} of it in run {}, committed {}.\n", name, what, fate.runs.back().id,
                         When(fate.runs.back().closed_at, today));
    case run::BatchFate::State::kInOpenRun:
      return fmt::format("{} has {} of it in run {}, which is {} since {}.\n", name, what, fate.runs.back().id,
                         fate.runs.back().state, When(fate.runs.back().opened_at, today));
    case run::BatchFate::State::kWithoutRun:
      return fmt::format("{} consumed {} of it without a run{}: no row changed.\n", name, what,
                         fate.at.empty() ? "" : " at " + When(fate.at, today));
    case run::BatchFate::State::kWaiting:
      return fmt::format("{} has not consumed {} of it yet.\n", name, what);
    case run::BatchFate::State::kNotCommitted:
      return fmt::format("{} does not see {} of it, because it is not committed.\n", name, what);
  }
  return "";
}

/// `{"Shop.customers": [7, 9]}`.
Json BatchesSchema() {
  return {{"type", "object"},
          {"additionalProperties",
           {{"type", "array"}, {"items", {{"type", "integer"}}}, {"minItems", 2}, {"maxItems", 2}}}};
}

const Record<run::RecordedVerdict>& VerdictRecord() {
  using Verdict = run::RecordedVerdict;
  static const Record<Verdict> record =
      Record<Verdict>()
          .Field("code", "A stable word.", &Verdict::code)
          .Field("text", "The verdict, for people.", &Verdict::sentence)
          .Time("at", "When it was decided.", &Verdict::at)
          .As("batches", "What it is about: after the first number, up to the second, by input or stream.",
              BatchesSchema(), [](const Verdict& it) { return Json::parse(it.batches, nullptr, false); });
  return record;
}

const Record<run::Consumed>& ConsumedRecord() {
  static const Record<run::Consumed> record =
      Record<run::Consumed>()
          .Field("key", "The input: Store.dataset.", &run::Consumed::input)
          .Field("batch", "The last one that was consumed.", &run::Consumed::batch);
  return record;
}

const Record<run::BatchFate>& FateRecord() {
  using Fate = run::BatchFate;
  std::vector<std::string> states;
  for (const Fate::State state : {Fate::State::kCounted, Fate::State::kInOpenRun, Fate::State::kWithoutRun,
                                  Fate::State::kWaiting, Fate::State::kNotCommitted})
    states.emplace_back(run::Word(state));
  static const Record<Fate> record =
      Record<Fate>()
          .Field("key", "The transformer.", &Fate::transformer)
          .Word("state", "What became of the batch there.", states, [](const Fate& it) { return run::Word(it.state); })
          .NoReason()
          .Field("datasets", "Those of the batch that it uses and that this is true of.", &Fate::datasets)
          .TimeOrNull("consumed_at", "When it was consumed without a run.", &Fate::at)
          .List("runs", "Every run that claimed it, oldest first.", RunRecord(), &Fate::runs)
          .List("history", "What was decided about it, oldest first.", VerdictRecord(), &Fate::verdicts);
  return record;
}

std::optional<run::RecordedVerdict> NewestVerdict(const run::Explanation& it) {
  return it.verdicts.empty() ? std::nullopt : std::optional(it.verdicts.front());
}

std::vector<run::RecordedVerdict> EarlierVerdicts(const run::Explanation& it) {
  return it.verdicts.empty() ? std::vector<run::RecordedVerdict>{}
                             : std::vector(it.verdicts.begin() + 1, it.verdicts.end());
}

}  // namespace

std::string ExplanationText(const run::Explanation& explanation, const std::string& name, const std::string& today) {
  std::string text;
  if (!explanation.follows.empty())
    text += fmt::format("{} decides nothing: it follows {} by itself.\n", explanation.node, explanation.follows);
  if (explanation.last_batch)
    text += fmt::format("{}'s newest batch is {}, {}\n", run::NameOfNode(explanation.last_batch->stream),
                        explanation.last_batch->batch, Sentence(StateOf(*explanation.last_batch, today)));
  const bool transforms = explanation.decider.starts_with("Transform/");
  if (!explanation.last_batch && !transforms) text += name + " has no batch yet.\n";
  if (transforms) text += LastRunText(explanation, run::NameOfNode(explanation.decider), today);
  text += ConsumedText(explanation);
  const std::vector<run::RecordedVerdict>& verdicts = explanation.verdicts;
  if (verdicts.empty())
    text += "Nothing was decided about it yet: yellow run\n";
  else
    text += fmt::format("Decided {}: {}\n", When(verdicts[0].at, today), verdicts[0].sentence);
  if (explanation.now) text += "If yellow ran now: " + explanation.now->sentence + "\n";
  for (const run::RecordedVerdict& feeder : explanation.feeders) text += feeder.sentence + "\n";
  if (verdicts.size() > 1) text += "Before that:\n" + VerdictLines({verdicts.begin() + 1, verdicts.end()}, today);
  return text;
}

const Record<run::Explanation>& ExplanationRecord() {
  using run::Explanation;
  static const Record<Explanation> record =
      Record<Explanation>()
          .Field("key", "The node.", &Explanation::node)
          .TextOrNull("follows", "The node that decides for it: views and triggers follow another.",
                      &Explanation::follows)
          .Field("decided_with", "The stream or transformer whose verdicts these are.", &Explanation::decider)
          .Maybe("verdict", "The newest one.", VerdictRecord(), &NewestVerdict)
          .Reason(
              "now", "What would be decided now, when it is another verdict or something to do.",
              [](const Explanation& it) { return it.now ? it.now->code : ""; },
              [](const Explanation& it) { return it.now ? it.now->sentence : ""; })
          .Maybe("last_batch", "The newest batch of a stream.", BatchRecord(), &Explanation::last_batch)
          .Maybe("last_run", "The newest run of a transformer.", RunRecord(), &Explanation::last_run)
          .Field("last_run_abandoned", "That run is open, and nobody works on it any more.",
                 &Explanation::last_run_abandoned)
          .List("consumed", "How far a transformer is, by input.", ConsumedRecord(), &Explanation::consumed)
          .List("feeders", "The newest verdicts on what a waiting transformer waits for.", VerdictRecord(),
                &Explanation::feeders)
          .List("history", "Earlier verdicts, newest first.", VerdictRecord(), &EarlierVerdicts);
  return record;
}

std::string BatchExplanationText(const run::BatchExplanation& explanation, const std::string& today) {
  const run::BatchInfo& batch = explanation.batch;
  std::string text = fmt::format("Batch {} of {} (model version {}) is {}\n", batch.batch, explanation.stream,
                                 batch.model_version, Sentence(StateOf(batch, today)));
  if (batch.reason.find('\n') != std::string::npos) text += batch.reason.substr(batch.reason.find('\n') + 1) + "\n";
  if (!explanation.verdicts.empty()) text += "What was decided about it:\n" + VerdictLines(explanation.verdicts, today);
  for (const run::BatchFate& fate : explanation.fates) {
    text += FateText(fate, today);
    for (const run::RunInfo& run : fate.runs) {
      if (run.state != "committed" && !run.closed_at.empty())
        text += fmt::format("  {}  run {} took it and is {}: {}\n", When(run.closed_at, today), run.id, run.state,
                            FirstLine(run.reason));
    }
    text += VerdictLines(fate.verdicts, today);
  }
  return text;
}

const Record<run::BatchExplanation>& BatchExplanationRecord() {
  using run::BatchExplanation;
  static const Record<BatchExplanation> record =
      Record<BatchExplanation>()
          .Include(BatchRecord(), &BatchExplanation::batch)
          .List("history", "What was decided about it, oldest first.", VerdictRecord(), &BatchExplanation::verdicts)
          .List("consumers", "What became of it at each transformer.", FateRecord(), &BatchExplanation::fates);
  return record;
}

}  // namespace yellow::cli
