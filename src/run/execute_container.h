#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "run/execute_code.h"

/// Code that runs as a container of the environment's engine (`launcher: docker`), or as a Job of its cluster
/// (`launcher: kubernetes`). It is named after the run, outlives this process, and is removed when what became of it is
/// recorded.
namespace yellow::run {

/// Pulls the image of this transformer, unless it is there, with what is left until `until`. Throws base::Error.
void FetchImage(const Effects& effects, const Applied& applied, const plan::Transformer& transformer,
                const std::function<bool()>& go_on);

/// Starts the container of the run; one that is there and is the same goes on. Throws base::Error.
void StartContainer(const Effects& effects, const CodeContext& context);

/// Starts the container of the run and waits for its end. Throws base::Error, retryable: code `job_lost` when it is
/// gone, `fenced` when another yellow has taken the run over, which then waits for the container.
CodeResult ExecuteContainer(const Effects& effects, const CodeContext& context);

/// The same for a container that was started before, with what is left of the time.
CodeResult AwaitContainer(const Effects& effects, const CodeContext& context, int64_t seconds_left);

/// What became of the container of this run; nothing when the engine does not have it. Throws base::Error when that is
/// not known.
std::optional<ports::ContainerState> FindContainer(const Effects& effects, const Applied& applied,
                                                   const std::string& run_id);

/// True when the engine has the container of this run. Throws base::Error when that is not known.
bool HasContainer(const Effects& effects, const Applied& applied, const std::string& run_id);

/// Ends and removes the container of a run whose end is recorded; what fails now is done by RemoveOrphanContainers.
void RemoveContainer(const Effects& effects, const Applied& applied, const std::string& run_id);

/// Removes containers of runs that are closed, and of tries and tests whose process has ended. Those of runs that
/// this database does not know are somebody else's. An engine that does not answer is left for another time.
void RemoveOrphanContainers(const Effects& effects, ports::Session& session, const Applied& applied);

/// What the container of a run is called: as its login, which is unique among all installations that one engine may
/// serve; for Kubernetes with what a name may hold there.
std::string ContainerNameOf(const Applied& applied, const std::string& run_id);

/// The pinned reference of the image that a run of this transformer uses; empty when it uses none.
std::string ImageOf(const Applied& applied, const plan::Transformer& transformer);

}  // namespace yellow::run
