#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yellow::ports {

/// A process as it stands in the database, for whoever finds it there later: `host:pid:start`. `start` is the process's
/// start in clock ticks since boot, which tells a number that was given again from the process that had it before.
struct Holder {
  std::string host;  ///< may hold colons
  int64_t pid = 0;
  uint64_t start = 0;
  auto operator<=>(const Holder&) const = default;
};

std::string ToString(const Holder& holder);

/// Nothing when the text is not one.
std::optional<Holder> ParseHolder(std::string_view text);

}  // namespace yellow::ports
