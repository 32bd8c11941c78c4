#pragma once

#include <functional>
#include <memory>

#include "adapters/kubernetes/access.h"
#include "ports/cluster_access.h"

namespace yellow::adapters::kubernetes {

/// The credential of now; throws base::Error when none can be had.
using TokenSource = std::function<base::Secret()>;

/// Passes each call that comes in at `listener`, which it takes over, on to the server with a token of `tokens`. A
/// connection is for one call: its bytes are passed on as they come, so that it may last, and be upgraded. See
/// ports::ClusterAccess::Start.
std::unique_ptr<ports::SessionProxy> StartCallProxy(const Access& access, int listener, TokenSource tokens,
                                                    std::chrono::milliseconds duration, ports::ClusterSink& sink);

}  // namespace yellow::adapters::kubernetes
