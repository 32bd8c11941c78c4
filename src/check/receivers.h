#pragma once

#include "base/diagnostics.h"
#include "model/model.h"

namespace yellow::check {

/// Who is told, and how: Y423, Y703, Y707 and Y712. REQUIRES: the model has an environment.
void CheckReceivers(const model::Model& model, base::Diagnostics& diagnostics);

/// Y703: the environment says where the secret is of a credential that the model has.
void RequireCredential(const model::Model& model, const model::Name& name, base::Diagnostics& diagnostics);

}  // namespace yellow::check
