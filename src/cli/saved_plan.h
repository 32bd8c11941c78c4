#pragma once

#include <string>
#include <string_view>

namespace yellow::cli {

/// The fingerprint of the plan for a container in the text of a saved plan (`yellow plan -o FILE`); empty when there is
/// none, or the text is no saved plan.
std::string SavedFingerprint(std::string_view text, const std::string& container);

}  // namespace yellow::cli
