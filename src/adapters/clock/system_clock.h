#pragma once

#include <memory>

#include "ports/clock.h"

namespace yellow::adapters::clock {

/// The machine's clock.
std::unique_ptr<ports::Clock> MakeClock();

}  // namespace yellow::adapters::clock
