#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "sql/layout.h"
#include "sql/statement.h"

/// What a batch does to its merge table, as statements: pure, one strategy a file. They are run in order in one
/// transaction.
namespace yellow::merge {

/// Where the rows come from, and what they mean.
enum class SourceMeaning {
  kSnapshot,        ///< all rows there are: what is not mentioned is deleted
  kSnapshotWithOp,  ///< the same, from an output table with yellow_op in a full run: D rows are as if not there
  kChanges,         ///< yellow_op I and U are upserts, D deletes; what is not mentioned stays
};

struct MergeSpec {
  sql::TableLayout table;
  int batch = 0;
  std::string source;  ///< qualified name of the staging or output table
  SourceMeaning meaning = SourceMeaning::kSnapshot;
};

enum class Effect { kUpdate, kDelete, kInsert };

/// One statement; the number of rows it reports counts for `effect`. In a table with history an update closes the old
/// version and the insert adds the new one, so what the inserts report holds the updates too: see `Count`.
struct MergeStatement {
  Effect effect;
  sql::Statement statement;
};

std::vector<MergeStatement> Merge(const MergeSpec& spec);

/// How a batch finds its rows in the target.
enum class Path {
  kScan,    ///< both sides are read whole and joined: the server chooses how
  kLookUp,  ///< each row of the batch is looked up in the target's index; the target is not read whole
};

/// Chosen per batch. `rows`: of the source, deletions included; `target_rows`: live rows of the target before the
/// batch. A snapshot names all rows, so the target has to be read anyway.
Path ChoosePath(const MergeSpec& spec, int64_t rows, int64_t target_rows);

/// Settings for the statements of one merge, to be executed before them in the same transaction. The server's own
/// choice rests on statistics, and an output table that was filled a moment ago has none.
std::vector<sql::Statement> PathSettings(Path path);

struct Counters {
  int64_t staged = 0, inserted = 0, updated = 0, deleted = 0, unchanged = 0, rejected = 0;
  bool operator==(const Counters&) const = default;
};

/// Counters from what the statements reported. inserted + updated + unchanged = staged.
Counters Count(const MergeSpec& spec, int64_t staged, int64_t updates, int64_t deletes, int64_t inserts);

/// `SELECT count(*)` of the rows that count as staged.
sql::Statement CountStaged(const MergeSpec& spec);
/// `SELECT count(*)` of all rows of the source, deletions included.
sql::Statement CountSource(const MergeSpec& spec);

/// A rule that rows of a batch must keep. The statement returns one row: how many break it, and one of them as JSON.
struct RowCheck {
  std::string code;  ///< null_key, not_null, duplicate_key, too_long, out_of_range, too_precise
  std::string rule;  ///< for people: "column firstname is varchar(100)"
  sql::Statement statement;
};

/// Every rule on keys and values of `spec.table`, for rows in `spec.source` whose columns have no limits yet.
std::vector<RowCheck> Checks(const MergeSpec& spec);

/// Why a batch that can be merged looks like an accident; nothing when it does not. REQUIRES: counters of a snapshot.
struct GuardBreach {
  std::string code;  ///< emptied, mass_delete
  std::string reason;
};
std::optional<GuardBreach> BreachOf(const std::string& dataset, const Counters& counters, const model::Guards& guards);

}  // namespace yellow::merge
