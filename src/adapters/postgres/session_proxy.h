#pragma once

#include <memory>

#include "ports/session_proxy.h"

namespace yellow::adapters::postgres {

/// Proxies of temporary sessions, each a socket `.s.PGSQL.5432` of the user who may connect, which nobody else can
/// reach, in a folder in which only this program writes. A client's process is of that user too, as the kernel says.
///
/// What a client says at its login decides nothing but how values look (see SafeOptions): user, database, password and
/// application_name are the proxy's, other parameters are not passed on, there is no replication, and messages are
/// never encrypted on the socket. At most eight clients have a session at a time.
std::unique_ptr<ports::SessionProxies> MakeSessionProxies();

}  // namespace yellow::adapters::postgres
