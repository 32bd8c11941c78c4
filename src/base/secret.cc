#include "base/secret.h"

#include <sodium.h>

namespace yellow::base {

void Secret::Wipe() noexcept {
  sodium_memzero(value_.data(), value_.size());
  value_.clear();
}

}  // namespace yellow::base
