#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "model/model.h"

namespace yellow::load {

/// The text files of a project: path relative to the project (`model/shop.yaml`, `environments/local.yaml`,
/// `model/mask/customers.sql`) to content. What `apply` stores as the compiled model, byte by byte.
using Files = std::map<std::string, std::string>;

struct Loaded {
  model::Model model;
  base::Diagnostics diagnostics;  ///< everything that is wrong with the text; the model holds what could be read
};

/// Reads every document under model/, but not below the folders of code that they name, and the named environment
/// (`environments/<name>.yaml` or `environments/<name>/…`), fills in defaults, resolves `like:`, sorts. References to
/// things that do not exist are found here, with "did you mean". `environment` empty: none is read and containers have
/// no places. `environments`: those that the project has, for the suggestion when there is no such one.
Loaded Load(const Files& files, const std::string& environment, const std::vector<std::string>& environments = {});

}  // namespace yellow::load
