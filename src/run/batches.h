#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/context.h"

namespace yellow::run {

/// A stream that is paused opens no batch; the transformer whose output it is does not run. What is under way ends.
void PauseStream(ports::Session& engine, const Actor& actor, const std::string& stream, bool paused);

/// Times are RFC 3339 in UTC, and empty while there is none.
struct BatchInfo {
  std::string stream;
  int batch = 0;
  std::string state, opened_at, committed_at, reason_code, reason, run_id;
  bool released = false;
  bool guarded = false;  ///< a guard holds it: a person may release it
  int model_version = 0;
  struct Counts {
    std::string dataset;
    int64_t staged = 0, inserted = 0, updated = 0, deleted = 0, unchanged = 0, rejected = 0;
  };
  std::vector<Counts> counts;  ///< only from ShowBatch
  std::vector<std::string>
      ignored;  ///< only from ShowBatch: `dataset.column` at the source that the model does not name
};

/// The newest batches, of one stream or (empty) of all.
std::vector<BatchInfo> ListBatches(ports::Session& engine, const std::string& stream, int limit);
/// One batch; the newest when none is named. Throws UsageError when it is not there.
BatchInfo ShowBatch(ports::Session& engine, const std::string& stream, std::optional<int> batch);

/// Rows of a dataset that a committed batch has set aside for one rule.
struct RejectedRows {
  std::string dataset;
  std::string table;  ///< where they lie, qualified
  std::string rule;   ///< code, as duplicate_key
  std::string reason;
  int64_t rows = 0;
  std::string example;  ///< JSON, cut after a thousand characters
};
std::vector<RejectedRows> ShowRejected(ports::Session& engine, const plan::Stream& stream, int batch);

/// A person accepts a held batch once. Only what a guard has held: bad rows must be mended at the source. Throws
/// UsageError.
void ReleaseBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch);
/// A person gives a held batch up; the next one begins at the next schedule. Throws UsageError.
void RejectBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch);

struct RunInfo {
  std::string id, transformer, state, cause, opened_at, closed_at, reason_code, reason, definition, mode;
  std::string image;    ///< of its code, pinned to a digest; empty when the code was none
  std::string seconds;  ///< that it took, or is open by now, with one decimal
  std::optional<int> exit_status, output_batch;
  struct Claim {
    std::string input;
    int from = 0, to = 0;
  };
  std::vector<Claim> claims;  ///< only from ShowRun
};
std::vector<RunInfo> ListRuns(ports::Session& engine, const std::string& transformer, int limit);
/// By id or an unambiguous beginning of one. Throws UsageError.
RunInfo ShowRun(ports::Session& engine, const std::string& id);
/// What the code of a run printed, its last MiB. REQUIRES: `id` is the whole id of a run.
std::string RunLog(ports::Session& engine, const std::string& id);
/// Ends an open run: its state first, then its login and sessions, so that nothing it still does is seen. Returns its
/// whole id. Throws UsageError when it is not open.
std::string CancelRun(const Effects& effects, ports::Session& engine, const Actor& actor, const std::string& prefix,
                      const std::string& id);
/// Makes a transformer due again at once; `rebuild`: in full mode, as on a first run.
void RetryTransformer(ports::Session& engine, const Actor& actor, const std::string& transformer, bool rebuild);

}  // namespace yellow::run
