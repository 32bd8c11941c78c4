#pragma once

#include <functional>
#include <string>
#include <vector>

#include "run/jobs.h"

/// Jobs of the engine as pods of its cluster (`jobs: kubernetes`): each decision is carried out by a pod of Yellow's
/// own image, which gets the credentials of its own stream or transformer and no others.
namespace yellow::run {

/// What a pod of Yellow is started with.
struct PodProgram {
  std::string image;                 ///< the one that this process runs from
  std::vector<std::string> command;  ///< `yellow` with what says which project and environment
  std::function<bool()> stopping;    ///< true: what is under way goes on in its pod, and is not waited for
};

/// Carries out a decision in a pod and waits for its end; one that is under way there for this node already, of another
/// engine, is waited for instead, and is kBusy. Its end is its exit status and one word that it leaves (job,
/// `--result`); its lines are passed on. Throws base::Error when the cluster does not answer.
JobReport WorkInPod(const Effects& effects, const Applied& applied, const Decision& decision,
                    const PodProgram& program);

}  // namespace yellow::run
