#pragma once

#include <chrono>

#include "base/cron.h"

namespace yellow::ports {

using TimePoint = base::Instant;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() = 0;
  /// Waits; returns early when the process was asked to stop.
  virtual void Sleep(std::chrono::milliseconds duration) = 0;
};

}  // namespace yellow::ports
