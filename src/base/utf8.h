#pragma once

#include <string>
#include <string_view>

/// Text as PostgreSQL stores it: UTF-8 by the letter (Unicode 15, table 3-7), and no NUL.
namespace yellow::base {

/// Length of the longest beginning that is such text; text.size() when all of it is.
size_t LengthOfText(std::string_view bytes);

/// The same with `?` in place of each byte that does not belong.
std::string AsText(std::string_view bytes);

/// True for text that a terminal shows as it stands, in one line: no control characters (of one byte or two), and none
/// that ends a line or turns the direction of what stands around it.
bool IsPlainLine(std::string_view text);

/// As a plain line: with `\u009b` in place of such characters, and `?` in place of what is no text.
std::string AsPlainLine(std::string_view bytes);

}  // namespace yellow::base
