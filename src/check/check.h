#pragma once

#include "base/diagnostics.h"
#include "model/model.h"

namespace yellow::check {

/// Every rule on a loaded model (policies, classes, keys, names, ownership, graph). One rule a function, one family
/// a file; codes are in docs/diagnostics.md.
base::Diagnostics Check(const model::Model& model);

}  // namespace yellow::check
