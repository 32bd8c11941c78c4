#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "access/audit_findings.h"
#include "access/json_value.h"
#include "access/recording_facts.h"
#include "base/secret.h"

/// The audit log as text: a chain of records in segments. A segment is a file of lines, each the canonical JSON (see
/// json_value.h) of one object, ended by a line feed. A line is
///  * a record: `action at details hash id login person request sequence subject`. Sequence numbers begin with 1 and
///    have no gap. `hash` is SHA-256("yellow-audit-v1" ‖ 0 ‖ the hash of the record before, 64 digits ‖ the line
///    without its hash); before the first record stand 64 zeros;
///  * the close of a segment: `{"close": {chain, count, head, key, segment, sequence, signature}}`, the last line of
///  every
///    segment but the newest. The signature is Ed25519, of the same line without it;
///  * in files of their own, anchors: `{"anchor": {at, chain, hash, key, sequence, signature}}`, signed in the same
///  way.
namespace yellow::access {

struct AuditRecord {
  int64_t id = 0;
  std::string at;  ///< RFC 3339, UTC, microseconds
  std::string person, action, subject, request;
  JsonValue details = {JsonValue::Object{}};  ///< `identity`: the account or token by which it was done
  std::string login;                          ///< of the database, with which it was written
  bool operator==(const AuditRecord&) const = default;
};

/// The end of a chain.
struct Head {
  int64_t sequence = 0;
  std::string hash = std::string(64, '0');
  bool operator==(const Head&) const = default;
};

/// A record that follows the end of a chain: its line, with the line feed, and the new end.
struct Link {
  std::string line;
  Head head;
};
Link LinkTo(const Head& head, const AuditRecord& record);

/// A record as it stands in a chain.
struct ChainedRecord {
  AuditRecord record;
  Head head;
};

struct SegmentClose {
  std::string chain;  ///< its id
  int segment = 0;
  int64_t count = 0;  ///< of the records in the segment
  Head head;
  std::string key, signature;  ///< of who signed; empty: nobody yet
  bool operator==(const SegmentClose&) const = default;
};

struct Anchor {
  std::string at, chain;
  Head head;
  std::string key, signature;
  bool operator==(const Anchor&) const = default;
};

/// The line, signed. REQUIRES: `seed` as for base::Sign.
std::string SignedLine(SegmentClose close, const base::Secret& seed);
std::string SignedLine(Anchor anchor, const base::Secret& seed);

/// A line without its line feed. Nothing when it is not the canonical JSON of one of these, whole and with nothing
/// else in it.
using Line = std::variant<ChainedRecord, SegmentClose, Anchor>;
std::optional<Line> ParseLine(std::string_view line);
/// True when the signature is that of its own key.
bool IsSigned(const SegmentClose& close);
bool IsSigned(const Anchor& anchor);

/// The lines of a text, and what follows the last line feed: a line of which only the beginning was written.
struct Lines {
  std::vector<std::string_view> whole;
  std::string_view half;
};
Lines SplitLines(std::string_view text);

/// Nothing when it is not there.
using FindRecording = std::function<std::optional<RecordingFacts>(const std::string& file)>;

/// Reads a chain from its first segment on and says everything that is wrong with it. What follows a fault is compared
/// with what stands there, so that one fault gives one finding.
class ChainVerifier {
 public:
  /// `key`: who must have signed. `find_recording` is asked for each file that a record binds (`details.recording` and
  /// `details.statements`: {file, bytes, sha256}); without it these are not compared. One that is missing is not when a
  /// later record says that it was deleted (kEvidenceDeleted), with the same digest. `range`: of which records it is
  /// told what is wrong.
  ChainVerifier(std::string chain, std::string key, FindRecording find_recording, RecordRange range = {});

  /// The next segment, in the order of their numbers. `newest`: it may still be written to.
  void Feed(int segment, std::string_view text, bool newest);
  /// Before the segments: that an anchor of this record will be compared.
  void Remember(int64_t sequence) { remembered_.insert(sequence); }
  /// Between segments: nothing but an anchor will be compared with records before this one. What is kept of a chain
  /// does not grow with it then.
  void ForgetBefore(int64_t sequence);
  /// After the segments of a copy: it breaks off in a line.
  void TellCut();
  /// After the last segment. Of another chain: it is left out. True when it is of this one and signed.
  bool Compare(const Anchor& anchor);
  /// A record of the database that was chained: the same as in the files.
  void Compare(const AuditRecord& record, const Head& head);
  /// These are not in the database, and no record says that they are in the files alone (kWentBack). After the last
  /// segment.
  void MissInDatabase(int64_t first, int64_t last);

  const Head& head() const { return head_; }
  int64_t records() const { return records_; }
  int segments() const { return segments_; }
  /// The last record for which the signature of its segment stands; 0: none.
  int64_t signed_up_to() const { return signed_up_to_; }
  /// What is wrong with the files by themselves and at anchors, and then what the database says against them.
  std::vector<AuditFinding> findings() const { return findings_.All(); }
  /// True when a record says that this one is in the files alone (kWentBack).
  bool IsExcused(int64_t sequence) const;

 private:
  void TellStrangeLines(int64_t lines);
  void TakeRecord(const ChainedRecord& record);
  void TakeClose(const SegmentClose& close);
  void CheckRecording(const ChainedRecord& record, std::string_view name);
  void ExcuseDeleted(const ChainedRecord& record);
  void Add(Fault fault, int64_t sequence, const std::string& text, int64_t last = 0);
  void AddOfDatabase(int64_t sequence, const std::string& text, int64_t last = 0);

  const std::string chain_, key_;
  const FindRecording find_recording_;
  Head head_;
  int64_t records_ = 0, in_segment_ = 0, signed_up_to_ = 0;
  int segments_ = 0, segment_ = 0;
  bool closed_ = false;
  std::map<int64_t, std::string> hashes_;  ///< by sequence number
  std::set<int64_t> remembered_;
  std::vector<std::pair<int64_t, int64_t>> excused_;
  AuditFindings findings_;
};

/// The action of a record that says: records (details.database, details.files] are in the files alone, because the
/// database was restored from before they were written.
inline constexpr std::string_view kWentBack = "audit.database_went_back";
/// The action of a record that says: these files are kept no longer, `details.files: [{file, bytes, sha256}]`.
inline constexpr std::string_view kEvidenceDeleted = "access.evidence_deleted";
/// The action of a record that says: a line of which only the beginning was written was moved to the file
/// details.file.
inline constexpr std::string_view kSetAside = "audit.line_set_aside";

}  // namespace yellow::access
