#include "access/audit_scan.h"

#include <algorithm>
#include <memory>

#include "access/audit_verify.h"
#include "base/error.h"

namespace yellow::access {

AuditScan::AuditScan(ports::AuditLog& log, ports::Session& session, std::string folder, AuditQuery query,
                     int most_waiting)
    : log_(log),
      session_(session),
      folder_(std::move(folder)),
      query_(std::move(query)),
      most_waiting_(most_waiting),
      segments_(log.Segments(folder_)) {}

std::optional<std::vector<StoredRecord>> AuditScan::Next() {
  if (done_) return std::nullopt;
  std::vector<StoredRecord> waiting;
  if (next_ + 1 >= segments_.size()) {
    // Before the newest segment: a record that is chained in between stands there then.
    waiting = ReadUnchained(session_, most_waiting_);
    segments_ = log_.Segments(folder_);
  }
  done_ = next_ + 1 >= segments_.size();
  const std::string text = next_ < segments_.size() ? log_.Read(folder_, segments_[next_]) : "";
  ++next_;
  if (!done_) waiting.clear();
  return FindRecords(text, std::move(waiting), query_);
}

std::vector<StoredRecord> NewestRecords(ports::AuditLog& log, ports::Session& session, const std::string& folder,
                                        size_t most, int most_waiting) {
  std::vector<StoredRecord> waiting = ReadUnchained(session, most_waiting);
  const std::vector<int> segments = log.Segments(folder);
  std::vector<StoredRecord> newest;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    std::vector<StoredRecord> found =
        FindRecords(log.Read(folder, *segment), std::exchange(waiting, std::vector<StoredRecord>{}), {});
    newest.insert(newest.begin(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
    if (newest.size() >= most) break;
  }
  if (segments.empty()) newest = std::move(waiting);
  if (newest.size() > most) newest.erase(newest.begin(), newest.end() - static_cast<ptrdiff_t>(most));
  return newest;
}

AuditFollower::AuditFollower(ports::AuditLog& log, std::string folder, int64_t already)
    : log_(log), folder_(std::move(folder)), seen_(already) {
  const std::vector<int> segments = log_.Segments(folder_);
  if (!segments.empty()) read_.first = segments.back();
}

std::vector<StoredRecord> AuditFollower::Next() {
  std::vector<StoredRecord> fresh;
  for (const int segment : log_.Segments(folder_)) {
    if (segment < read_.first) continue;
    const uint64_t size = log_.Size(folder_, segment);
    if (read_ == std::pair(segment, size)) continue;
    for (StoredRecord& record : FindRecords(log_.Read(folder_, segment), {}, {})) {
      if (!record.head || record.head->sequence <= seen_) continue;
      seen_ = record.head->sequence;
      fresh.push_back(std::move(record));
    }
    read_ = {segment, size};
  }
  return fresh;
}

LogExtent ExtentOf(ports::AuditLog& log, const std::string& folder) {
  LogExtent extent;
  const NewestSegment newest = ReadNewest(log, folder);
  for (const int segment : newest.segments) {
    const bool last = segment == newest.segments.back();
    const uint64_t size = last ? newest.text.size() - SplitLines(newest.text).half.size() : log.Size(folder, segment);
    extent.segments.emplace_back(segment, size);
    extent.bytes += static_cast<int64_t>(size);
  }
  for (auto segment = newest.segments.rbegin(); segment != newest.segments.rend(); ++segment) {
    const std::string text = segment == newest.segments.rbegin() ? newest.text : log.Read(folder, *segment);
    const Lines lines = SplitLines(text);
    const auto last = lines.whole.empty() ? std::nullopt : ParseLine(lines.whole.back());
    if (const auto* record = last ? std::get_if<ChainedRecord>(&*last) : nullptr) extent.head = record->head;
    if (const auto* close = last ? std::get_if<SegmentClose>(&*last) : nullptr) extent.head = close->head;
    if (!lines.whole.empty()) break;
  }
  return extent;
}

std::function<std::string()> TextOf(ports::AuditLog& log, const std::string& folder, const LogExtent& extent) {
  const auto next = std::make_shared<size_t>(0);
  return [&log, folder, extent, next]() -> std::string {
    while (*next < extent.segments.size()) {
      const auto [segment, size] = extent.segments[(*next)++];
      std::string text = log.Read(folder, segment);
      if (text.size() < size)
        throw base::Error("audit", "a segment of the audit log in " + folder + " has become shorter");
      text.resize(size);
      if (!text.empty()) return text;
    }
    return "";
  };
}

}  // namespace yellow::access
