#pragma once

namespace yellow::adapters::recorder {

/// This process, and all that it starts, can make no socket any more, of whatever family (seccomp(2)): a unix socket
/// that lies in a folder to be read could be connected to, as that takes no right over the mount. Pairs of sockets
/// stay. REQUIRES: PR_SET_NO_NEW_PRIVS. False when it cannot.
bool GiveUpSockets();

}  // namespace yellow::adapters::recorder
