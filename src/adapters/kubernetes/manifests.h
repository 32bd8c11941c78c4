#pragma once

#include <map>
#include <string>

#include "model/model.h"
#include "ports/container.h"

namespace yellow::adapters::kubernetes {

/// Name of the one container of a run's pod, and of the annotation with the digest of what the Job was made from.
inline constexpr const char* kContainer = "main";
inline constexpr const char* kSpecAnnotation = "yellow.spec";
/// Selects the Jobs, pods and Secrets that Yellow makes for runs.
inline constexpr const char* kSelector = "app.kubernetes.io/managed-by=yellow,app.kubernetes.io/component=transformer";
/// How long a pod that is asked to end has, before it is killed.
inline constexpr int kGraceSeconds = 5;

/// The `v1/Secret` of a run, named as its Job: the whole environment of its code, and the files it needs. So nothing
/// that is secret stands in the Job.
std::string SecretOf(const ports::ContainerSpec& spec);

/// The environment in such a Secret. Throws base::Error when it is none.
std::map<std::string, std::string> EnvironmentIn(const std::string& secret);

/// The `batch/v1/Job` of a run: one pod of the pod security standard `restricted`, which Kubernetes does not try again.
/// Labels of the spec whose value Kubernetes allows in a label are labels; all of them are annotations.
std::string JobOf(const ports::ContainerSpec& spec, const model::KubernetesLauncher& launcher);

/// A merge patch that makes a Secret go with the Job of this name and uid.
std::string OwnerPatch(const std::string& job, const std::string& uid);

}  // namespace yellow::adapters::kubernetes
