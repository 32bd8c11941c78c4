#pragma once

#include "adapters/kubernetes/access.h"
#include "ports/cluster_access.h"

namespace yellow::adapters::kubernetes {

/// Temporary access as a ServiceAccount and a RoleBinding `yellow-tmp-<request>`, with tokens by TokenRequest that are
/// kept in memory only. What is given must outlive what is returned.
ports::OpenCluster MakeClusterAccess(ReadFile read, ReadVariable variable);

}  // namespace yellow::adapters::kubernetes
