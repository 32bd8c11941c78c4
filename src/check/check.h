#pragma once

#include "base/diagnostics.h"
#include "model/model.h"

namespace yellow::check {

/// Every rule on a loaded model (policies, classes, keys, names, ownership, graph). One rule a function, one family
/// a file; every code has an explanation, see explain.h.
base::Diagnostics Check(const model::Model& model);

}  // namespace yellow::check
