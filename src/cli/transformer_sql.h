#pragma once

#include "base/diagnostics.h"
#include "load/load.h"
#include "model/model.h"

namespace yellow::cli {

/// Checks the SELECTs of sql transformers against the inputs of their workspaces: Y616, at the place in the .sql file.
/// Here and not in check, because it needs the model, its graph and the SQL parser. REQUIRES: the model has no errors.
base::Diagnostics CheckTransformerSql(const model::Model& model, const load::Files& files);

}  // namespace yellow::cli
