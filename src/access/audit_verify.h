#pragma once

#include <optional>
#include <string>
#include <vector>

#include "access/audit_writer.h"

namespace yellow::access {

struct VerifyOptions {
  std::optional<std::string> anchors;  ///< lines of anchors; absent: what the places of the environment have noted
  std::string key = {};                ///< the public key; empty: that of the data folder
  int64_t from = 0, to = INT64_MAX;    ///< only what is wrong with these records is told
};

/// What `audit verify` found.
struct Verified {
  std::string container, folder, chain;
  std::string key;  ///< the public one; empty: nobody has signed yet
  Head head;        ///< of the files
  int64_t records = 0, unchained = 0;
  int segments = 0;
  std::vector<AuditFinding> findings;
  /// Of each place of the environment; its failure is what was wrong at the last attempt, or now.
  std::vector<AnchorState> anchors;
  bool anchors_of_chain = false;  ///< at least one anchor was compared
};

/// Compares the files of an audit log with themselves, with recordings, with the database and with anchors, while it
/// may be written to. Throws base::Error when something cannot be read.
Verified VerifyLog(const AuditEffects& effects, ports::Session& session, const AuditPlace& place,
                   const VerifyOptions& options);

/// The text of all segments, in order.
std::string ReadLog(ports::AuditLog& log, const std::string& folder);

}  // namespace yellow::access
