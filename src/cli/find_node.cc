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

}  // namespace yellow::cli
