#pragma once

#include <optional>
#include <string>

#include "access/terminal_frames.h"

namespace yellow::adapters::recorder {

/// The size of the terminal that this process shows things on; 80 by 24 when it is none.
access::TerminalSize SizeOfTerminal();

/// The person's side of a session: sends what is typed, the terminal's size and its changes over the socket, shows what
/// comes. A terminal is taken key by key meanwhile, and put back whatever ends this: the session, an error, SIGHUP,
/// SIGINT, SIGQUIT or SIGTERM, which then end this process as they would. What is typed is `text` instead, where there
/// is one; REQUIRES: the program's input is piped if IsPiped says so. Nothing when the socket closed before the session
/// said how it ended. Throws base::Error when the input cannot be read or what comes cannot be shown; who closes the
/// socket then ends the session, without an end of its input. REQUIRES: called once, in a process whose other threads
/// block these signals and SIGWINCH.
std::optional<access::SessionEnd> AttachTerminal(int socket, const std::optional<std::string>& text = std::nullopt);

/// Whether nobody types: this text, or a standard input that is no terminal, goes to the program as it is.
bool IsPiped(const std::optional<std::string>& text);

}  // namespace yellow::adapters::recorder
