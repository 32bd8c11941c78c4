#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace yellow::ports {

/// A file of a database server's JSON log.
struct ServerLogFile {
  std::string path;
  int64_t size = 0;
  int64_t changed = 0;   ///< nanoseconds since 1970
  bool current = false;  ///< the server writes to it, or may; others are as they will stay
};

/// The JSON log of a database server (PostgreSQL 15 or later), which the server writes, renames, empties and begins
/// again as it likes.
class ServerLog {
 public:
  virtual ~ServerLog() = default;
  /// The files of the log, the one that was written to longest ago first. Of a server whose data folder is the one
  /// above it is known which it writes to; of another all are `current`. Throws base::Error code "server_log" when the
  /// folder is not there or may not be read.
  virtual std::vector<ServerLogFile> Files(const std::string& folder) = 0;
  /// At most `most` bytes from there on, as many as there are; none when the file is gone. Throws base::Error.
  virtual std::string Read(const std::string& path, int64_t from, size_t most) = 0;
  /// Adds a text to a file that only its owner may read. Throws base::Error.
  virtual void Add(const std::string& path, const std::string& text) = 0;
  /// Removes a file, if it is there. Throws base::Error.
  virtual void Remove(const std::string& path) = 0;
};

}  // namespace yellow::ports
