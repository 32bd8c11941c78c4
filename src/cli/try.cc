#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"
#include "cli/views/author_json.h"
#include "plan/rehearsal.h"
#include "plan/table_difference.h"
#include "run/try_runner.h"

namespace yellow::cli {
namespace {

void RequireTransformer(const model::Model& model, const std::string& name) {
  const model::Workspace* found = model.FindWorkspace(name);
  if (found != nullptr && found->transformer) return;
  std::vector<std::string> names;
  for (const model::Workspace& workspace : model.workspaces) {
    if (workspace.transformer) names.push_back(workspace.name);
  }
  const std::string near = base::Suggest(name, names);
  std::string list;
  for (const std::string& one : names) list += (list.empty() ? "there are: " : ", ") + one;
  throw base::UsageError("the model has no transformer " + name)
      .Remedy(near.empty() ? (list.empty() ? "yellow init transformer makes one" : list)
                           : "did you mean " + near + "?");
}

/// The files' transformer, laid out as if it alone were there.
run::Applied CandidateOf(const Project& project, const std::string& workspace) {
  run::Applied candidate;
  candidate.model = plan::AloneWithReader(project.loaded.model, workspace);
  candidate.files = project.files;
  candidate.digest = project.digest;
  candidate.data_folder = project.data;
  candidate.project_folder = project.root;
  candidate.graph = graph::Build(candidate.model);
  candidate.physical = plan::Lay(candidate.model, candidate.graph, candidate.files);
  return candidate;
}

/// The merge database where the transformer is at home. Its readers see restricted data here, so it must be the user's.
Engine& HomeOf(Engines& engines, const run::Applied& candidate) {
  const std::string& container = candidate.physical.transformers.at(0).container;
  for (Engine& engine : engines.engines) {
    if (engine.container != container) continue;
    const ports::ConnectionInfo info = engines.servers->Describe(container);
    if (info.embedded) return engine;
    throw base::Error("access", "try shows rows, which needs an approved request on a named server: " + info.host)
        .Remedy("yellow test runs the transformer on fixtures");
  }
  throw base::Error("not_applied", "no model was applied yet to " + container).Remedy("yellow run --apply first");
}

std::string Inputs(const run::TryReport& report) {
  std::string list;
  for (const auto& [input, batch] : report.inputs)
    list += fmt::format("{}{} (batch {})", list.empty() ? "" : ", ", input, batch);
  return list;
}

/// A value in one cell; null and the empty text are told apart.
std::string Cell(const std::optional<std::string>& value) {
  const bool plain = value && !value->empty() && std::none_of(value->begin(), value->end(), [](char c) {
                       return static_cast<unsigned char>(c) < ' ';
                     });
  return plain ? *value : plan::Shown(value);
}

void Print(std::ostream& out, const run::TriedDataset& tried) {
  const merge::Counters& c = tried.counters;
  out << fmt::format("\n{}: {} rows; {}: {} inserted, {} updated, {} deleted, {} unchanged\n", tried.dataset, c.staged,
                     tried.batch == 0 ? "nothing is committed yet" : fmt::format("against batch {}", tried.batch),
                     c.inserted, c.updated, c.deleted, c.unchanged);
  if (tried.breach) out << "  It would be held: " << tried.breach->reason << "\n";
  if (tried.rows.empty()) return;
  std::vector<std::vector<std::string>> table{{" "}};
  table.front().insert(table.front().end(), tried.columns.begin(), tried.columns.end());
  for (const auto& row : tried.rows) {
    std::vector<std::string> cells{*row.front()};
    for (size_t i = 1; i < row.size(); ++i) cells.push_back(Cell(row[i]));
    table.push_back(std::move(cells));
  }
  out << TextTable(table);
}

}  // namespace

int Try(const Program& program, const Options& options, const TryOptions& attempt) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  RequireTransformer(project.loaded.model, attempt.workspace);
  Engines engines = OpenApplied(program, project);
  const run::Applied candidate = CandidateOf(project, attempt.workspace);
  Engine& engine = HomeOf(engines, candidate);
  PrintingReporter reporter(program.err);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  run::DropAbandonedTries(effects, *engine.session, engine.container, candidate);
  const auto begin = program.clock.Now();
  const run::TryReport report = run::Try(effects, program.actor, candidate, *engine.applied, attempt.rows);
  const auto& outputs = candidate.physical.transformers.at(0).outputs;
  const double seconds = std::chrono::duration<double>(program.clock.Now() - begin).count();
  if (report.code.outcome != run::CodeOutcome::kFinished) {
    // The log of SQL is the reason itself.
    if (report.code.log.find(report.code.reason) == std::string::npos)
      program.err << report.code.log << (report.code.log.empty() || report.code.log.ends_with('\n') ? "" : "\n");
    program.err << attempt.workspace << " failed: " << report.code.reason << "\n";
    if (options.json) {
      std::vector<TriedOutput> failed;
      for (const sql::TableLayout& output : outputs) {
        failed.push_back({output.dataset.store, {}, report.code});
        failed.back().tried.dataset = output.dataset.dataset;
      }
      program.out << Printed(TriedOutputRecord().List(failed));
    }
    return kFindings;
  }
  bool held = false;
  for (const run::TriedDataset& tried : report.datasets) held |= tried.breach.has_value();
  if (options.json) {
    std::vector<TriedOutput> tried;
    for (const run::TriedDataset& dataset : report.datasets) tried.push_back({outputs.at(0).dataset.store, dataset});
    program.out << Printed(TriedOutputRecord().List(tried));
    return held ? kFindings : kDone;
  }
  program.out << fmt::format("{} ran in {:.1f} s on {}; nothing was committed\n", attempt.workspace, seconds,
                             Inputs(report));
  for (const run::TriedDataset& tried : report.datasets) Print(program.out, tried);
  return held ? kFindings : kDone;
}

}  // namespace yellow::cli
