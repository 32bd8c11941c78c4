#pragma once

#include <string>

namespace yellow::run {

/// What a person does about a batch that is held or has failed, as the end of a sentence; empty where only time helps
/// or the reason says it already. An error says so itself, in a line of its reason that begins with `  = `.
std::string HelpWith(const std::string& reason_code, const std::string& reason);

}  // namespace yellow::run
