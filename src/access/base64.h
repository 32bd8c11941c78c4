#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace yellow::access {

/// RFC 4648, section 4, with padding.
std::string Base64Of(std::string_view bytes);

/// Nothing when it is not what Base64Of gives of some bytes.
std::optional<std::string> BytesOfBase64(std::string_view text);

/// The same for URLs, without padding (RFC 7515, section 2).
std::optional<std::string> BytesOfBase64Url(std::string_view text);

}  // namespace yellow::access
