#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>

#include "base/error.h"
#include "merge/merge.h"
#include "run/batch_runner.h"
#include "run/lease.h"

/// The steps that batches of sources and outputs of transformers share. Each function runs inside the caller's
/// transaction.
namespace yellow::run {

/// Why a batch waits: it cannot be right, or looks like an accident.
struct Hold {
  std::string code;
  std::string reason;    ///< with an example row
  bool guarded = false;  ///< a person may release it
};

/// A rule that rows of a dataset break.
struct Broken {
  std::string code, rule;
  int64_t rows = 0;
  std::string example;
};
Hold HoldOf(const model::DatasetAddress& dataset, const Broken& broken);
/// Such a reason without the example; empty when it is none of HoldOf's.
std::string WithoutExample(const std::string& reason);

/// True when the values of rows are to blame for a failure that no check has foreseen: a data exception, or a limit of
/// the server. The same rows would fail again, so the batch is held.
bool IsAboutRows(const base::Error& error);

using Merged = std::map<std::string, merge::Counters>;  ///< by dataset

/// One table of a merge.
struct MergeInput {
  merge::MergeSpec spec;
  std::optional<int64_t> mark;  ///< rows that were read; checked again
  std::string bad_rows;         ///< what CheckRows found of those that are set aside, for people
};

/// Chooses each input's path, counts its rows and runs every check that the path needs before the merge. The first rule
/// that is broken is the hold; in a table that sets bad rows aside only too many of them are one, and their spec is
/// told that there are some. `released`: guards were accepted by a person.
std::optional<Hold> CheckRows(ports::Session& session, std::vector<MergeInput>& inputs, const model::Guards& guards,
                              bool released);

/// Merges all inputs that CheckRows has passed in the same transaction. A hold means: roll back. Throws base::Error
/// code "staging_lost" when a count differs from its mark.
std::variant<Merged, Hold> MergeAll(ports::Session& session, const std::vector<MergeInput>& inputs,
                                    const model::Guards& guards, bool released);

/// Forgets set-aside rows that have not been bad any more for `seconds`.
void ForgetRejected(ports::Session& session, const std::string& stream, const std::vector<MergeInput>& inputs,
                    int64_t seconds);

/// Rows that a table holds, by the counters of its batches.
int64_t LiveRows(ports::Session& session, const std::string& stream, const std::string& dataset);

/// Writes the counters and makes the batch committed; commit times never go back. Throws base::Error code "fenced" if
/// it was not `from`.
void CommitBatch(ports::Session& session, const std::string& stream, int batch, const Merged& merged,
                 const std::string& from_state);

/// Counters of a committed batch as a report; the second reads them.
BatchReport ReportOf(int batch, const Merged& merged);
BatchReport ReportOf(ports::Session& session, const std::string& stream, int batch);

}  // namespace yellow::run
