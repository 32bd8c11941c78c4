#include "access/audit_verify.h"

#include <algorithm>

#include "access/evidence.h"
#include "base/error.h"
#include "base/signature.h"

namespace yellow::access {
namespace {

constexpr int kPage = 1000;
constexpr int kTries = 1000;

/// True for a path that stays in the folder it is relative to.
bool StaysBelow(const std::string& path) {
  return !path.empty() && path.front() != '/' && ("/" + path + "/").find("/../") == std::string::npos;
}

FindRecording RecordingsIn(ports::FileSystem& files, const std::string& data) {
  return [&files, data](const std::string& file) -> std::optional<RecordingFacts> {
    return StaysBelow(file) ? FactsOf(files, data + "/" + file) : std::nullopt;
  };
}

/// What may still be written to, read between two writes of the writer.
struct Newest {
  std::vector<int> segments;
  std::string text;
};

Newest ReadNewest(ports::AuditLog& log, const std::string& folder) {
  Newest newest{log.Segments(folder), ""};
  if (newest.segments.empty()) return newest;
  auto lock = log.TryLock(folder);
  for (int i = 0; lock == nullptr && i < kTries; ++i) lock = log.TryLock(folder);
  newest.segments = log.Segments(folder);
  newest.text = log.Read(folder, newest.segments.back());
  return newest;
}

class Verification {
 public:
  Verification(const AuditEffects& effects, ports::Session& session, const AuditPlace& place,
               const VerifyOptions& options)
      : effects_(effects), session_(session), place_(place), options_(options), stored_(ReadHead(session)) {
    result_.container = place.container;
    result_.chain = stored_.chain;
    result_.folder = FolderOf(place, stored_.chain);
    result_.unchained = stored_.unchained;
    result_.key = options.key;
    if (result_.key.empty()) {
      if (const auto seed = ReadKey(effects.files, place.data)) result_.key = base::PublicKeyOf(*seed);
    }
  }

  Verified Run() {
    ChainVerifier verifier(stored_.chain, result_.key, RecordingsIn(effects_.files, place_.data));
    // Before the files, so that nothing is noted there that is not in these yet.
    const std::vector<std::string> noted = ReadAnchors();
    const Newest newest = ReadNewest(effects_.log, result_.folder);
    for (const int segment : newest.segments) {
      const bool last = segment == newest.segments.back();
      verifier.Feed(segment, last ? newest.text : effects_.log.Read(result_.folder, segment), last);
    }
    for (const std::string& lines : noted) CompareLines(verifier, lines);
    CompareDatabase(verifier);
    result_.head = verifier.head();
    result_.records = verifier.records();
    result_.segments = verifier.segments();
    result_.findings = verifier.findings();
    result_.findings.insert(result_.findings.end(), missing_.begin(), missing_.end());
    std::erase_if(result_.findings, [&](const AuditFinding& finding) {
      return finding.sequence < options_.from || finding.sequence > options_.to;
    });
    return std::move(result_);
  }

 private:
  /// What was chained when this began; more may have come since.
  void CompareDatabase(ChainVerifier& verifier) {
    int64_t last = 0;
    while (last < stored_.head.sequence) {
      const std::vector<StoredRecord> page = ReadChained(session_, last, kPage);
      for (const StoredRecord& record : page) {
        if (record.head->sequence > stored_.head.sequence) break;
        Miss(verifier, last + 1, record.head->sequence - 1);
        verifier.Compare(record.record, *record.head);
        last = record.head->sequence;
      }
      if (page.size() < static_cast<size_t>(kPage)) break;
    }
    Miss(verifier, last + 1, stored_.head.sequence);
  }

  void Miss(const ChainVerifier& verifier, int64_t first, int64_t last) {
    while (first <= last && verifier.IsExcused(first)) ++first;
    while (first <= last && verifier.IsExcused(last)) --last;
    if (first > last) return;
    const std::string which = first == last
                                  ? "record " + std::to_string(first) + " is"
                                  : "records " + std::to_string(first) + " to " + std::to_string(last) + " are";
    missing_.push_back({Fault::kDatabase, first, 0, which + " not in the database"});
  }

  std::vector<std::string> ReadAnchors() {
    std::vector<std::string> noted;
    std::map<std::string, AnchorState> states;
    for (AnchorState& state : ReadAnchorStates(session_)) states[state.target] = std::move(state);
    if (options_.anchors) noted.push_back(*options_.anchors);
    for (const model::AnchorTarget& target : place_.anchors) {
      AnchorState& state = states[model::Describe(target)];
      state.target = model::Describe(target);
      result_.anchors.push_back(state);
      if (options_.anchors || state.at.empty()) continue;
      try {
        noted.push_back(effects_.log.ReadNotes(target, place_.project));
      } catch (const base::Error& error) {
        if (error.code != "anchor") throw;
        result_.anchors.back().failure = error.what();
      }
    }
    return noted;
  }

  /// A line that is none is left out: who is killed while a line is written leaves a part of it.
  void CompareLines(ChainVerifier& verifier, const std::string& text) {
    for (const std::string_view line : SplitLines(text).whole) {
      const auto parsed = ParseLine(line);
      const auto* anchor = parsed ? std::get_if<Anchor>(&*parsed) : nullptr;
      if (anchor == nullptr || anchor->chain != stored_.chain) continue;
      result_.anchors_of_chain = true;
      verifier.Compare(*anchor);
    }
  }

  const AuditEffects& effects_;
  ports::Session& session_;
  const AuditPlace& place_;
  const VerifyOptions& options_;
  const StoredHead stored_;
  Verified result_;
  std::vector<AuditFinding> missing_;
};

}  // namespace

Verified VerifyLog(const AuditEffects& effects, ports::Session& session, const AuditPlace& place,
                   const VerifyOptions& options) {
  return Verification(effects, session, place, options).Run();
}

std::string ReadLog(ports::AuditLog& log, const std::string& folder) {
  std::string text;
  const Newest newest = ReadNewest(log, folder);
  for (const int segment : newest.segments)
    text += segment == newest.segments.back() ? newest.text : log.Read(folder, segment);
  return text;
}

}  // namespace yellow::access
