#pragma once

#include <string>

#include "base/secret.h"

namespace yellow::ports {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual base::Secret Password() = 0;      ///< 32 characters of [A-Za-z0-9], 190 bits
  virtual std::string Hex(int digits) = 0;  ///< lower-case; for run ids
};

}  // namespace yellow::ports
