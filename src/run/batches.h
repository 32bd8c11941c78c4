#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run/context.h"

namespace yellow::run {

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
  std::string opened_by;       ///< the job of another scheduler; empty: Yellow itself
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

struct RunInfo {
  std::string id, transformer, state, cause, opened_at, closed_at, reason_code, reason, definition, mode;
  std::string image;      ///< of its code, pinned to a digest; empty when the code was none
  std::string job;        ///< what its code ran as: the name of a container, or of a Job; empty when it was neither
  std::string handed_to;  ///< the job of another scheduler, which takes its steps; empty: none
  std::string request;    ///< under which it repaired the output, without code; empty: it is an ordinary run
  std::string seconds;    ///< that it took, or is open by now, with one decimal
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
}  // namespace yellow::run
