#include "check/check.h"

#include "check/rules.h"
#include "graph/intention_graph.h"

namespace yellow::check {

base::Diagnostics Check(const model::Model& model) {
  base::Diagnostics diagnostics;
  CheckNames(model, diagnostics);
  CheckKeys(model, diagnostics);
  CheckOwnership(model, diagnostics);
  CheckClasses(model, diagnostics);
  CheckZones(model, diagnostics);
  CheckTransformers(model, diagnostics);
  CheckEnvironment(model, diagnostics);
  diagnostics.Append(graph::Build(model).diagnostics);
  diagnostics.Sort();
  return diagnostics;
}

}  // namespace yellow::check
