#pragma once

#include <string>
#include <string_view>

namespace yellow::base {

/// Two lower-case hexadecimal digits a byte.
std::string HexOf(std::string_view bytes);

/// The bytes of such a text. REQUIRES: it comes from HexOf.
std::string BytesOfHex(std::string_view hex);

}  // namespace yellow::base
