#pragma once

#include <memory>

#include "ports/files.h"

namespace yellow::adapters::files {

/// The file system of this machine. Thread-safe.
std::unique_ptr<ports::FileSystem> MakeFileSystem();

}  // namespace yellow::adapters::files
