#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "run/commit.h"
#include "sql/source_copy.h"

namespace yellow::run {

/// Where a source was when its snapshot was taken.
struct SourcePosition {
  std::optional<std::string> system;  ///< identifier of the server's data; none where it may not be asked for
  int64_t next_transaction = 0;       ///< never falls, unless the server's data are older than they were
};

/// Reads the datasets of one source stream from one snapshot (DESIGN 8.2): one read-only transaction of the source,
/// which ends with this object. What a source holds and cannot be merged is a hold, never a failure.
class SourceReader {
 public:
  /// `target_version`: of the server with the staging tables.
  SourceReader(const Effects& effects, const Applied& applied, const plan::Stream& stream, int target_version);

  /// Connects, locks the tables, takes the snapshot and compares the tables with the model. A difference is a hold.
  std::optional<Hold> Open();

  /// REQUIRES: Open has held nothing.
  const SourcePosition& position() const { return position_; }

  /// Copies one dataset into its staging table, inside the caller's transaction of `target`, and returns how many rows
  /// there were. REQUIRES: Open has held nothing.
  int64_t Copy(ports::Session& target, const sql::TableLayout& table, const ports::CopyProgress& progress);

  /// After a Copy that has thrown, when the caller's transaction is over: the hold, if the rows are to blame. Nothing
  /// means that Copy can be tried again and will put the rows aside that it stopped at. Any other error is thrown
  /// again.
  std::optional<Hold> Settle(const sql::TableLayout& table, const base::Error& error);

  /// Columns of the source that the model does not name: they are not read.
  const std::vector<std::string>& ignored(const sql::TableLayout& table) const;

 private:
  std::string LockTables();
  SourcePosition ReadPosition();
  std::optional<Hold> Compare(const sql::TableLayout& table);
  std::optional<Hold> KnowUnreadable(const sql::TableLayout& table, std::vector<sql::Unreadable> unreadable,
                                     const std::string& because);
  std::vector<sql::Unreadable> UnreadableTexts(const sql::SourceTable& source);
  std::vector<int> BytesWithoutMeaning();
  sql::SourceTable SourceOf(const sql::TableLayout& table) const;

  const Effects& effects_;
  const plan::Stream& stream_;
  const model::Datastore& store_;
  const model::SqlSnapshot& snapshot_;
  const int target_version_;
  std::unique_ptr<ports::Session> session_;
  std::unique_ptr<ports::Transaction> transaction_;  // ends before its session
  SourcePosition position_;
  std::map<std::string, std::vector<sql::Unreadable>> unreadable_;  // by dataset
  std::map<std::string, std::vector<std::string>> ignored_;
};

}  // namespace yellow::run
