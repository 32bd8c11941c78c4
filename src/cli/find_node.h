#pragma once

#include <string>
#include <utility>

#include "cli/engine.h"
#include "run/batches.h"

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

/// The run of this id, or the newest of the transformer of this name, in whichever merge database it is. Throws
/// base::UsageError.
std::pair<Engine*, run::RunInfo> FindRun(Engines& engines, const std::string& id);

}  // namespace yellow::cli
