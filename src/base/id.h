#pragma once

#include <compare>
#include <cstdint>

namespace yellow::base {

/// A dense number from 0 that cannot be mixed up with one of another kind.
template <typename Tag>
struct Id {
  uint32_t value = 0;
  auto operator<=>(const Id&) const = default;
};

}  // namespace yellow::base
