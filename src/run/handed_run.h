#pragma once

#include <optional>
#include <string>

#include "run/adoption.h"
#include "run/jobs.h"

/// Runs whose steps are taken by jobs of another scheduler, one after the other (DESIGN 10): open, launch, close, and
/// the ingestion of the output. Between them nobody holds the lease; the run waits for its next job until its deadline,
/// and is lost half a minute later. Each step may be taken twice, by hand, and beside `serve`. As no process lives from
/// the first to the last, there is no keeper, and the code is given no snapshot. What fails for good is recorded with
/// the run and reported; functions throw base::Error for the rest. Each on its own session; several at once may be at
/// different runs.
namespace yellow::run {

/// Opens a run that the actor's job, which has a name, hands on; why is empty when only one is meant that it has
/// opened. The same job is given the run that it has opened before.
JobReport OpenHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                     const plan::Transformer& transformer, const std::string& cause);

/// Starts its code: of a container, which goes on alone, kLaunched; of a process, which is waited for, kEnded.
JobReport LaunchHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer, const std::string& run_id);

/// How far it is: kOpened; its code is at work, kRunning; it waits for CloseHanded, kEnded, or for IngestHanded,
/// kFinished; somebody has closed it, kClosed.
JobReport LookAtHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer, const std::string& run_id);

/// Waits for the end of its code, records it, and ends the login: kFinished, or why it has failed.
JobReport CloseHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                      const plan::Transformer& transformer, const std::string& run_id);

/// Takes in what a closed run has written, if there is one.
JobReport IngestHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer);

}  // namespace yellow::run
