#include "run/state.h"

namespace yellow::run {

std::optional<BatchState> Next(BatchState state, BatchEvent event) {
  const bool open = state == BatchState::kOpen, staged = state == BatchState::kStaged,
             held = state == BatchState::kHeld;
  switch (event) {
    case BatchEvent::kStaged:  // a released batch whose staging is complete goes straight on
      return open || held ? std::optional(BatchState::kStaged) : std::nullopt;
    case BatchEvent::kMerged:
      return staged ? std::optional(BatchState::kCommitted) : std::nullopt;
    case BatchEvent::kHeld:
      return open || staged ? std::optional(BatchState::kHeld) : std::nullopt;
    case BatchEvent::kReadAgain:  // a new attempt: the schedule of a held batch, another model, staging lost in a crash
      return open || staged || held ? std::optional(BatchState::kOpen) : std::nullopt;
    case BatchEvent::kRejected:
      return held ? std::optional(BatchState::kRejected) : std::nullopt;
    case BatchEvent::kFailed:
      return open || staged ? std::optional(BatchState::kFailed) : std::nullopt;
  }
  return std::nullopt;
}

std::string_view Word(BatchState state) {
  switch (state) {
    case BatchState::kOpen:
      return "open";
    case BatchState::kStaged:
      return "staged";
    case BatchState::kCommitted:
      return "committed";
    case BatchState::kHeld:
      return "held";
    case BatchState::kRejected:
      return "rejected";
    case BatchState::kFailed:
      return "failed";
  }
  return "";
}

std::string_view Word(BatchEvent event) {
  switch (event) {
    case BatchEvent::kStaged:
      return "all datasets staged";
    case BatchEvent::kMerged:
      return "merged";
    case BatchEvent::kHeld:
      return "held";
    case BatchEvent::kReadAgain:
      return "read again";
    case BatchEvent::kRejected:
      return "rejected by a person";
    case BatchEvent::kFailed:
      return "failed";
  }
  return "";
}

std::optional<RunState> Next(RunState state, RunEvent event) {
  const bool open = state == RunState::kPreparing || state == RunState::kLaunched || state == RunState::kFinished ||
                    state == RunState::kIngesting;
  switch (event) {
    case RunEvent::kLaunched:
      return state == RunState::kPreparing ? std::optional(RunState::kLaunched) : std::nullopt;
    case RunEvent::kFinished:
      return state == RunState::kLaunched ? std::optional(RunState::kFinished) : std::nullopt;
    case RunEvent::kIngesting:
      return state == RunState::kFinished ? std::optional(RunState::kIngesting) : std::nullopt;
    case RunEvent::kCommitted:
      return state == RunState::kIngesting ? std::optional(RunState::kCommitted) : std::nullopt;
    case RunEvent::kFailed:
      return open ? std::optional(RunState::kFailed) : std::nullopt;
    case RunEvent::kTimedOut:
      return open ? std::optional(RunState::kTimedOut) : std::nullopt;
    case RunEvent::kLost:
      return open ? std::optional(RunState::kLost) : std::nullopt;
    case RunEvent::kCancelled:
      return open ? std::optional(RunState::kCancelled) : std::nullopt;
  }
  return std::nullopt;
}

std::string_view Word(RunState state) {
  switch (state) {
    case RunState::kPreparing:
      return "preparing";
    case RunState::kLaunched:
      return "launched";
    case RunState::kFinished:
      return "finished";
    case RunState::kIngesting:
      return "ingesting";
    case RunState::kCommitted:
      return "committed";
    case RunState::kFailed:
      return "failed";
    case RunState::kTimedOut:
      return "timed_out";
    case RunState::kLost:
      return "lost";
    case RunState::kCancelled:
      return "cancelled";
  }
  return "";
}

std::string_view Word(RunEvent event) {
  switch (event) {
    case RunEvent::kLaunched:
      return "claims taken, job started";
    case RunEvent::kFinished:
      return "code ended";
    case RunEvent::kIngesting:
      return "quiesced, exit status 0";
    case RunEvent::kCommitted:
      return "output merged";
    case RunEvent::kFailed:
      return "failed";
    case RunEvent::kTimedOut:
      return "deadline passed";
    case RunEvent::kLost:
      return "holder gone";
    case RunEvent::kCancelled:
      return "cancelled by a person";
  }
  return "";
}

}  // namespace yellow::run
