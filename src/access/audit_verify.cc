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

}  // namespace

NewestSegment ReadNewest(ports::AuditLog& log, const std::string& folder) {
  NewestSegment newest{log.Segments(folder), ""};
  if (newest.segments.empty()) return newest;
  auto lock = log.TryLock(folder);
  for (int i = 0; lock == nullptr && i < kTries; ++i) lock = log.TryLock(folder);
  newest.segments = log.Segments(folder);
  newest.text = log.Read(folder, newest.segments.back());
  return newest;
}

LogVerification::LogVerification(const AuditEffects& effects, ports::Session& session, AuditPlace place,
                                 VerifyOptions options)
    : effects_(effects),
      session_(session),
      place_(std::move(place)),
      options_(std::move(options)),
      stored_(ReadHead(session)) {
  result_.container = place_.container;
  result_.chain = stored_.chain;
  result_.folder = FolderOf(place_, stored_.chain);
  result_.unchained = stored_.unchained;
  result_.key = options_.key;
  if (result_.key.empty()) {
    if (const auto seed = ReadKey(effects_.files, place_.data)) result_.key = base::PublicKeyOf(*seed);
  }
  verifier_.emplace(stored_.chain, result_.key, RecordingsIn(effects_.files, place_.data), options_.range);
  // Before the files, so that nothing is noted there that is not in these yet.
  ReadAnchors();
  for (const Anchor& anchor : anchors_) verifier_->Remember(anchor.head.sequence);
  NewestSegment newest = ReadNewest(effects_.log, result_.folder);
  segments_ = std::move(newest.segments), newest_ = std::move(newest.text);
}

bool LogVerification::Step() {
  if (next_ == segments_.size()) {
    for (const Anchor& anchor : anchors_) any_anchor_signed_ = verifier_->Compare(anchor) || any_anchor_signed_;
    CompareDatabase(stored_.head.sequence);
    Miss(compared_ + 1, stored_.head.sequence);
    for (const auto& [first, last] : missing_) verifier_->MissInDatabase(first, last);
    return false;
  }
  const int segment = segments_[next_++];
  const bool last = next_ == segments_.size();
  verifier_->Feed(segment, last ? newest_ : effects_.log.Read(result_.folder, segment), last);
  const int64_t to = std::min(verifier_->head().sequence, stored_.head.sequence);
  CompareDatabase(to);
  verifier_->ForgetBefore(to);
  return true;
}

Verified LogVerification::Result() {
  result_.head = verifier_->head();
  result_.signed_up_to = verifier_->signed_up_to();
  if (!options_.key.empty() && result_.signed_up_to == 0 && !any_anchor_signed_) result_.key.clear();
  result_.records = verifier_->records();
  result_.segments = verifier_->segments();
  result_.findings = verifier_->findings();
  return std::move(result_);
}

/// What was chained when this began; more may have come since.
void LogVerification::CompareDatabase(int64_t to) {
  while (compared_ < to) {
    const std::vector<StoredRecord> page = ReadChained(session_, compared_, kPage);
    for (const StoredRecord& record : page) {
      if (record.head->sequence > to) return;
      Miss(compared_ + 1, record.head->sequence - 1);
      verifier_->Compare(record.record, *record.head);
      compared_ = record.head->sequence;
    }
    if (page.size() < static_cast<size_t>(kPage)) return;
  }
}

void LogVerification::Miss(int64_t first, int64_t last) {
  if (first <= last) missing_.emplace_back(first, last);
}

void LogVerification::ReadAnchors() {
  std::map<std::string, AnchorState> states;
  for (AnchorState& state : ReadAnchorStates(session_)) states[state.target] = std::move(state);
  if (options_.anchors) TakeAnchors(*options_.anchors);
  for (const model::AnchorTarget& target : place_.anchors) {
    AnchorState& state = states[model::Describe(target)];
    state.target = model::Describe(target);
    result_.anchors.push_back(state);
    if (options_.anchors || state.at.empty()) continue;
    try {
      TakeAnchors(effects_.log.ReadNotes(target, place_.project));
    } catch (const base::Error& error) {
      if (error.code != "anchor") throw;
      result_.anchors.back().failure = error.what();
    }
  }
}

void LogVerification::TakeAnchors(const std::string& lines) {
  for (Anchor& anchor : AnchorsIn(lines)) {
    if (anchor.chain != stored_.chain) continue;
    result_.anchors_of_chain = true;
    anchors_.push_back(std::move(anchor));
  }
}

std::vector<Anchor> AnchorsIn(std::string_view text) {
  std::vector<Anchor> anchors;
  for (const std::string_view line : SplitLines(text).whole) {
    auto parsed = ParseLine(line);
    if (auto* anchor = parsed ? std::get_if<Anchor>(&*parsed) : nullptr) anchors.push_back(std::move(*anchor));
  }
  return anchors;
}

Verified VerifyLog(const AuditEffects& effects, ports::Session& session, const AuditPlace& place,
                   const VerifyOptions& options) {
  LogVerification verification(effects, session, place, options);
  while (verification.Step()) {
  }
  return verification.Result();
}

}  // namespace yellow::access
