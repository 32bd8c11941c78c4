#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cli/project.h"

namespace yellow::cli {

/// The files of an example in this program: path in its folder, text.
using Example = std::span<const std::pair<std::string_view, std::string_view>>;

/// The text of one file. REQUIRES: it is there.
std::string ExampleText(Example example, std::string_view path);

/// Writes the example's model and environments; files that are there already are the user's and stay.
void WriteExample(const Program& program, Example example, const std::string& root);

}  // namespace yellow::cli
