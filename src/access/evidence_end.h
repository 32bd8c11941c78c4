#pragma once

#include <string>
#include <vector>

#include "access/desk.h"

namespace yellow::access {

/// Ends the keeping of recordings and statements that are older than `retention.evidence` of a place's model, counted
/// from the end of the session or of its review, whichever is later; never while the review is open, and of files that
/// are here alone. That they go is a record of the audit log; they go when it is in the chain, a minute later, so that
/// nobody who verifies the log misses them. Returns what is in the way, a line each; it is done the next time.
std::vector<std::string> EndEvidence(const Effects& effects, const Place& place);

}  // namespace yellow::access
