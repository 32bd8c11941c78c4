#pragma once

#include <map>
#include <string>

#include "base/diagnostics.h"
#include "model/model.h"

namespace yellow::check {

/// Every rule on a loaded model (policies, classes, keys, names, ownership, graph) and on the code that lies beside it.
/// One rule a function, one family a file; every code has an explanation, see explain.h. `texts`: the project's files.
base::Diagnostics Check(const model::Model& model, const std::map<std::string, std::string>& texts);

}  // namespace yellow::check
