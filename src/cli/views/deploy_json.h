#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/views/record.h"
#include "plan/plan.h"
#include "ports/servers.h"
#include "run/tick.h"

/// What is deployed and run, as programs read it.
namespace yellow::cli {

/// The plan for one container: an item of `plan`, and of a saved plan.
struct PlannedContainer {
  std::string environment;
  ports::ConnectionInfo place;
  plan::Plan plan;
};
const Record<PlannedContainer>& PlannedContainerRecord();

/// What `apply` did in one container.
struct AppliedContainer {
  std::string environment;
  ports::ConnectionInfo place;
  bool changed = false;
  int model_version = 0;
  int steps = 0;
};
const Record<AppliedContainer>& AppliedContainerRecord();

/// What `run` did until nothing was due.
struct RunOutcome {
  std::vector<AppliedContainer> applied;  ///< with --apply
  int batches = 0, runs = 0, held = 0, failed = 0;
  std::vector<run::Decision> waiting;  ///< what goes on only when somebody helps, or could not do what was asked for

  bool help_is_needed = false;

  bool findings() const { return held + failed > 0 || help_is_needed; }
  bool idle() const { return batches + runs + held + failed == 0; }
};
const Record<RunOutcome>& RunOutcomeRecord();

/// What `bootstrap` did in one container.
struct BootstrappedContainer {
  ports::ConnectionInfo place;
  std::string state;
  bool superuser = true;
  std::string sql;  ///< with --print
};
const Record<BootstrappedContainer>& BootstrappedContainerRecord();

/// A file that `render` made.
struct RenderedFile {
  std::string name, state, text;
};
const Record<RenderedFile>& RenderedFileRecord();

/// A line of `serve`.
struct ServeLine {
  std::string at, text;
};
const Record<ServeLine>& ServeLineRecord();

}  // namespace yellow::cli
