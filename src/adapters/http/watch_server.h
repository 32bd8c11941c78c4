#pragma once

#include <memory>

#include "ports/watch.h"

namespace yellow::adapters::http {

/// Figures are kept by prometheus-cpp; cpp-httplib answers from threads of its own.
std::unique_ptr<ports::Watch> MakeWatch();

}  // namespace yellow::adapters::http
