#include "cli/find_node.h"

#include "base/error.h"

namespace yellow::cli {
namespace {

Found FindNode(Engines& engines, const std::string& name) {
  // Every engine knows the whole graph; only one of them has the node's tables.
  for (Engine& engine : engines.engines) {
    const std::string key = ResolveNode(*engine.applied, name, true);
    const plan::Physical& physical = engine.applied->physical;
    if (physical.FindStream(key) != nullptr || physical.FindTransformer(key) != nullptr) return {&engine, key};
  }
  throw base::UsageError("no merge database has this node: " + name);
}

/// The newest run of the transformer of this name; nothing when there is no such transformer, or it has not run.
std::optional<std::pair<Engine*, run::RunInfo>> NewestRun(Engines& engines, const std::string& transformer) {
  try {
    const Found found = FindTransformer(engines, transformer);
    const std::vector<run::RunInfo> newest = run::ListRuns(*found.engine->session, found.key, 1);
    if (newest.empty()) return std::nullopt;
    return std::pair(found.engine, run::ShowRun(*found.engine->session, newest[0].id));
  } catch (const base::Error& error) {
    if (error.code != "usage") throw;
    return std::nullopt;
  }
}

}  // namespace

Found FindStream(Engines& engines, const std::string& name) {
  const Found found = FindNode(engines, name);
  if (found.engine->applied->physical.FindStream(found.key) != nullptr) return found;
  throw base::UsageError("this is not a stream: " + found.key).Remedy("name the store that it writes");
}

Found FindTransformer(Engines& engines, const std::string& name) {
  const Found found = FindNode(engines, name);
  if (found.engine->applied->physical.FindTransformer(found.key) == nullptr)
    throw base::UsageError("this is not a DataTransformer: " + found.key);
  return found;
}

std::pair<Engine*, run::RunInfo> FindRun(Engines& engines, const std::string& id) {
  for (Engine& engine : engines.engines) {
    try {
      return {&engine, run::ShowRun(*engine.session, id)};
    } catch (const base::Error& error) {
      if (error.code != "usage") throw;
      if (&engine != &engines.engines.back()) continue;
      const auto newest = NewestRun(engines, id);
      if (!newest) throw;
      return *newest;
    }
  }
  throw base::Error(base::UsageError("there is no such run: " + id).Remedy("yellow runs list"));
}

}  // namespace yellow::cli
