#pragma once

#include <string_view>

namespace yellow::ports {

/// What becomes of one effect.
enum class Fate {
  kHappens,
  kFails,        ///< it is not tried; the caller sees a failure that may be retried
  kAnswerIsLost  ///< it happens, and the caller sees a lost connection
};

/// Fault points for tests. The wrappers of `adapters/faults` pass every effect of the other ports through here by name,
/// so that a test can count the effects and let any one of them fail. Either call may not return: the process is
/// killed or stopped there.
class Faults {
 public:
  virtual ~Faults() = default;
  virtual Fate Before(std::string_view effect) = 0;
  /// Only after an effect that is durable by then: a commit, a statement outside a transaction, a file, a process.
  virtual void After(std::string_view effect) = 0;
};

}  // namespace yellow::ports
