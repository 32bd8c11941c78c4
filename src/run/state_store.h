#pragma once

#include <string>

#include "ports/database.h"
#include "run/state.h"

namespace yellow::run {

/// Moves a run by compare-and-set from any state in which the event can happen. Throws base::Error code "fenced" when
/// the run is in none of them: somebody else has closed it.
void MoveRun(ports::Session& session, const std::string& run_id, RunEvent event);
/// MoveRun in two parts: its statement, to be sent with others, and the check of what that returned.
sql::Statement MovingRun(const std::string& run_id, RunEvent event);
void RequireMoved(const ports::Rows& moved, const std::string& run_id, RunEvent event);
/// The same for a batch.
void MoveBatch(ports::Session& session, const std::string& stream, int batch, BatchEvent event);

/// What a row of yellow.run says. REQUIRES: one of its words.
RunState RunStateOf(const std::string& word);

}  // namespace yellow::run
