#include "cli/views/explain_view.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace yellow::cli {
namespace {

using Json = nlohmann::ordered_json;

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

Json Reason(const std::string& code, const std::string& text) {
  if (code.empty()) return nullptr;
  return {{"code", code}, {"text", text}};
}

Json OrNull(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json ToJson(const run::RecordedVerdict& verdict) {
  return {{"code", verdict.code},
          {"text", verdict.sentence},
          {"at", verdict.at},
          {"batches", Json::parse(verdict.batches, nullptr, false)}};
}

Json ToJson(const std::vector<run::RecordedVerdict>& verdicts) {
  Json list = Json::array();
  for (const run::RecordedVerdict& verdict : verdicts) list.push_back(ToJson(verdict));
  return list;
}

Json ToJson(const run::BatchInfo& batch) {
  return {{"id", batch.batch},
          {"state", batch.state},
          {"reason", Reason(batch.reason_code, batch.reason)},
          {"opened_at", batch.opened_at},
          {"committed_at", OrNull(batch.committed_at)},
          {"run", OrNull(batch.run_id)}};
}

Json ToJson(const run::RunInfo& run) {
  return {{"id", run.id},
          {"state", run.state},
          {"reason", Reason(run.reason_code, run.reason)},
          {"mode", run.mode},
          {"cause", run.cause},
          {"opened_at", run.opened_at},
          {"closed_at", OrNull(run.closed_at)},
          {"output_batch", run.output_batch ? Json(*run.output_batch) : Json(nullptr)}};
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

std::string ExplanationJson(const run::Explanation& explanation) {
  Json document{{"node", explanation.node},
                {"follows", OrNull(explanation.follows)},
                {"decided_with", explanation.decider},
                {"verdict", nullptr},
                {"now", nullptr},
                {"last_batch", nullptr},
                {"last_run", nullptr},
                {"consumed", Json::array()},
                {"history", Json::array()}};
  if (!explanation.verdicts.empty()) document["verdict"] = ToJson(explanation.verdicts[0]);
  if (explanation.now) document["now"] = {{"code", explanation.now->code}, {"text", explanation.now->sentence}};
  if (explanation.last_batch) document["last_batch"] = ToJson(*explanation.last_batch);
  if (explanation.last_run) document["last_run"] = ToJson(*explanation.last_run);
  for (const run::Consumed& consumed : explanation.consumed)
    document["consumed"].push_back({{"key", consumed.input}, {"batch", consumed.batch}});
  for (size_t i = 1; i < explanation.verdicts.size(); ++i)
    document["history"].push_back(ToJson(explanation.verdicts[i]));
  return document.dump(2);
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

std::string BatchExplanationJson(const run::BatchExplanation& explanation) {
  Json document{{"node", explanation.stream},
                {"batch", ToJson(explanation.batch)},
                {"history", ToJson(explanation.verdicts)},
                {"consumers", Json::array()}};
  for (const run::BatchFate& fate : explanation.fates) {
    Json item{{"node", fate.transformer},       {"datasets", fate.datasets}, {"state", run::Word(fate.state)},
              {"consumed_at", OrNull(fate.at)}, {"runs", Json::array()},     {"history", ToJson(fate.verdicts)}};
    for (const run::RunInfo& run : fate.runs) item["runs"].push_back(ToJson(run));
    document["consumers"].push_back(std::move(item));
  }
  return document.dump(2);
}

}  // namespace yellow::cli
