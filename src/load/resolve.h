#pragma once

#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "load/readers.h"
#include "model/model.h"

namespace yellow::load {

/// What a small project does not say: platform `Main` on container `MergeDB`, database `merge`; environment `local`
/// puts `MergeDB` into the private cluster when there is no environment file. Says when a named environment is not
/// there.
void AddDefaults(model::Model& model, const std::string& environment, bool environment_read,
                 const std::vector<std::string>& environments, base::Diagnostics& diagnostics);

/// Makes the output Datastores (`like`, `drop`, declassification), sorts everything by name, refuses names that stand
/// twice and references to what does not exist, with "did you mean".
void Resolve(model::Model& model, std::vector<OutputDraft> outputs, base::Diagnostics& diagnostics);

}  // namespace yellow::load
