#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace yellow::cli {

/// What was looked for and where.
struct Leak {
  std::string source_value;
  std::string masked_value;
};
struct Proof {
  size_t source_values = 0;  ///< distinct, four characters or longer
  size_t masked_values = 0;
  std::vector<Leak> leaks;  ///< the first ten
};

/// Looks for every source value of four or more code points as a substring of every masked value, without regard to
/// ASCII case. Linear in the masked text times the number of different lengths of source values.
Proof LookForLeaks(const std::vector<std::string>& source_values, const std::vector<std::string>& masked_values);

}  // namespace yellow::cli
