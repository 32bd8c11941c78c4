#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "access/audit_writer.h"

namespace yellow::access {

struct VerifyOptions {
  std::optional<std::string> anchors;  ///< lines of anchors; absent: what the places of the environment have noted
  std::string key = {};                ///< the public key; empty: that of the data folder
  RecordRange range = {};              ///< only what is wrong with these records is told
};

/// What `audit verify` found.
struct Verified {
  std::string container, folder, chain;
  std::string key;           ///< the public one; empty: nobody has signed yet, or nothing with the one that was named
  int64_t signed_up_to = 0;  ///< the last record for which the signature of its segment stands; 0: none
  Head head;                 ///< of the files
  int64_t records = 0, unchained = 0;
  int segments = 0;
  std::vector<AuditFinding> findings;
  /// Of each place of the environment; its failure is what was wrong at the last attempt, or now.
  std::vector<AnchorState> anchors;
  bool anchors_of_chain = false;               ///< at least one anchor was compared
  std::vector<std::string> not_compared = {};  ///< recordings, database, anchors: what was not to be had
};

/// A verification that is made a step at a time, so that whoever waits can be told that it goes on; what it keeps of
/// the log does not grow with it. Throws base::Error when something cannot be read.
class LogVerification {
 public:
  /// `session` and what `effects` refer to must outlive it.
  LogVerification(const AuditEffects& effects, ports::Session& session, AuditPlace place, VerifyOptions options);
  /// One segment; false: it was the last step.
  bool Step();
  /// REQUIRES: the last step was made.
  Verified Result();

 private:
  void CompareDatabase(int64_t to);
  void Miss(int64_t first, int64_t last);
  void ReadAnchors();
  void TakeAnchors(const std::string& lines);

  const AuditEffects effects_;
  ports::Session& session_;
  const AuditPlace place_;
  const VerifyOptions options_;
  const StoredHead stored_;
  std::optional<ChainVerifier> verifier_;
  std::vector<Anchor> anchors_;
  bool any_anchor_signed_ = false;
  std::vector<int> segments_;
  size_t next_ = 0;
  std::string newest_;                                ///< what may still be written to, as it was at the beginning
  int64_t compared_ = 0;                              ///< the last record of the database that was compared
  std::vector<std::pair<int64_t, int64_t>> missing_;  ///< numbers that are not in the database
  Verified result_;
};

/// The anchors among some lines. A line that is none is left out: who is killed while a line is written leaves a part
/// of it.
std::vector<Anchor> AnchorsIn(std::string_view text);

/// Compares the files of an audit log with themselves, with recordings, with the database and with anchors, while it
/// may be written to. Throws base::Error when something cannot be read.
Verified VerifyLog(const AuditEffects& effects, ports::Session& session, const AuditPlace& place,
                   const VerifyOptions& options);

/// What may still be written to.
struct NewestSegment {
  std::vector<int> segments;  ///< all numbers
  std::string text;           ///< of the last one
};
/// Reads it between two writes of the writer.
NewestSegment ReadNewest(ports::AuditLog& log, const std::string& folder);

}  // namespace yellow::access
