#pragma once

#include <memory>

#include "ports/recorder.h"

namespace yellow::adapters::recorder {

/// Each session in a process of its own, which is this program again: its main() must ask IsRecorder first.
std::unique_ptr<ports::Recorder> MakeRecorder();

/// True when this process was started to be a recorder.
bool IsRecorder(int argc, const char* const* argv);
/// Is one; returns the exit status. REQUIRES: IsRecorder, and nothing was done yet.
int BeRecorder();

std::unique_ptr<ports::Recordings> MakeRecordings();

}  // namespace yellow::adapters::recorder
