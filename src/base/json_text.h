#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yellow::base {

/// A string as a JSON string literal (RFC 8259), with its quotes. For writers of small fixed documents.
std::string JsonString(std::string_view text);
/// An array of such strings.
std::string JsonArray(const std::vector<std::string>& texts);

}  // namespace yellow::base
