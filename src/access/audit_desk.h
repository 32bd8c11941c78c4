#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/audit_scan.h"
#include "access/audit_verify.h"
#include "access/desk.h"

namespace yellow::access {

/// What a reader gets, part by part, each of them when it is asked for: perhaps nothing yet; at the end nothing more.
/// Throws base::Error when it cannot go on. Whoever holds it keeps a place at the desk.
template <typename T>
using Parts = std::function<std::optional<T>()>;

/// Where people read the audit log who are not at the service's machine as its own user. `identity` as for Desk. That
/// somebody reads is recorded (`audit.read`) before anything is read for them; when it cannot be, nothing is given.
/// A few read at once, of one person fewer, and what is kept in memory for each is some segments at most. Thread-safe.
/// Throws base::Error.
class AuditDesk {
 public:
  /// `place_of`: where the log of a merge database is. `ends`: whether the service is being stopped.
  AuditDesk(Effects effects, AuditEffects audit, std::function<AuditPlace(const std::string& container)> place_of,
            std::function<bool()> ends);

  /// `container` names one merge database; empty: all of them, one after the other.
  Result<Parts<std::vector<StoredRecord>>> Search(const std::string& identity, const std::string& container,
                                                  const AuditQuery& query);
  /// The newest records, `lines` of each log. `follow`: and then, of one log, whatever is chained, for as long as the
  /// reader may read.
  Result<Parts<std::vector<StoredRecord>>> Tail(const std::string& identity, const std::string& container, int lines,
                                                bool follow);
  /// Nothing but an empty list while it goes on; then what was found, of each log.
  Result<Parts<std::vector<Verified>>> Verify(const std::string& identity, const std::string& container,
                                              const VerifyOptions& options);
  /// The files of one log as they are now, one after the other.
  struct Text {
    int64_t bytes = 0;
    Parts<std::string> parts;
  };
  Result<Text> Export(const std::string& identity, const std::string& container);

 private:
  struct Log;
  struct Readers;
  using Logs = std::vector<std::shared_ptr<Log>>;

  /// The logs that this person may read, each with a session that carries their identity.
  Result<Logs> Open(const std::string& identity, const std::string& container) const;
  /// A place at the desk, which is free again when it goes.
  Result<std::shared_ptr<void>> TakePlace(const std::string& person);
  std::optional<Refusal> IsOne(const Logs& logs) const;
  /// Why what waits for its place in the chain cannot be looked through.
  static std::optional<Refusal> CanBeRead(const Logs& logs);
  bool MayStillRead(const std::string& identity, const std::string& container) const;

  Effects effects_;
  AuditEffects audit_;
  std::function<AuditPlace(const std::string&)> place_of_;
  std::function<bool()> ends_;
  const std::shared_ptr<Readers> readers_;
};

}  // namespace yellow::access
