#pragma once

#include <chrono>
#include <optional>

#include "base/error.h"
#include "ports/clock.h"
#include "ports/entropy.h"
#include "run/context.h"

namespace yellow::run {

/// How long a fault that may pass by itself is waited for: pauses that double from a tenth of a second to five seconds,
/// each by chance up to a half shorter or longer, so that those who failed together do not come back together.
class Patience {
 public:
  /// `limit`: from the first fault on; the last pause may end after it.
  Patience(ports::Clock& clock, ports::Entropy& entropy, std::chrono::seconds limit)
      : clock_(clock), entropy_(entropy), limit_(limit) {}

  /// Pauses before the next try; false, at once, when the time is over.
  bool Wait();
  /// Something succeeded: what fails next is another fault.
  void Renew();
  bool waiting() const { return since_.has_value(); }

 private:
  ports::Clock& clock_;
  ports::Entropy& entropy_;
  std::chrono::seconds limit_;
  std::optional<ports::TimePoint> since_;
  std::chrono::milliseconds pause_{100};
};

/// limits.retry of the environment.
std::chrono::seconds RetryLimit(const Applied& applied);

/// Waits and says so, once a fault: `what`: the node that is worked on. False when the time is over.
bool Again(const Effects& effects, Patience& patience, const std::string& what, const base::Error& error);

}  // namespace yellow::run
