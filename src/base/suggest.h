#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yellow::base {

/// The candidate that was most likely meant, by optimal string alignment distance without regard to case, or an
/// empty string when none is near (more than a third of the word's length away). Ties go to the first candidate.
std::string Suggest(std::string_view word, const std::vector<std::string>& candidates);

/// The remedy for a name that is not known: "did you mean X?"; when nothing is near, `otherwise`, by default the list
/// of all there are. Names that are empty, as of a thing whose name is missing, are left out.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& known, std::string otherwise = {});

}  // namespace yellow::base
