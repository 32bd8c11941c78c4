#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/project.h"
#include "run/loop.h"
#include "run/observe.h"

namespace yellow::cli {

/// One merge database with the model that was applied to it.
struct Engine {
  std::string container;
  std::unique_ptr<ports::Session> session;  ///< as yellow_engine
  std::optional<run::Applied> applied;      ///< none: nothing was applied yet
};

/// The servers of a project's environment, started, and the merge databases in use.
struct Engines {
  std::unique_ptr<ports::Servers> servers;
  std::vector<Engine> engines;  ///< by container
};

/// Merge containers of the platforms that a model uses, sorted; at least the first platform's.
std::vector<std::string> MergeContainers(const model::Model& model, const plan::Physical& physical);

/// The same for the files as they are; those of every platform when they have errors.
std::vector<std::string> MergeContainersOf(const Project& project);

/// Containers that a datastore of the model reads, sorted.
std::vector<std::string> SourceContainers(const model::Model& model);

/// What of `applied` lies in one container.
run::Applied InContainer(const run::Applied& applied, const std::string& container);

/// A stored model of one container, compiled.
run::Applied CompileStored(const Project& project, const std::string& container, const run::StoredModel& stored);

/// Starts what Yellow owns, for an applied model or the files, if it is down.
void PrepareServers(ports::Servers& servers, const model::Model& model, const std::vector<std::string>& merge);

/// Starts what Yellow owns and opens every merge database as the engine. The applied model is read from each.
Engines OpenEngines(const Program& program, const Project& project);

/// The same, and throws base::Error code "not_applied" if no model was applied anywhere.
Engines OpenApplied(const Program& program, const Project& project);

run::Effects EffectsOf(const Program& program, ports::Servers& servers, run::Reporter& reporter);

/// Prints each line as it comes.
class PrintingReporter : public run::Reporter {
 public:
  explicit PrintingReporter(std::ostream& out) : out_(out) {}
  void Line(const std::string& text) override;

 private:
  std::ostream& out_;
};

/// The key of the one node that a person means: a key, a store, `Store.dataset`, a workspace or a transformer. Throws
/// UsageError with the nearest names when there is none, or with the candidates when there are several.
/// Only streams and transformers when `runnable`.
std::string ResolveNode(const run::Applied& applied, const std::string& name, bool runnable);

}  // namespace yellow::cli
