#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ports/recorder.h"

/// What the recorder's process and who started it say to each other on a socket: messages of texts.
namespace yellow::adapters::recorder {

using Message = std::vector<std::string>;

/// From the recorder, before its report: all of a piped input has been passed on, and there is no more.
inline const Message kInputIsWhole{"input is whole"};

/// False when the other side has gone.
bool SendMessage(int socket, const Message& message);
/// Waits for a whole one; nothing when the other side has gone.
std::optional<Message> ReceiveMessage(int socket);

/// A copy of a descriptor (unix(7), SCM_RIGHTS), between two messages. False when the other side has gone.
bool SendDescriptor(int socket, int descriptor);
/// Waits for it; -1 when the other side has gone.
int ReceiveDescriptor(int socket);

Message MessageOf(const ports::RecordingSpec& spec);
/// REQUIRES: from MessageOf.
ports::RecordingSpec SpecOf(const Message& message);

Message MessageOf(const ports::RecordingReport& report);
/// REQUIRES: from MessageOf.
ports::RecordingReport ReportOf(const Message& message);

}  // namespace yellow::adapters::recorder
