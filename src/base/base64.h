#pragma once

#include <string>
#include <string_view>

namespace yellow::base {

/// Base64 in one line, with padding (RFC 4648, section 4).
std::string Base64Of(std::string_view bytes);

}  // namespace yellow::base
