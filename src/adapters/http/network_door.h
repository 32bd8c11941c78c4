#pragma once

#include <memory>

#include "ports/door.h"

namespace yellow::adapters::http {

/// cpp-httplib answers over TCP, without TLS; a call has the token that its caller shows in a header, and nothing of
/// who that is. What is no call is answered with `{"error": …}` too. It takes no terminals: an answer of status 101 is
/// a bug.
std::unique_ptr<ports::Door> MakeNetworkDoor();

}  // namespace yellow::adapters::http
