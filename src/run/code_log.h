#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/secret.h"
#include "run/context.h"

namespace yellow::run {

/// The secrets in the environment that code was given: its login's password, and those of its credentials.
std::vector<base::Secret> SecretsIn(const std::map<std::string, std::string>& environment);

/// Where code has printed to.
struct PrintedLog {
  std::string path;
  int64_t limit = 0;  ///< what it has printed after so many bytes was not kept; 0: all of it was
};

/// That of code whose secrets nobody can tell any more: none of it is kept or shown. Returns what stands for it.
/// REQUIRES: the code has ended.
std::string WithholdLog(ports::FileSystem& files, const PrintedLog& log);

/// The end of what code has printed, at most `most` bytes of it. Where it has printed one of these secrets, `***`
/// stands instead: here, and from now on in its file too, of which the last 64 MiB stay then; one that cannot be
/// written is removed. Where the log is cut, at its beginning or its end, 64 KiB more go, as a part of a secret may
/// stand there. REQUIRES: the code has ended.
std::string TakeLog(ports::FileSystem& files, Reporter& reporter, const std::vector<base::Secret>& secrets,
                    const PrintedLog& log, size_t most);

}  // namespace yellow::run
