#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"

namespace yellow::base {

/// The forms in which programs print a text: as it is, as in JSON and in a URL, in Base64 at any of the three places
/// that it may have there, and in hexadecimal digits.
std::vector<std::string> FormsOf(std::string_view secret);

/// The same text with `***` in place of each of these secrets in any of those forms; where one is quoted in another
/// way, as by a shell, in place of the longest part of it that no quoting changes, if that has twelve letters and
/// digits. One of less than eight bytes is left: it is a word, or can be guessed.
std::string WithoutSecrets(std::string text, const std::vector<Secret>& secrets);

}  // namespace yellow::base
