#pragma once

#include "adapters/kubernetes/access.h"

namespace yellow::adapters::kubernetes {

/// Tells a handle of libcurl where the server is, who vouches for it, and as whom it is asked but for a token. `access`
/// is not copied: it must live as long as the handle connects.
void SetServer(void* handle, const Access& access);

}  // namespace yellow::adapters::kubernetes
