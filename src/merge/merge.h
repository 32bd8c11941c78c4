#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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

/// How a batch finds its rows in the target.
enum class Path {
  kScan,        ///< both sides are read whole and joined, once for each kind of change: the server chooses how
  kDifference,  ///< both sides are read whole and compared once; what differs is then changed where it lies
  kLookUp,      ///< each row of the batch is looked up in the target's index; the target is not read whole
};

struct MergeSpec {
  sql::TableLayout table;
  int batch = 0;
  std::string source;  ///< qualified name of the staging or output table
  SourceMeaning meaning = SourceMeaning::kSnapshot;
  /// Checks have found some, and the store sets them aside (table.sets_aside): they move to the rejected table, and a
  /// row whose key is in bad rows only keeps its last good version.
  bool bad_rows = false;
  Path path = Path::kScan;
  int64_t rows = 0;  ///< as CountRows gives it; a merge by difference needs it and the next
  /// That the target holds before the batch, by the counters of its batches. If it holds others, keys are doubted that
  /// are not shared, at the cost of time.
  int64_t live_rows = 0;
  bool compared = false;  ///< FindDifference was executed in this transaction
};

enum class Effect {
  kUpdate,
  kDelete,
  kInsert,
  kSetAside,     ///< rows moved from the source to the rejected table
  kKeep,         ///< a SELECT of one number: rows that stay as they were because their key is in bad rows only
  kDoubtKeys,    ///< a SELECT of one boolean: true when rows may share a key. `SharedKeys` says which, if any
  kSearch,       ///< counts for nothing; reads both sides with several processes, which want memory that they share
  kBookkeeping,  ///< counts for nothing
};

/// One statement; the number of rows it reports counts for `effect`. In a table with history an update closes the old
/// version and the insert adds the new one, so what the inserts report holds the updates too: see `Count`.
struct MergeStatement {
  Effect effect = Effect::kUpdate;
  sql::Statement statement;
};

std::vector<MergeStatement> Merge(const MergeSpec& spec);

/// Chosen per batch. `rows`: of a source of changes, deletions included. A snapshot names all rows, so the target has
/// to be read anyway.
Path ChoosePath(const MergeSpec& spec, int64_t rows);

/// Settings for the statements of one merge, to be executed before them in the same transaction. The server's own
/// choice rests on statistics, and an output table that was filled a moment ago has none.
std::vector<sql::Statement> PathSettings(Path path);

/// What the statements of a merge reported, by effect.
struct Tally {
  int64_t updates = 0, deletes = 0, inserts = 0, set_aside = 0, kept = 0;
  void Add(Effect effect, int64_t rows);
};

/// `rejected`: bad rows that were set aside; `staged`: the others, which were merged; together they are what was read.
struct Counters {
  int64_t staged = 0, inserted = 0, updated = 0, deleted = 0, unchanged = 0, rejected = 0;
  int64_t kept = 0;  ///< rows whose key came in bad rows only, as they were
  bool operator==(const Counters&) const = default;
};

/// Counters from what the statements reported. inserted + updated + unchanged = staged = read - rejected.
Counters Count(const MergeSpec& spec, int64_t read, const Tally& tally);

/// `SELECT` of two numbers, in one pass over the rows, before the merge: the rows that are merged or set aside, and how
/// many of them break a rule by themselves, which is whether it is worth asking every rule.
sql::Statement CountRows(const MergeSpec& spec);
/// Of a merge by difference: finds the rows of the source that are new or unlike the target's. Effect kSearch; the
/// settings of the path come first. A value that breaks a rule may make it fail with an error about values.
sql::Statement FindDifference(const MergeSpec& spec);
/// `SELECT` of one number: how many of these rows break a rule by themselves, and with them of all, because no row of
/// the target does. REQUIRES: FindDifference.
sql::Statement CountBrokenInDifference(const MergeSpec& spec);
/// `SELECT count(*)` of all rows of the source, deletions included.
sql::Statement CountSource(const MergeSpec& spec);

/// The code and the rule of values that a source holds and cannot give, as text that is not in its encoding. In staging
/// they are null, and `yellow_row` of a table that sets rows aside holds the whole row as JSON.
inline constexpr std::string_view kUnreadable = "unreadable";
inline constexpr std::string_view kReadableRule = "every value can be carried unchanged";

/// A rule that rows of a batch must keep. The statement returns one row: how many rows break it, and an example as
/// JSON.
struct RowCheck {
  /// unreadable, null_key, not_null, duplicate_key, too_long, out_of_range, too_precise, key_too_long
  std::string code;
  std::string rule;  ///< for people: "column firstname is varchar(100)"
  sql::Statement statement;
};

/// Every rule on keys and values of `spec.table`, for rows in `spec.source` whose columns have no limits yet. The last
/// one, where there is a key, is that no two rows share it; a merge by difference finds that out by itself.
std::vector<RowCheck> Checks(const MergeSpec& spec);
/// That last rule. REQUIRES: a key.
RowCheck SharedKeys(const MergeSpec& spec);

/// Forgets the rows that were bad in batches up to `last_batch` and in none after.
sql::Statement ForgetRejected(const MergeSpec& spec, int last_batch);

/// Why a batch that can be merged looks like an accident; nothing when it does not. `before`: rows that the table held.
struct GuardBreach {
  std::string code;  ///< emptied, mass_delete, mass_reject
  std::string reason;
};
std::optional<GuardBreach> BreachOf(const std::string& dataset, const Counters& counters, int64_t before,
                                    const model::Guards& guards);
/// The same for bad rows that would be set aside, of all that were read.
std::optional<GuardBreach> RejectionBreachOf(const std::string& dataset, int64_t rejected, int64_t read,
                                             const model::Guards& guards);
/// True for the codes of breaches, and for went_back (of the whole source): a person may accept such a batch, and no
/// other that is held.
bool IsGuarded(std::string_view code);

}  // namespace yellow::merge
