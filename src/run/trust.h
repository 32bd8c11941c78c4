#pragma once

#include <string>
#include <vector>

#include "model/model.h"
#include "ports/process.h"
#include "run/context.h"

namespace yellow::run {

/// True when a run of it starts a program on this machine.
bool StartsProcess(const model::Model& model, const model::DataTransformer& transformer);
/// True when a run of it starts a container, here or in a cluster.
bool StartsContainer(const model::Model& model, const model::DataTransformer& transformer);

/// One line that says that these workspaces' code runs with all the rights of this process, and why; empty when there
/// are none, or each run has an operating-system user of its own.
std::string TrustNotice(ports::ProcessLauncher& processes, const Actor& actor,
                        const std::vector<std::string>& workspaces);

/// Says it before the first run of a transformer's definition. REQUIRES: that run is not in yellow.run yet.
void SayWhomToTrust(const Effects& effects, ports::Session& engine, const Actor& actor, const Applied& applied,
                    const plan::Transformer& transformer);

}  // namespace yellow::run
