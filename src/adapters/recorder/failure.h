#pragma once

#include <cerrno>
#include <cstring>
#include <string>

#include "base/error.h"

namespace yellow::adapters::recorder {

/// Of a call that has just failed, as errno says.
inline base::Error Failure(const std::string& what) {
  return base::Error("recorder", what + ": " + std::strerror(errno));
}

}  // namespace yellow::adapters::recorder
