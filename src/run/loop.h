#pragma once

#include <string>
#include <vector>

#include "run/jobs.h"

namespace yellow::run {

/// Asks for a batch of each stream, or a run of each transformer, by node key, whatever its schedule says; each is
/// recorded.
void Request(ports::Session& engine, const Actor& actor, const std::vector<std::string>& nodes);

/// Tick after tick until nothing is due: reads the world, decides, records verdicts that changed, acts on the most
/// urgent decision. A failure of one node never ends the loop; what it leaves behind is in the report and the database.
/// `container`: the merge database. Throws base::Error when it cannot be reached for longer than limits.retry.
LoopReport RunUntilQuiet(const Effects& effects, const Actor& actor, const Applied& applied,
                         const std::string& container);

}  // namespace yellow::run
