#pragma once

#include "run/context.h"

namespace yellow::run {

enum class BatchOutcome {
  kCommitted,  ///< a new batch is there
  kHeld,       ///< it waits for the source or a person; the reason is recorded
  kFailed,     ///< tried, failed; the next schedule tries again
  kBusy,       ///< somebody else holds the stream
  kFenced,     ///< the lease was lost on the way; nothing was written
};

struct BatchReport {
  BatchOutcome outcome = BatchOutcome::kCommitted;
  int batch = 0;
  int64_t inserted = 0, updated = 0, deleted = 0, unchanged = 0, staged = 0, rejected = 0;
  std::string reason_code, reason;
};

/// Ingests one batch of one source stream by the batch protocol (DESIGN 8): takes the lease, continues the batch under
/// way or opens the next, reads one source snapshot into staging, checks, merges, commits. Effects that fail for good
/// are kFailed with a reason that is recorded; only a bug or a lost merge database throws.
BatchReport RunBatch(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Stream& stream);

}  // namespace yellow::run
