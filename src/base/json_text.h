#pragma once

#include <string>
#include <string_view>

namespace yellow::base {

/// A string as a JSON string literal (RFC 8259), with its quotes. For writers of small fixed documents.
std::string JsonString(std::string_view text);

}  // namespace yellow::base
