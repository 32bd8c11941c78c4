#pragma once

#include <memory>

#include "adapters/kubernetes/access.h"
#include "ports/clock.h"
#include "ports/container.h"
#include "ports/fault.h"

namespace yellow::adapters::kubernetes {

/// Runs of code as Jobs of a Kubernetes cluster. What an engine calls a container is a Job with one pod and a Secret of
/// the same name. Who asks for the same cluster and namespace again shares its connections and its watches, until the
/// kubeconfig's content changes. `faults`: null, or what each call that changes something passes through, as
/// `kubernetes.secret`, `.job`, `.owner`, `.delete`. The arguments outlive what is returned. Thread-safe.
std::unique_ptr<ports::ContainerEngines> MakeClusters(ReadFile read, ReadVariable variable, ports::Clock& clock,
                                                      ports::Faults* faults);

}  // namespace yellow::adapters::kubernetes
