#pragma once

#include <sys/types.h>

#include <optional>

namespace yellow::adapters::process {

/// Runs in a process of its own between Yellow and the code: waits for the code, and kills everything that came from it
/// when it ends or when `alive`, the reading end of a pipe whose other end only Yellow has, says that Yellow has ended.
/// It is the subreaper of all that, so not even a daemon escapes, and it ends whatever else belongs to `user`. Ends as
/// the code did: with its exit status, or by its signal. Does not return. REQUIRES: called right after fork, in a
/// process group of its own; `code` is its only child.
[[noreturn]] void Guard(pid_t code, int alive, std::optional<uid_t> user);

}  // namespace yellow::adapters::process
