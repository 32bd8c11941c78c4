#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace yellow::cli {

/// What was probably meant by words that are no command or option, as a message and its remedy; empty when nothing of
/// the kind is wrong. `words`: the command line without the program's name.
std::string DescribeMistyped(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace yellow::cli
