#pragma once

#include "access/cast.h"
#include "cli/views/record.h"
#include "ports/recorder.h"

namespace yellow::cli {

/// `access keygen`.
struct MadeKey {
  std::string path, public_key;
};
const Record<MadeKey>& MadeKeyRecord();

/// What `access replay` prints for programs.
struct ReadRecording {
  std::string path;
  access::CastHeader header;
  std::vector<access::CastEvent> events;
  ports::RecordingState state = ports::RecordingState::kComplete;
};
const Record<ReadRecording>& ReadRecordingRecord();

/// Of one that is not complete, a sentence; else empty.
std::string WhyNotComplete(ports::RecordingState state);

}  // namespace yellow::cli
