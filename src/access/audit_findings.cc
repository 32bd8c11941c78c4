#include "access/audit_findings.h"

#include <algorithm>
#include <utility>

#include "base/digest.h"

namespace yellow::access {
namespace {

constexpr size_t kMostFindings = 1000;
constexpr size_t kMostMissing = 200'000;  // recordings that wait for a record which says that they were deleted
constexpr size_t kDigitsOfKey = 32;

std::string KeyOf(const std::string& file, const std::string& sha256) {
  return base::Sha256Hex(sha256 + file).substr(0, kDigitsOfKey);
}

}  // namespace

std::string_view Word(Fault fault) {
  switch (fault) {
    case Fault::kBroken:
      return "broken";
    case Fault::kShort:
      return "shorter_than_anchor";
    case Fault::kHeadDiffers:
      return "head_differs";
    case Fault::kBadSignature:
      return "bad_signature";
    case Fault::kGap:
      return "gap";
    case Fault::kRecording:
      return "recording";
    case Fault::kDatabase:
      return "database_differs";
  }
  return "";
}

const std::vector<Fault>& AllFaults() {
  static const std::vector<Fault> faults{Fault::kBroken, Fault::kShort,     Fault::kHeadDiffers, Fault::kBadSignature,
                                         Fault::kGap,    Fault::kRecording, Fault::kDatabase};
  return faults;
}

const std::vector<std::string>& FaultWords() {
  static const std::vector<std::string> words = [] {
    std::vector<std::string> all;
    for (const Fault fault : AllFaults()) all.emplace_back(Word(fault));
    return all;
  }();
  return words;
}

void AuditFindings::LeftOut::Take(Place at, const AuditFinding& finding) {
  if (count == 0 || at < place) place = at, first = finding;
  ++count;
}

void AuditFindings::Keep(List& list, AuditFinding finding, int64_t last) {
  if (!range_.Meets(finding.sequence, std::max(last, finding.sequence))) return;
  if (list.size() < kMostFindings) {
    list.emplace(next_, std::move(finding));
  } else {
    left_out_.Take(next_, finding);
  }
  ++next_;
}

void AuditFindings::Add(AuditFinding finding, int64_t last) { Keep(of_log_, std::move(finding), last); }

void AuditFindings::AddOfDatabase(AuditFinding finding, int64_t last) { Keep(of_database_, std::move(finding), last); }

void AuditFindings::AddMissing(int64_t sequence, int segment, const std::string& file, const std::string& sha256) {
  if (!range_.Meets(sequence, sequence)) return;
  // Beyond that a later record excuses no more: rather one recording too many is told than memory without a bound.
  if (missing_.size() >= kMostMissing) return Add(Tell({0, sequence, segment, file}));
  const auto [at, is_new] = missing_.emplace(KeyOf(file, sha256), Missing{next_, sequence, segment, ""});
  if (!is_new) return;
  ++next_;
  if (named_ == kMostFindings) return;
  at->second.file = file;
  ++named_;
}

void AuditFindings::Excuse(const std::string& file, const std::string& sha256) {
  const auto found = missing_.find(KeyOf(file, sha256));
  if (found == missing_.end()) return;
  if (!found->second.file.empty()) --named_;
  missing_.erase(found);
}

AuditFinding AuditFindings::Tell(const Missing& missing) {
  const std::string which =
      missing.file.empty() ? "that record " + std::to_string(missing.sequence) + " binds" : missing.file;
  return {Fault::kRecording, missing.sequence, missing.segment, "the recording " + which + " is missing"};
}

std::vector<AuditFinding> AuditFindings::All() const {
  List list = of_log_;
  LeftOut left_out = left_out_;
  std::map<Place, const Missing*> missing;
  for (const auto& [key, one] : missing_) missing.emplace(one.place, &one);
  size_t told = 0;
  for (const auto& [place, one] : missing) {
    if (told++ < kMostFindings) {
      list.emplace(place, Tell(*one));
    } else {
      left_out.Take(place, Tell(*one));
    }
  }
  std::vector<AuditFinding> all;
  for (const List* part : {&std::as_const(list), &of_database_})
    for (const auto& [place, finding] : *part) all.push_back(finding);
  if (left_out.count == 0) return all;
  AuditFinding rest = left_out.first;
  if (left_out.count > 1)
    rest.text = std::to_string(left_out.count) + " more findings are left out, first: " + rest.text;
  all.push_back(std::move(rest));
  return all;
}

}  // namespace yellow::access
