#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace yellow::ports {

/// Of the disk on which something lies, in bytes.
struct DiskSpace {
  uint64_t free = 0;  ///< for this process
  uint64_t total = 0;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// Every regular file below `root`/`folder`, path relative to root to content. Skips names that begin with a dot and
  /// what programs make beside code: `__pycache__`, `*.pyc`, `node_modules`, virtual environments of Python. A link
  /// counts as what it leads to. Throws base::Error when a file cannot be read, and when a link leads out of `root` or
  /// in a circle; an absent folder gives nothing.
  virtual std::map<std::string, std::string> ReadTree(const std::string& root, const std::string& folder) = 0;
  virtual std::optional<std::string> Read(const std::string& path) = 0;
  /// What stands at `offset`, `most` bytes of it at most; empty behind the end. Nothing when the file is not there.
  /// Throws base::Error when it cannot be read.
  virtual std::optional<std::string> ReadPart(const std::string& path, int64_t offset, size_t most) = 0;
  /// Writes beside and renames, with mode 0600 when `secret`. Throws base::Error.
  virtual void WriteAtomically(const std::string& path, const std::string& content, bool secret) = 0;
  /// Puts this into a file that is there, in the place of what it holds; it may be one that nobody can rename to, as
  /// what is mounted alone. Throws base::Error.
  virtual void Fill(const std::string& path, const std::string& content) = 0;
  /// Writes many files below `folder` that only their owner may read. One that begins as a program does (`#!`, ELF) may
  /// be executed. Nothing of it outlives a crash of the machine for certain. Throws base::Error.
  virtual void WritePrivateTree(const std::string& folder, const std::map<std::string, std::string>& files) = 0;
  /// A symbolic link at `path`, which must not be there. Throws base::Error.
  virtual void Link(const std::string& path, const std::string& target) = 0;
  virtual bool Exists(const std::string& path) = 0;
  /// Nothing when the path is not there or may not be seen.
  virtual std::optional<DiskSpace> Space(const std::string& path) = 0;
  /// Makes a folder with this mode (0700: nobody else may read it), and those above it.
  virtual void MakeFolder(const std::string& path, unsigned mode) = 0;
  /// Makes a file or folder another user's. Does nothing unless this process is root's.
  virtual void GiveTo(const std::string& path, unsigned uid, unsigned gid) = 0;
  /// The last `bytes` bytes of a file; empty when it is not there.
  virtual std::string ReadTail(const std::string& path, size_t bytes) = 0;
  /// Names of the folders right below a folder; none when it is not there.
  virtual std::vector<std::string> FoldersIn(const std::string& path) = 0;
  /// Removes a folder and all below it, or a file, if it is there.
  virtual void RemoveTree(const std::string& path) = 0;
};

}  // namespace yellow::ports
