#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/process.h"

namespace yellow::adapters::process {

/// The words as execve(2) takes them, with a null pointer at the end; valid as long as they.
std::vector<char*> Pointers(const std::vector<std::string>& words);

/// Starts the code in a process group of its own, as `user` if there is one, with its guardian, which keeps the file
/// `lock` open for as long as anything of the code is left. Throws base::Error.
std::unique_ptr<ports::Process> StartChild(const ports::ProcessSpec& spec, std::optional<uid_t> user, int lock);

}  // namespace yellow::adapters::process
