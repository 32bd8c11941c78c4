#pragma once

#include <optional>
#include <string>
#include <vector>

namespace yellow::check {

/// What a code means and what to do, in a few lines; nothing when there is no such code.
std::optional<std::string> ExplainCode(const std::string& code);
std::vector<std::string> AllCodes();

}  // namespace yellow::check
