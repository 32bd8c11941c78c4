#pragma once

#include <cstdint>
#include <string>

namespace yellow::access {

/// The size and SHA-256 of a recording as it is now.
struct RecordingFacts {
  int64_t bytes = 0;
  std::string sha256;
};

}  // namespace yellow::access
