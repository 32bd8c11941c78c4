#pragma once

#include <optional>

#include "access/terminal_frames.h"
#include "ports/door.h"

namespace yellow::adapters::recorder {

/// The size of the terminal that this process shows things on; 80 by 24 when it is none.
access::TerminalSize SizeOfTerminal();

/// The person's side of a session: sends what is typed, the terminal's size and its changes over the socket, shows what
/// comes. A terminal is taken key by key meanwhile, and put back whatever ends this: the session, an error, SIGHUP,
/// SIGINT, SIGQUIT or SIGTERM, which then end this process as they would. Input that is no terminal is sent to its end,
/// its last line ended, and then ^D until the session ends; to a program whose input is piped, as it is. Nothing when
/// the socket closed before the session said how it ended. REQUIRES: called once, in a process whose other threads
/// block these signals and SIGWINCH.
std::optional<access::SessionEnd> AttachTerminal(int socket, const ports::TerminalInput& input = {});

/// Whether such an input goes to the program as it is.
bool IsPiped(const ports::TerminalInput& input);

}  // namespace yellow::adapters::recorder
