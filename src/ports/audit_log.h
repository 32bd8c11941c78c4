#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/audit.h"

namespace yellow::ports {

/// The files of audit logs: a folder for each, with a file for each segment. Thread-safe. Each method throws
/// base::Error code "file" for what the disk refuses.
class AuditLog {
 public:
  /// For as long as it lives nobody else on this machine writes to the folder.
  class Lock {
   public:
    virtual ~Lock() = default;
  };

  virtual ~AuditLog() = default;
  /// Makes the folder if it is not there. Nothing while somebody else has it.
  virtual std::unique_ptr<Lock> TryLock(const std::string& folder) = 0;
  /// Numbers of the segments, sorted; none when the folder is not there.
  virtual std::vector<int> Segments(const std::string& folder) = 0;
  virtual std::string Read(const std::string& folder, int segment) = 0;
  /// In bytes; 0 when it is not there.
  virtual uint64_t Size(const std::string& folder, int segment) = 0;
  /// Adds to a segment, which it makes for its owner alone, and returns when that is on disk. A failure may leave a
  /// part of it. REQUIRES: the lock.
  virtual void Append(const std::string& folder, int segment, std::string_view lines) = 0;
  /// Takes what follows the first `size` bytes away from a segment, into the file `name` beside it; both are on disk
  /// when it returns. May be repeated. REQUIRES: the lock.
  virtual void SetAside(const std::string& folder, int segment, uint64_t size, const std::string& name) = 0;

  /// Notes a line outside. `project`: the folder to which paths are relative. Throws base::Error code "anchor".
  virtual void Note(const model::AnchorTarget& target, const std::string& project, const std::string& line) = 0;
  /// What was noted there, line after line; empty where that cannot be read back, as from the log of a machine. Throws
  /// base::Error code "anchor" when it is not there.
  virtual std::string ReadNotes(const model::AnchorTarget& target, const std::string& project) = 0;
};

}  // namespace yellow::ports
