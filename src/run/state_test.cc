#include "run/state.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "testing/golden.h"

namespace yellow::run {
namespace {

/// Every pair as the document shows it: a table of events by states.
template <typename State, typename Event>
std::string Table(const std::vector<State>& states, const std::vector<Event>& events) {
  std::string text = "| |";
  for (const State state : states) text += " " + std::string(Word(state)) + " |";
  text += "\n|---|";
  for (size_t i = 0; i < states.size(); ++i) text += "---|";
  text += "\n";
  for (const Event event : events) {
    text += "| " + std::string(Word(event)) + " |";
    for (const State state : states) {
      const auto next = Next(state, event);
      text += " " + (next ? std::string(Word(*next)) : "-") + " |";
    }
    text += "\n";
  }
  return text;
}

std::string Document() {
  std::ifstream in(yellow::testing::SourceFolder() + "/docs/state-machines.md");
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

TEST(State, EveryPairOfABatchIsInTheDocument) {
  const std::string table =
      Table<BatchState, BatchEvent>({BatchState::kOpen, BatchState::kStaged, BatchState::kCommitted, BatchState::kHeld,
                                     BatchState::kRejected, BatchState::kFailed},
                                    {BatchEvent::kStaged, BatchEvent::kMerged, BatchEvent::kHeld,
                                     BatchEvent::kReadAgain, BatchEvent::kRejected, BatchEvent::kFailed});
  EXPECT_NE(Document().find(table), std::string::npos) << "docs/state-machines.md should have:\n" << table;
}

TEST(State, EveryPairOfARunIsInTheDocument) {
  const std::string table = Table<RunState, RunEvent>(
      {RunState::kPreparing, RunState::kLaunched, RunState::kFinished, RunState::kIngesting, RunState::kCommitted,
       RunState::kFailed, RunState::kTimedOut, RunState::kLost, RunState::kCancelled},
      {RunEvent::kLaunched, RunEvent::kFinished, RunEvent::kIngesting, RunEvent::kCommitted, RunEvent::kFailed,
       RunEvent::kTimedOut, RunEvent::kLost, RunEvent::kCancelled});
  EXPECT_NE(Document().find(table), std::string::npos) << "docs/state-machines.md should have:\n" << table;
}

}  // namespace
}  // namespace yellow::run
