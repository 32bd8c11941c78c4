#pragma once

#include <string>

#include "run/context.h"
#include "run/tick.h"

namespace yellow::run {

/// Everything Tick decides on, read in one transaction. Streams that only a transformer feeds are not decided on: they
/// follow. Leases and runs of processes of this host that have ended are as if nobody held them.
View ReadWorld(ports::Session& engine, const Applied& applied, const Actor& actor, ports::ProcessLauncher& processes);

/// Moves the cursors of a deterministic transformer past batches in which nothing changed, without a run. One
/// transaction; does nothing when the world has moved on.
void ConsumeUnchanged(ports::Session& engine, const Applied& applied, const std::string& transformer);

}  // namespace yellow::run
