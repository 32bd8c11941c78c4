#include "merge/merge.h"

#include "base/check.h"
#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {

namespace {

std::vector<MergeStatement> ByStrategy(const MergeSpec& spec) {
  if (spec.path == Path::kDifference) return ByDifference(spec);
  if (spec.table.milestoning == model::Milestoning::kForensic) {
    YELLOW_CHECK(!spec.table.key.empty());
    return Forensic(spec);
  }
  if (!spec.table.key.empty()) return LiveKeyed(spec);
  YELLOW_CHECK(spec.meaning == SourceMeaning::kSnapshot);
  return LiveKeyless(spec);
}

}  // namespace

std::vector<MergeStatement> Merge(const MergeSpec& spec) {
  YELLOW_CHECK(spec.table.sets_aside ? spec.path != Path::kDifference : !spec.bad_rows);
  return spec.table.sets_aside ? WithSetAside(spec, ByStrategy(spec)) : ByStrategy(spec);
}

void Tally::Add(Effect effect, int64_t rows) {
  switch (effect) {
    case Effect::kUpdate:
      updates += rows;
      return;
    case Effect::kDelete:
      deletes += rows;
      return;
    case Effect::kInsert:
      inserts += rows;
      return;
    case Effect::kSetAside:
      set_aside += rows;
      return;
    case Effect::kKeep:
      kept += rows;
      return;
    case Effect::kDoubtKeys:
    case Effect::kSearch:
    case Effect::kBookkeeping:
      return;
  }
}

Counters Count(const MergeSpec& spec, int64_t read, const Tally& tally) {
  Counters counters;
  counters.rejected = tally.set_aside;
  counters.staged = read - tally.set_aside;
  counters.kept = tally.kept;
  counters.updated = tally.updates;
  counters.deleted = tally.deletes;
  // With history the insert adds the new version of each updated row too.
  counters.inserted =
      spec.table.milestoning == model::Milestoning::kForensic ? tally.inserts - tally.updates : tally.inserts;
  counters.unchanged = counters.staged - counters.inserted - counters.updated;
  return counters;
}

sql::Statement CountSource(const MergeSpec& spec) { return "SELECT count(*) FROM " + spec.source; }

Path ChoosePath(const MergeSpec& spec, int64_t rows) {
  // A look-up costs about as much as reading ten to twenty rows in a row.
  constexpr int64_t kRowsPerLookUp = 20;
  // Below that, temporary tables cost more than they save.
  constexpr int64_t kWorthADifference = 10'000;
  if (spec.meaning != SourceMeaning::kChanges) {
    const bool possible = !spec.table.key.empty() && !spec.table.sets_aside;
    return possible && spec.live_rows >= kWorthADifference ? Path::kDifference : Path::kScan;
  }
  return rows * kRowsPerLookUp < spec.live_rows ? Path::kLookUp : Path::kScan;
}

std::vector<sql::Statement> PathSettings(Path path) {
  const std::string word = path == Path::kLookUp ? "off" : "on";
  std::vector<sql::Statement> settings{"SET LOCAL enable_hashjoin = " + word, "SET LOCAL enable_mergejoin = " + word};
  if (path == Path::kDifference) {
    // For the comparison: as much as the server was given for its buffers, which tells how large it is; a server that
    // grants more keeps to that.
    settings.emplace_back(
        "SELECT set_config('work_mem', bytes / 1024 || 'kB', true) FROM (SELECT least(pg_size_bytes('256MB'), "
        "pg_size_bytes(current_setting('shared_buffers'))) AS bytes) granted WHERE "
        "pg_size_bytes(current_setting('work_mem')) < bytes");
    // What differs is changed in the order in which it lies.
    settings.emplace_back("SET LOCAL random_page_cost = 1");
    // Few rows differ, which the server cannot know. To compile what is done with them takes longer than it saves; to
    // compile the search of millions, optimized but not inlined, is worth its tenth of a second.
    settings.emplace_back("SET LOCAL parallel_tuple_cost = 0");
    settings.emplace_back("SET LOCAL jit = off");
    settings.emplace_back("SET LOCAL jit_above_cost = 150000");
    settings.emplace_back("SET LOCAL jit_optimize_above_cost = 150000");
    settings.emplace_back("SET LOCAL jit_inline_above_cost = -1");
  }
  return settings;
}

}  // namespace yellow::merge
