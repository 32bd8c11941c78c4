#include "access/audit_writer.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/signature.h"

namespace yellow::access {
namespace {

constexpr uint64_t kMostBytes = 4U << 20U;  // of a segment, when the next one is begun
constexpr int kAtOnce = 1000;
constexpr size_t kSeedDigits = 64;
constexpr const char* kYellow = "yellow";

std::string KeyPath(const std::string& data) { return data + "/secrets/audit_key"; }

/// The records of some lines, in order.
std::vector<ChainedRecord> RecordsIn(const Lines& lines) {
  std::vector<ChainedRecord> records;
  for (const std::string_view line : lines.whole) {
    const auto parsed = ParseLine(line);
    if (const auto* record = parsed ? std::get_if<ChainedRecord>(&*parsed) : nullptr) records.push_back(*record);
  }
  return records;
}

base::Error Disagree(const std::string& folder) {
  return base::Error("audit", "the audit log in " + folder + " is not that of the database")
      .Remedy("yellow audit verify");
}

}  // namespace

std::string FolderOf(const AuditPlace& place, const std::string& chain) {
  return place.data + "/audit/" + place.container + "-" + chain.substr(0, 8);
}

std::optional<base::Secret> ReadKey(ports::FileSystem& files, const std::string& data) {
  const auto text = files.Read(KeyPath(data));
  if (!text) return std::nullopt;
  base::Secret key(*text);
  if (!base::IsHex(key.Reveal(), kSeedDigits))
    throw base::Error("secret", "this is no key of an audit log: " + KeyPath(data));
  return key;
}

AuditWriter::AuditWriter(const AuditEffects& effects, AuditPlace place) : effects_(effects), place_(std::move(place)) {}

ports::Session& AuditWriter::session() {
  if (session_ == nullptr) {
    session_ =
        effects_.connector.Open(effects_.endpoints.Service(place_.container, ports::ServiceRole::kAccess, "audit"));
  }
  return *session_;
}

void AuditWriter::Forget() { session_.reset(), tail_.reset(); }

const base::Secret& AuditWriter::Key() {
  if (!key_) key_ = ReadKey(effects_.files, place_.data);
  if (!key_) {
    key_ = base::Secret(effects_.entropy.Hex(kSeedDigits));
    effects_.files.WriteAtomically(KeyPath(place_.data), key_->Reveal(), true);
  }
  return *key_;
}

Chained AuditWriter::Pass(bool close) {
  Chained chained;
  ports::Session& database = session();
  chained.folder = FolderOf(place_, ReadHead(database).chain);
  // The files' lock first: who has lost the connection may still be writing, and holds it until that is over.
  const auto lock = effects_.log.TryLock(chained.folder);
  if (lock == nullptr) {
    chained.outcome = Chained::Outcome::kBusy;
    return chained;
  }
  Key();
  try {
    ReadTail(chained.folder);
    ports::Transaction transaction(database, "", "chain");
    const auto stored = LockHead(database);
    if (!stored) {
      chained.outcome = Chained::Outcome::kBusy;
      return chained;
    }
    chained.head = tail_->head;
    if (stored->head.sequence > tail_->head.sequence) {
      chained.outcome = Chained::Outcome::kElsewhere;
      chained.behind = stored->head;
      return chained;
    }
    if (CatchUp(database, chained.folder, *stored).head != tail_->head) throw Disagree(chained.folder);
    const bool full = tail_->size >= kMostBytes || (tail_->count > 0 && tail_->first_at < stored->a_day_ago);
    if (full && !tail_->closed) CloseSegment(chained.folder, stored->chain), chained.closed = true;
    Chain(database, chained.folder, chained);
    transaction.Commit();
    if (close && !chained.more && tail_->count > 0 && !tail_->closed)
      CloseSegment(chained.folder, stored->chain), chained.closed = true;
  } catch (const base::Error&) {
    tail_.reset();
    throw;
  }
  chained.head = tail_->head;
  return chained;
}

void AuditWriter::ReadTail(const std::string& folder) {
  const std::vector<int> segments = effects_.log.Segments(folder);
  const int newest = segments.empty() ? 0 : segments.back();
  if (tail_ && tail_->folder == folder && tail_->segment == newest && tail_->size == effects_.log.Size(folder, newest))
    return;
  tail_.emplace().folder = folder;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    const std::string text = effects_.log.Read(folder, *segment);
    const Lines lines = SplitLines(text);
    const uint64_t whole = text.size() - lines.half.size();
    if (!lines.half.empty() && *segment == newest) SetHalfAside(folder, newest, lines.half, whole);
    const auto last = lines.whole.empty() ? std::nullopt : ParseLine(lines.whole.back());
    if (!lines.whole.empty() && !last) throw Disagree(folder);
    if (*segment == newest) {
      const std::vector<ChainedRecord> records = RecordsIn(lines);
      tail_->segment = newest, tail_->size = whole, tail_->count = static_cast<int64_t>(records.size());
      if (!records.empty()) tail_->first_at = records.front().record.at;
      tail_->closed = last && std::holds_alternative<SegmentClose>(*last);
    }
    if (!last) continue;  // it was begun, and nothing came into it
    const auto* close = std::get_if<SegmentClose>(&*last);
    const auto* record = std::get_if<ChainedRecord>(&*last);
    if (close == nullptr && record == nullptr) throw Disagree(folder);
    tail_->head = close != nullptr ? close->head : record->head;
    return;
  }
}

void AuditWriter::SetHalfAside(const std::string& folder, int segment, std::string_view half, uint64_t size) {
  const std::string sha256 = base::Sha256Hex(half);
  const std::string name = fmt::format("{:06}.jsonl.half-{}", segment, sha256.substr(0, 8));
  // Said before it is done: who is killed in between says it twice, and never not at all.
  AddRecord(session(), kYellow, std::string(kSetAside), folder.substr(folder.rfind('/') + 1),
            {{"bytes", {static_cast<int64_t>(half.size())}}, {"file", {name}}, {"sha256", {sha256}}});
  effects_.log.SetAside(folder, segment, size, name);
}

std::vector<ChainedRecord> AuditWriter::RecordsAfter(const std::string& folder, int64_t sequence) {
  std::vector<ChainedRecord> found;
  const std::vector<int> segments = effects_.log.Segments(folder);
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    const std::string text = effects_.log.Read(folder, *segment);
    std::vector<ChainedRecord> records = RecordsIn(SplitLines(text));
    const bool reached = !records.empty() && records.front().head.sequence <= sequence;
    std::erase_if(records, [&](const ChainedRecord& record) { return record.head.sequence <= sequence; });
    found.insert(found.begin(), records.begin(), records.end());
    if (reached) break;
  }
  return found;
}

StoredHead AuditWriter::CatchUp(ports::Session& session, const std::string& folder, const StoredHead& stored) {
  StoredHead head = stored;
  if (head.head.sequence == tail_->head.sequence) return head;
  std::vector<int64_t> ids;
  const std::vector<ChainedRecord> ahead = RecordsAfter(folder, head.head.sequence);
  for (const ChainedRecord& record : ahead) ids.push_back(record.record.id);
  std::map<int64_t, StoredRecord> known;
  for (StoredRecord& record : ReadRecords(session, ids)) known[record.record.id] = std::move(record);
  std::vector<int64_t> same;
  std::vector<Head> heads;
  for (const ChainedRecord& record : ahead) {
    const auto found = known.find(record.record.id);
    if (found == known.end() || found->second.head || found->second.record != record.record ||
        LinkTo(head.head, record.record).head != record.head)
      break;
    same.push_back(record.record.id);
    heads.push_back(record.head);
    head.head = record.head;
  }
  if (!same.empty()) MarkChained(session, same, heads);
  if (same.size() == ahead.size()) return head;
  AddRecord(session, kYellow, std::string(kWentBack), place_.container,
            {{"database", {head.head.sequence}}, {"files", {tail_->head.sequence}}});
  head.head = tail_->head;
  ResumeAfter(session, head.head);
  return head;
}

void AuditWriter::Chain(ports::Session& session, const std::string& folder, Chained& chained) {
  const std::vector<StoredRecord> waiting = ReadUnchained(session, kAtOnce);
  if (waiting.empty()) return;
  std::string lines;
  std::vector<int64_t> ids;
  std::vector<Head> heads;
  AuditTail next = *tail_;
  if (next.segment == 0 || next.closed) ++next.segment, next.size = 0, next.count = 0, next.closed = false;
  for (const StoredRecord& record : waiting) {
    Link link = LinkTo(next.head, record.record);
    lines += link.line;
    if (next.count++ == 0) next.first_at = record.record.at;
    next.head = link.head;
    ids.push_back(record.record.id);
    heads.push_back(std::move(link.head));
  }
  effects_.log.Append(folder, next.segment, lines);
  next.size += lines.size();
  tail_ = std::move(next);
  MarkChained(session, ids, heads);
  chained.records = static_cast<int64_t>(waiting.size());
  chained.more = waiting.size() == static_cast<size_t>(kAtOnce);
}

void AuditWriter::CloseSegment(const std::string& folder, const std::string& chain) {
  const std::string line = SignedLine(SegmentClose{chain, tail_->segment, tail_->count, tail_->head, "", ""}, Key());
  effects_.log.Append(folder, tail_->segment, line);
  tail_->size += line.size();
  tail_->closed = true;
}

std::map<std::string, std::string> AuditWriter::NoteAnchors(const Chained& chained) {
  std::map<std::string, std::string> failures;
  if (place_.anchors.empty() || chained.outcome != Chained::Outcome::kDone || chained.head.sequence == 0)
    return failures;
  std::map<std::string, int64_t> noted;
  for (const AnchorState& state : ReadAnchorStates(session()))
    noted[state.target] = state.failure.empty() ? state.sequence : 0;
  const StoredHead stored = ReadHead(session());
  std::string line = SignedLine(Anchor{stored.at, stored.chain, chained.head, "", ""}, Key());
  line.pop_back();
  for (const model::AnchorTarget& target : place_.anchors) {
    const std::string name = model::Describe(target);
    if (noted[name] == chained.head.sequence) continue;
    std::string failure;
    try {
      effects_.log.Note(target, place_.project, line);
    } catch (const base::Error& error) {
      failure = error.what();
      failures[name] = failure;
    }
    SaveAnchorState(session(), name, chained.head.sequence, failure);
  }
  return failures;
}

}  // namespace yellow::access
