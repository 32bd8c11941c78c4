#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ports/database.h"

/// Texts of Yellow's own state that may quote what rows hold: why a batch was held and a run has failed, with an
/// example; what was decided because of it; and what the code of runs has printed.
namespace yellow::run {

/// Takes what may be a value out of all of them, for these streams and transformers (keys), whatever row it is of: a
/// rule stays, its example goes; a decision that repeats one goes and is made again; a log goes. Returns how many texts
/// were changed. Part of the caller's transaction. REQUIRES: none of these transformers has an open run.
int64_t ForgetQuotedRows(ports::Session& session, const std::vector<std::string>& streams,
                         const std::vector<std::string>& transformers);

}  // namespace yellow::run
