#include "ports/recorder.h"

namespace yellow::ports {

const char* WordOf(RecordingEnd end) {
  switch (end) {
    case RecordingEnd::kEnded:
      return "ended";
    case RecordingEnd::kHungUp:
      return "hung_up";
    case RecordingEnd::kExpired:
      return "expired";
    case RecordingEnd::kCannotRecord:
      return "cannot_record";
    case RecordingEnd::kServiceGone:
      return "service_gone";
    case RecordingEnd::kCancelled:
      return "cancelled";
    case RecordingEnd::kRecorderGone:
      return "recorder_gone";
  }
  return "";
}

}  // namespace yellow::ports
