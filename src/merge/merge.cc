#include "merge/merge.h"

#include "base/check.h"
#include "merge/columns.h"
#include "merge/strategies.h"

namespace yellow::merge {

std::vector<MergeStatement> Merge(const MergeSpec& spec) {
  if (spec.table.milestoning == model::Milestoning::kForensic) {
    YELLOW_CHECK(!spec.table.key.empty());
    return Forensic(spec);
  }
  if (!spec.table.key.empty()) return LiveKeyed(spec);
  YELLOW_CHECK(spec.meaning == SourceMeaning::kSnapshot);
  return LiveKeyless(spec);
}

Counters Count(const MergeSpec& spec, int64_t staged, int64_t updates, int64_t deletes, int64_t inserts) {
  Counters counters;
  counters.staged = staged;
  counters.updated = updates;
  counters.deleted = deletes;
  // With history the insert adds the new version of each updated row too.
  counters.inserted = spec.table.milestoning == model::Milestoning::kForensic ? inserts - updates : inserts;
  counters.unchanged = staged - counters.inserted - counters.updated;
  return counters;
}

sql::Statement CountStaged(const MergeSpec& spec) { return "SELECT count(*) FROM " + Upserts(spec) + " s"; }

sql::Statement CountSource(const MergeSpec& spec) { return "SELECT count(*) FROM " + spec.source; }

Path ChoosePath(const MergeSpec& spec, int64_t rows, int64_t target_rows) {
  // A look-up costs about as much as reading ten to twenty rows in a row.
  constexpr int64_t kRowsPerLookUp = 20;
  if (spec.meaning != SourceMeaning::kChanges) return Path::kScan;
  return rows * kRowsPerLookUp < target_rows ? Path::kLookUp : Path::kScan;
}

std::vector<sql::Statement> PathSettings(Path path) {
  const std::string word = path == Path::kLookUp ? "off" : "on";
  return {"SET LOCAL enable_hashjoin = " + word, "SET LOCAL enable_mergejoin = " + word};
}

}  // namespace yellow::merge
