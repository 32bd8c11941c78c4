#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yellow::base {

/// The candidate that was most likely meant, by optimal string alignment distance without regard to case, or an
/// empty string when none is near (more than a third of the word's length away). Ties go to the first candidate.
std::string Suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace yellow::base
