#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/audit_search.h"
#include "ports/audit_log.h"

/// Reads an audit log a segment at a time, while it may be written to: what is kept of it in memory does not grow with
/// it. All throw base::Error.
namespace yellow::access {

/// What fits, in order: first of the files, then what waits in the database for its place.
class AuditScan {
 public:
  /// `log` and `session` must outlive it. `most_waiting`: more that waits is left out.
  AuditScan(ports::AuditLog& log, ports::Session& session, std::string folder, AuditQuery query, int most_waiting);
  /// Of the next segment, perhaps none; nothing: that was all.
  std::optional<std::vector<StoredRecord>> Next();

 private:
  ports::AuditLog& log_;
  ports::Session& session_;
  const std::string folder_;
  const AuditQuery query_;
  const int most_waiting_;
  std::vector<int> segments_;
  size_t next_ = 0;
  bool done_ = false;
};

/// The newest records, `most` of them, in order.
std::vector<StoredRecord> NewestRecords(ports::AuditLog& log, ports::Session& session, const std::string& folder,
                                        size_t most, int most_waiting);

/// What is chained from now on.
class AuditFollower {
 public:
  /// What was chained until now is not told, but `already` tells up to where the caller knows.
  AuditFollower(ports::AuditLog& log, std::string folder, int64_t already);
  std::vector<StoredRecord> Next();

 private:
  ports::AuditLog& log_;
  const std::string folder_;
  int64_t seen_;
  std::pair<int, uint64_t> read_{0, 0};  ///< the newest segment, and its size when it was read
};

/// How far an audit log goes at one moment; what is within stays as it is.
struct LogExtent {
  std::vector<std::pair<int, uint64_t>> segments;  ///< with their sizes
  int64_t bytes = 0;
  Head head;
};
LogExtent ExtentOf(ports::AuditLog& log, const std::string& folder);

/// Its text, a segment at a time; empty at the end. Throws base::Error code "audit" when a segment is shorter than it
/// was.
std::function<std::string()> TextOf(ports::AuditLog& log, const std::string& folder, const LogExtent& extent);

}  // namespace yellow::access
