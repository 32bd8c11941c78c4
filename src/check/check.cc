#include "check/check.h"

#include "check/rules.h"
#include "graph/intention_graph.h"

namespace yellow::check {

base::Diagnostics Check(const model::Model& model, const std::map<std::string, std::string>& texts) {
  base::Diagnostics diagnostics;
  const graph::Built built = graph::Build(model);
  CheckNames(model, diagnostics);
  CheckClashes(model, diagnostics);
  CheckKeys(model, built, diagnostics);
  CheckSinks(model, diagnostics);
  CheckOwnership(model, diagnostics);
  CheckAccess(model, diagnostics);
  CheckUseOfScopes(model, diagnostics);
  CheckClasses(model, diagnostics);
  CheckMasks(model, diagnostics);
  CheckZones(model, built, diagnostics);
  CheckTransformers(model, texts, diagnostics);
  CheckFiles(texts, diagnostics);
  CheckSelects(model, texts, diagnostics);
  CheckIncremental(model, diagnostics);
  CheckEnvironment(model, diagnostics);
  diagnostics.Append(built.diagnostics);
  diagnostics.Sort();
  return diagnostics;
}

}  // namespace yellow::check
