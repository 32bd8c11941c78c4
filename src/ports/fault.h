#pragma once

#include <string_view>

namespace yellow::ports {

/// Named fault points: every effect of a batch, a run or an apply passes one before and one after. The real one does
/// nothing unless YELLOW_FAULT says `name:n` (or `*:n`): then the n-th passing kills the process with SIGKILL.
class Faults {
 public:
  virtual ~Faults() = default;
  virtual void Point(std::string_view name) = 0;
};

}  // namespace yellow::ports
