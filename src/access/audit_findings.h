#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yellow::access {

/// What can be wrong with an audit log; each is the exit status of `audit verify`.
enum class Fault {
  kBroken = 20,        ///< a record is not what was chained
  kShort = 21,         ///< it ends before an anchor
  kHeadDiffers = 22,   ///< at an anchor's place it has another hash
  kBadSignature = 23,  ///< of a segment or an anchor
  kGap = 24,           ///< a number or a segment is missing
  kRecording = 25,     ///< a recording is missing or not what it was
  kDatabase = 26       ///< the database and the files disagree
};
std::string_view Word(Fault fault);  ///< "broken", …
const std::vector<Fault>& AllFaults();
const std::vector<std::string>& FaultWords();

struct AuditFinding {
  Fault fault = Fault::kBroken;
  int64_t sequence = 0;  ///< the record where it was seen
  int segment = 0;       ///< 0: in none
  std::string text;      ///< one sentence, without a full stop
};

/// The records, both ends included, of which it is told what is wrong with them.
struct RecordRange {
  int64_t from = 0, to = INT64_MAX;
  bool Meets(int64_t first, int64_t last) const { return first <= to && last >= from; }
};

/// What a verification finds. One by one it keeps the first thousand findings of the log itself, the first thousand of
/// the database and the first thousand recordings that are still missing; the others it counts. A recording that is
/// missing takes no other finding's place, as a later record may excuse it.
class AuditFindings {
 public:
  /// What is wrong with other records is neither kept nor counted.
  explicit AuditFindings(RecordRange range) : range_(range) {}

  /// `last`: of several records that it is about, of which finding.sequence is the first; 0: of that one alone.
  void Add(AuditFinding finding, int64_t last = 0);
  /// The same of what the database says, which is told after all others.
  void AddOfDatabase(AuditFinding finding, int64_t last = 0);
  /// A file that a record binds is not there.
  void AddMissing(int64_t sequence, int segment, const std::string& file, const std::string& sha256);
  /// It was deleted, as a later record says.
  void Excuse(const std::string& file, const std::string& sha256);

  /// In the order in which they were added; at the end, how many are left out, with the first of these.
  std::vector<AuditFinding> All() const;

 private:
  using Place = int64_t;  ///< in the order in which they were added
  using List = std::map<Place, AuditFinding>;
  struct Missing {
    Place place = 0;
    int64_t sequence = 0;
    int segment = 0;
    std::string file;  ///< empty: not kept
  };
  struct LeftOut {
    int64_t count = 0;
    Place place = 0;  ///< of the first one
    AuditFinding first;
    void Take(Place at, const AuditFinding& finding);
  };

  void Keep(List& list, AuditFinding finding, int64_t last);
  static AuditFinding Tell(const Missing& missing);

  const RecordRange range_;
  Place next_ = 0;
  List of_log_, of_database_;
  std::map<std::string, Missing> missing_;  ///< by a digest of file and content
  size_t named_ = 0;                        ///< how many of them have their file
  LeftOut left_out_;
};

}  // namespace yellow::access
