#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "graph/intention_graph.h"

namespace yellow::cli {

int Graph(const Program& program, const Options& options, const GraphOptions& graph) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  const graph::Built built = graph::Build(project.loaded.model);
  if (options.json || graph.format == "json") {
    program.out << graph::ToJson(built.graphs) << "\n";
    return kDone;
  }
  bool first = true;
  for (const graph::IntentionGraph& one : built.graphs) {
    if (!first) program.out << "\n";
    first = false;
    program.out << (graph.format == "mermaid" ? graph::ToMermaid(one) : graph::ToText(one));
  }
  return kDone;
}

}  // namespace yellow::cli
