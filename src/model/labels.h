#pragma once

#include <string_view>

namespace yellow::model {

/// What Kubernetes takes as the value of a label, other than nothing: at most 63 letters, digits, `-`, `_`, `.`, with a
/// letter or digit at both ends.
bool IsLabelValue(std::string_view text);

/// What it takes as a label's name: as a value, and perhaps a domain and a slash before it.
bool IsLabelName(std::string_view text);

}  // namespace yellow::model
