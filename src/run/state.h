#pragma once

#include <optional>
#include <string_view>

namespace yellow::run {

/// States of a batch and what happens to it (DESIGN 8). The words are those of yellow.batch.state.
enum class BatchState { kOpen, kStaged, kCommitted, kHeld, kRejected, kFailed };
enum class BatchEvent { kStaged, kMerged, kHeld, kReadAgain, kRejected, kFailed };

/// The state after an event, or nothing when the event cannot happen there.
std::optional<BatchState> Next(BatchState state, BatchEvent event);
std::string_view Word(BatchState state);
std::string_view Word(BatchEvent event);

/// States of a run of a DataTransformer (DESIGN 9). The words are those of yellow.run.state.
enum class RunState { kPreparing, kLaunched, kFinished, kIngesting, kCommitted, kFailed, kTimedOut, kLost, kCancelled };
enum class RunEvent { kLaunched, kFinished, kIngesting, kCommitted, kFailed, kTimedOut, kLost, kCancelled };

std::optional<RunState> Next(RunState state, RunEvent event);
std::string_view Word(RunState state);
std::string_view Word(RunEvent event);

}  // namespace yellow::run
