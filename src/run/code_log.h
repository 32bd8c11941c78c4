#pragma once

#include <map>
#include <optional>
#include <string>

#include "run/execute_code.h"

namespace yellow::run {

/// The end of what code has printed, at most `most` bytes of it. Where it has printed the secrets that its environment
/// gave it, `***` stands instead: here, and from now on in its file too, of which the last 64 MiB stay then; one that
/// cannot be written is removed. REQUIRES: the code has ended.
std::string TakeLog(const Effects& effects, const std::map<std::string, std::string>& environment,
                    const std::string& path, size_t most);

/// The environment that code was given by an earlier process, as it is known now; nothing when one of its secrets
/// cannot be read.
std::optional<std::map<std::string, std::string>> KnownEnvironment(const Effects& effects, const CodeContext& context);

}  // namespace yellow::run
