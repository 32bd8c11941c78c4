#pragma once

#include <map>
#include <string>
#include <utility>

#include "ports/database.h"

/// The batch that a run's output becomes, and the cursors that move with it. Each function belongs into the transaction
/// that merges the output.
namespace yellow::run {

/// Input (`Store.dataset`) to the batches `(from, to]` of it that a run counts.
using Claims = std::map<std::string, std::pair<int, int>>;

struct OutputBatch {
  int number = 0;
  bool released = false;  ///< it was held before, and a person has accepted its guarded case
};

/// The next number, or that of a batch that was held and is tried again by this run; it is staged then.
OutputBatch OpenOutputBatch(ports::Session& session, const std::string& stream, const std::string& run_id,
                            int model_version);

/// Moves each cursor of a transformer over what was claimed. Throws base::Error code "fenced" when one does not stand
/// any more where its claim began.
void MoveCursors(ports::Session& session, const std::string& transformer, const Claims& claims);

}  // namespace yellow::run
