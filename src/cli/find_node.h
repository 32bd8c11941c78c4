#pragma once

#include <string>

#include "cli/engine.h"

namespace yellow::cli {

/// The engine whose applied model has a node, and its key. The finders throw base::UsageError when there is none of
/// that name, or it is of another kind.
struct Found {
  Engine* engine = nullptr;
  std::string key;
};

/// A store of a transformer's output has the workspace's name for its transformer; here the stream is meant.
Found FindStream(Engines& engines, const std::string& name);
Found FindTransformer(Engines& engines, const std::string& name);

}  // namespace yellow::cli
