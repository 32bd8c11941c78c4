#include "run/state_store.h"

#include "base/check.h"
#include "base/error.h"

namespace yellow::run {
namespace {

/// `{open,staged}`: where an event may come from, as an array of PostgreSQL, and the one state to which it leads.
struct Move {
  std::string from = "{}";
  std::string to;
};

template <typename State, typename Event>
Move MoveOf(Event event, State last) {
  Move move;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const State state = static_cast<State>(i);
    const auto next = Next(state, event);
    if (!next) continue;
    move.from.insert(move.from.size() - 1, (move.from.size() > 2 ? "," : "") + std::string(Word(state)));
    move.to = Word(*next);
  }
  return move;
}

}  // namespace

void MoveRun(ports::Session& session, const std::string& run_id, RunEvent event) {
  RequireMoved(session.Execute(MovingRun(run_id, event)), run_id, event);
}

sql::Statement MovingRun(const std::string& run_id, RunEvent event) {
  const Move move = MoveOf(event, RunState::kCancelled);
  return {"UPDATE yellow.run SET state = $2 WHERE id = $1 AND state = ANY ($3::text[]) RETURNING 1",
          {run_id, move.to, move.from}};
}

void RequireMoved(const ports::Rows& moved, const std::string& run_id, RunEvent event) {
  if (!moved.empty()) return;
  throw base::Error("fenced", "the run cannot become " + MoveOf(event, RunState::kCancelled).to +
                                  ", somebody else has closed it: " + run_id);
}

void MoveBatch(ports::Session& session, const std::string& stream, int batch, BatchEvent event) {
  const Move move = MoveOf(event, BatchState::kFailed);
  const ports::Rows moved = session.Execute(
      {"UPDATE yellow.batch SET state = $3 WHERE stream = $1 AND batch = $2 AND state = ANY ($4::text[]) RETURNING 1",
       {stream, std::to_string(batch), move.to, move.from}});
  if (moved.empty())
    throw base::Error("fenced", "the batch cannot become " + move.to + ": " + std::to_string(batch) + " of " + stream);
}

RunState RunStateOf(const std::string& word) {
  for (int i = 0; i <= static_cast<int>(RunState::kCancelled); ++i)
    if (Word(static_cast<RunState>(i)) == word) return static_cast<RunState>(i);
  YELLOW_CHECK(false);
}

}  // namespace yellow::run
