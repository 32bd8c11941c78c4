#include "run/witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/json_text.h"
#include "run/verdicts.h"

namespace yellow::run {
namespace {

constexpr std::chrono::seconds kWriteEvery{1};
constexpr std::string_view kInstallation = "installation ";

constexpr const char* kMakeUp = R"(
WITH gone AS (SELECT * FROM jsonb_each_text($1::jsonb) g (key, seen)), behind AS (
  UPDATE yellow.stream s SET numbers_after = g.seen::int, requested_at = clock_timestamp() FROM gone g
  WHERE s.key = g.key AND s.numbers_after < g.seen::int RETURNING s.key, s.numbers_after
), said AS (
  SELECT key, numbers_after, format('The merge database has gone back in time, as after a restore: batches up to %s had been seen, and the next '
    'one is %s.', numbers_after, numbers_after + 1) AS sentence FROM behind
), told AS (
  INSERT INTO yellow.event (kind, node, batch, actor, detail) SELECT 'went_back', key, numbers_after, $2, sentence FROM said
), explained AS (
  INSERT INTO yellow.verdict (node, code, sentence) SELECT key, 'went_back', sentence FROM said
)
SELECT key, yellow_access.audit_add($2, 'database.went_back', key, '', jsonb_build_object('numbers_after', numbers_after, 'identity', 'os:' || $2::text)) FROM behind)";

}  // namespace

std::string ToText(const Seen& seen) {
  std::string text = std::string(kInstallation) + seen.installation + "\n";
  for (const auto& [stream, batch] : seen.batches) text += fmt::format("{} {}\n", batch, stream);
  return text;
}

std::optional<Seen> SeenOf(std::string_view text) {
  Seen seen;
  for (bool first = true; !text.empty(); first = false) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (first) {
      if (!line.starts_with(kInstallation)) return std::nullopt;
      seen.installation = line.substr(kInstallation.size());
      continue;
    }
    int batch = 0;
    const auto [rest, error] = std::from_chars(line.data(), line.data() + line.size(), batch);
    line.remove_prefix(static_cast<size_t>(rest - line.data()));
    if (error != std::errc() || batch < 0 || line.size() < 2 || line.front() != ' ') return std::nullopt;
    seen.batches[std::string(line.substr(1))] = batch;
  }
  if (seen.installation.empty()) return std::nullopt;
  return seen;
}

std::vector<Backward> WentBack(const Seen& seen, const View& view) {
  std::vector<Backward> gone;
  for (const auto* streams : {&view.streams, &view.outputs}) {
    for (const StreamView& stream : *streams) {
      const auto before = seen.batches.find(stream.key);
      if (before != seen.batches.end() && before->second > stream.newest)
        gone.push_back({stream.key, before->second, stream.newest});
    }
  }
  return gone;
}

Witness::Witness(const Effects& effects, const std::string& container, const std::string& data_folder)
    : effects_(effects), container_(container), path_(data_folder + "/seen/" + container) {
  if (const auto text = effects_.files.Read(path_)) seen_ = SeenOf(*text).value_or(Seen{});
}

Witness::~Witness() {
  try {
    if (unwritten_) Write();
  } catch (const base::Error&) {  // what is seen next is written then
  }
}

bool Witness::Look(ports::Session& engine, const Actor& actor, const View& view) {
  const std::vector<Backward> gone = WentBack(seen_, view);
  const bool unknown = seen_.installation.empty();
  bool back = false;
  if (unknown || !gone.empty()) {
    const std::string installation =
        engine.Execute("SELECT extract(epoch FROM created_at) FROM yellow.installation").Text(0, 0);
    if (!unknown && installation == seen_.installation) back = MakeUpFor(engine, actor, gone);
    if (installation != seen_.installation) seen_ = {installation, {}}, unwritten_ = true;
  }
  Remember(view);
  return back;
}

bool Witness::MakeUpFor(ports::Session& engine, const Actor& actor, const std::vector<Backward>& gone) {
  std::string batches;
  for (const Backward& one : gone)
    batches += fmt::format("{}{}: \"{}\"", batches.empty() ? "" : ", ", base::JsonString(one.stream), one.seen);
  const ports::Rows found = engine.Execute({kMakeUp, {"{" + batches + "}", actor.person}});
  std::string streams;
  for (const Backward& one : gone) {
    // The others were made up for by somebody else, or have been forgotten by the model.
    bool is_new = false;
    for (size_t i = 0; i < found.size(); ++i) is_new |= found.Text(i, 0) == one.stream;
    if (is_new)
      streams += fmt::format("{}{} from batch {} to {}", streams.empty() ? "" : ", ", NameOfNode(one.stream), one.seen,
                             one.newest);
  }
  if (streams.empty()) return false;
  effects_.reporter.Line(
      fmt::format("{} has gone back in time, as after a restore: {}\n  = sources are read again at once, and the "
                  "numbers of batches "
                  "that are gone are not given again; what you keep elsewhere of these batches is outdated",
                  container_, streams));
  return true;
}

void Witness::Remember(const View& view) {
  for (const auto* streams : {&view.streams, &view.outputs}) {
    for (const StreamView& stream : *streams) {
      int& batch = seen_.batches[stream.key];
      unwritten_ |= batch != stream.newest;
      batch = stream.newest;
    }
  }
  if (unwritten_ && effects_.clock.Now() >= written_at_ + kWriteEvery) Write();
}

void Witness::Write() {
  written_at_ = effects_.clock.Now();
  effects_.files.MakeFolder(path_.substr(0, path_.rfind('/')), 0700);
  effects_.files.WriteAtomically(path_, ToText(seen_), true);
  unwritten_ = false;
}

}  // namespace yellow::run
