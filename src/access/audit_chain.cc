#include "access/audit_chain.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/digest.h"
#include "base/signature.h"

namespace yellow::access {
namespace {

constexpr size_t kHashDigits = 64;
constexpr int64_t kMostRecords = 1'000'000'000'000'000;  // what every reader of JSON takes for a whole number
constexpr std::string_view kTag{"yellow-audit-v1\0", 16};

JsonValue::Object Fields(const AuditRecord& record, int64_t sequence) {
  return {{"action", {record.action}},   {"at", {record.at}},       {"details", record.details},
          {"id", {record.id}},           {"login", {record.login}}, {"person", {record.person}},
          {"request", {record.request}}, {"sequence", {sequence}},  {"subject", {record.subject}}};
}

JsonValue::Object Fields(const SegmentClose& close) {
  return {{"chain", {close.chain}},
          {"count", {close.count}},
          {"head", {close.head.hash}},
          {"key", {close.key}},
          {"segment", {int64_t{close.segment}}},
          {"sequence", {close.head.sequence}}};
}

JsonValue::Object Fields(const Anchor& anchor) {
  return {{"at", {anchor.at}},
          {"chain", {anchor.chain}},
          {"hash", {anchor.head.hash}},
          {"key", {anchor.key}},
          {"sequence", {anchor.head.sequence}}};
}

std::string NameOf(const SegmentClose&) { return "close"; }
std::string NameOf(const Anchor&) { return "anchor"; }

std::string Wrapped(const std::string& name, JsonValue::Object fields) {
  return Canonical({JsonValue::Object{{name, {std::move(fields)}}}});
}

/// What is signed: the line without the signature.
template <typename Signed>
std::string Message(const Signed& it) {
  return std::string(kTag) + Wrapped(NameOf(it), Fields(it));
}

template <typename Signed>
std::string Sign(Signed it, const base::Secret& seed) {
  it.key = base::PublicKeyOf(seed);
  JsonValue::Object fields = Fields(it);
  fields["signature"] = {base::Sign(seed, Message(it))};
  return Wrapped(NameOf(it), std::move(fields)) + "\n";
}

/// Reads the fields of one object; what is not of its kind leaves `good` false.
class FieldReader {
 public:
  explicit FieldReader(const JsonValue& object) : object_(object) {}
  FieldReader& Get(std::string_view key, std::string& text) {
    const JsonValue* found = object_.Find(key);
    if (found == nullptr || found->Text() == nullptr) return good_ = false, *this;
    text = *found->Text();
    return *this;
  }
  FieldReader& Get(std::string_view key, int64_t& number) {
    const JsonValue* found = object_.Find(key);
    if (found == nullptr || found->Integer() == nullptr) return good_ = false, *this;
    number = *found->Integer();
    return *this;
  }
  FieldReader& GetSequence(std::string_view key, int64_t& number, int64_t least) {
    Get(key, number);
    good_ = good_ && number >= least && number <= kMostRecords;
    return *this;
  }
  FieldReader& GetHash(std::string_view key, std::string& hash) {
    Get(key, hash);
    good_ = good_ && base::IsHex(hash, kHashDigits);
    return *this;
  }
  bool good() const { return good_; }

 private:
  const JsonValue& object_;
  bool good_ = true;
};

std::optional<Line> ParseRecord(const JsonValue& object) {
  ChainedRecord found;
  AuditRecord& record = found.record;
  const JsonValue* details = object.Find("details");
  if (details == nullptr || !std::holds_alternative<JsonValue::Object>(details->value)) return std::nullopt;
  record.details = *details;
  const bool good = FieldReader(object)
                        .Get("id", record.id)
                        .Get("at", record.at)
                        .Get("person", record.person)
                        .Get("action", record.action)
                        .Get("subject", record.subject)
                        .Get("request", record.request)
                        .Get("login", record.login)
                        .GetSequence("sequence", found.head.sequence, 1)
                        .GetHash("hash", found.head.hash)
                        .good();
  return good ? std::optional<Line>(std::move(found)) : std::nullopt;
}

std::optional<Line> ParseClose(const JsonValue& object) {
  SegmentClose close;
  int64_t segment = 0;
  const bool good = FieldReader(object)
                        .Get("chain", close.chain)
                        .Get("count", close.count)
                        .GetHash("head", close.head.hash)
                        .Get("key", close.key)
                        .Get("segment", segment)
                        .GetSequence("sequence", close.head.sequence, 0)
                        .Get("signature", close.signature)
                        .good();
  close.segment = static_cast<int>(segment);
  return good ? std::optional<Line>(std::move(close)) : std::nullopt;
}

std::optional<Line> ParseAnchor(const JsonValue& object) {
  Anchor anchor;
  const bool good = FieldReader(object)
                        .Get("at", anchor.at)
                        .Get("chain", anchor.chain)
                        .GetHash("hash", anchor.head.hash)
                        .Get("key", anchor.key)
                        .GetSequence("sequence", anchor.head.sequence, 0)
                        .Get("signature", anchor.signature)
                        .good();
  return good ? std::optional<Line>(std::move(anchor)) : std::nullopt;
}

std::string Again(const ChainedRecord& it) {
  JsonValue::Object fields = Fields(it.record, it.head.sequence);
  fields["hash"] = {it.head.hash};
  return Canonical({std::move(fields)});
}

template <typename Signed>
std::string Again(const Signed& it) {
  JsonValue::Object fields = Fields(it);
  fields["signature"] = {it.signature};
  return Wrapped(NameOf(it), std::move(fields));
}

std::string Number(int64_t number) { return std::to_string(number); }

}  // namespace

Link LinkTo(const Head& head, const AuditRecord& record) {
  const int64_t sequence = head.sequence + 1;
  JsonValue::Object fields = Fields(record, sequence);
  Link link;
  link.head = {sequence, base::Sha256Hex(std::string(kTag) + head.hash + Canonical({fields}))};
  fields["hash"] = {link.head.hash};
  link.line = Canonical({std::move(fields)}) + "\n";
  return link;
}

std::string SignedLine(SegmentClose close, const base::Secret& seed) { return Sign(std::move(close), seed); }
std::string SignedLine(Anchor anchor, const base::Secret& seed) { return Sign(std::move(anchor), seed); }

bool IsSigned(const SegmentClose& close) { return base::IsSignatureOf(close.key, Message(close), close.signature); }
bool IsSigned(const Anchor& anchor) { return base::IsSignatureOf(anchor.key, Message(anchor), anchor.signature); }

std::optional<Line> ParseLine(std::string_view line) {
  const auto object = ParseJson(line);
  if (!object) return std::nullopt;
  std::optional<Line> found;
  if (const JsonValue* close = object->Find("close")) {
    found = ParseClose(*close);
  } else if (const JsonValue* anchor = object->Find("anchor")) {
    found = ParseAnchor(*anchor);
  } else {
    found = ParseRecord(*object);
  }
  if (found && std::visit([](const auto& it) { return Again(it); }, *found) != line) return std::nullopt;
  return found;
}

Lines SplitLines(std::string_view text) {
  Lines lines;
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.whole.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  lines.half = text;
  return lines;
}

ChainVerifier::ChainVerifier(std::string chain, std::string key, FindRecording find_recording, RecordRange range)
    : chain_(std::move(chain)), key_(std::move(key)), find_recording_(std::move(find_recording)), findings_(range) {}

void ChainVerifier::Add(Fault fault, int64_t sequence, const std::string& text, int64_t last) {
  findings_.Add({fault, sequence, segment_, text}, last);
}

void ChainVerifier::AddOfDatabase(int64_t sequence, const std::string& text, int64_t last) {
  findings_.AddOfDatabase({Fault::kDatabase, sequence, 0, text}, last);
}

void ChainVerifier::ForgetBefore(int64_t sequence) {
  std::erase_if(hashes_, [&](const auto& one) { return one.first < sequence && remembered_.count(one.first) == 0; });
}

void ChainVerifier::Feed(int segment, std::string_view text, bool newest) {
  const int expected = segment_ + 1;
  segment_ = segment;
  if (segment != expected)
    Add(Fault::kGap, head_.sequence + 1,
        "segment " + Number(expected) + " is missing, the next one is " + Number(segment));
  ++segments_;
  in_segment_ = 0, closed_ = false;
  const Lines lines = SplitLines(text);
  int64_t strange = 0;
  for (const std::string_view line : lines.whole) {
    const auto parsed = ParseLine(line);
    if (closed_ || !parsed || std::holds_alternative<Anchor>(*parsed)) {
      ++strange;
      continue;
    }
    TellStrangeLines(std::exchange(strange, 0));
    if (const auto* close = std::get_if<SegmentClose>(&*parsed)) {
      TakeClose(*close);
    } else {
      TakeRecord(std::get<ChainedRecord>(*parsed));
    }
  }
  TellStrangeLines(strange);
  if (!lines.half.empty())
    Add(Fault::kBroken, head_.sequence + 1, "only the beginning of a line was written: the writer sets it aside");
  if (!newest && !closed_) Add(Fault::kBadSignature, head_.sequence, "segment " + Number(segment) + " is not signed");
}

/// Those that stand together are one fault.
void ChainVerifier::TellStrangeLines(int64_t lines) {
  if (lines == 0) return;
  const std::string which = lines == 1 ? "a line" : Number(lines) + " lines";
  if (closed_) {
    Add(Fault::kBroken, head_.sequence + 1,
        which + (lines == 1 ? " follows" : " follow") + " the end of segment " + Number(segment_));
  } else {
    Add(Fault::kBroken, head_.sequence + 1,
        which + (lines == 1 ? " is no record" : " are no records") + " of the audit log");
  }
}

void ChainVerifier::TellCut() {
  Add(Fault::kBroken, head_.sequence + 1, "the last line has no end: the copy has not come whole");
}

void ChainVerifier::TakeRecord(const ChainedRecord& record) {
  const int64_t expected = head_.sequence + 1, found = record.head.sequence;
  ++records_, ++in_segment_;
  if (found > expected) {
    Add(Fault::kGap, expected,
        found == expected + 1 ? "record " + Number(expected) + " is missing"
                              : "records " + Number(expected) + " to " + Number(found - 1) + " are missing",
        found - 1);
  } else if (found < expected) {
    Add(Fault::kBroken, found, "record " + Number(found) + " stands where record " + Number(expected) + " should");
  } else if (LinkTo(head_, record.record).head.hash != record.head.hash) {
    Add(Fault::kBroken, found, "record " + Number(found) + " is not what was chained, or follows another one");
  }
  head_ = record.head;
  hashes_[found] = record.head.hash;
  const JsonValue *from = record.record.details.Find("database"), *to = record.record.details.Find("files");
  if (record.record.action == kWentBack && from != nullptr && to != nullptr && from->Integer() != nullptr &&
      to->Integer() != nullptr)
    excused_.emplace_back(*from->Integer(), *to->Integer());
  for (const std::string_view name : {"recording", "statements"}) CheckRecording(record, name);
  if (record.record.action == kEvidenceDeleted) ExcuseDeleted(record);
}

void ChainVerifier::TakeClose(const SegmentClose& close) {
  closed_ = true;
  if (!IsSigned(close) || close.key != key_ || close.chain != chain_) {
    Add(Fault::kBadSignature, close.head.sequence,
        "segment " + Number(segment_) + " was not signed with the key of this audit log");
  } else if (close.segment != segment_ || close.count != in_segment_ || close.head != head_) {
    Add(Fault::kBroken, head_.sequence,
        "segment " + Number(segment_) + " was signed as segment " + Number(close.segment) + " with " +
            Number(close.count) + " records up to " + Number(close.head.sequence));
  } else {
    signed_up_to_ = head_.sequence;
  }
}

void ChainVerifier::CheckRecording(const ChainedRecord& record, std::string_view name) {
  const JsonValue* bound = record.record.details.Find(name);
  if (bound == nullptr) return;
  std::string file, sha256;
  int64_t bytes = 0;
  const int64_t sequence = record.head.sequence;
  if (!FieldReader(*bound).Get("file", file).Get("bytes", bytes).GetHash("sha256", sha256).good())
    return Add(Fault::kRecording, sequence, "record " + Number(sequence) + " does not say which recording it binds");
  if (!find_recording_) return;
  const auto facts = find_recording_(file);
  if (!facts) {
    findings_.AddMissing(sequence, segment_, file, sha256);
  } else if (facts->bytes != bytes || facts->sha256 != sha256) {
    Add(Fault::kRecording, sequence, "the recording " + file + " is not what it was");
  }
}

void ChainVerifier::ExcuseDeleted(const ChainedRecord& record) {
  const JsonValue* files = record.record.details.Find("files");
  const auto* list = files == nullptr ? nullptr : std::get_if<JsonValue::List>(&files->value);
  if (list == nullptr) return;
  for (const JsonValue& one : *list) {
    std::string file, sha256;
    if (FieldReader(one).Get("file", file).GetHash("sha256", sha256).good()) findings_.Excuse(file, sha256);
  }
}

bool ChainVerifier::Compare(const Anchor& anchor) {
  if (anchor.chain != chain_) return false;
  segment_ = 0;
  const int64_t sequence = anchor.head.sequence;
  const auto found = hashes_.find(sequence);
  if (!IsSigned(anchor) || anchor.key != key_) {
    Add(Fault::kBadSignature, sequence,
        "the anchor at record " + Number(sequence) + " was not signed with the key of this audit log");
    return false;
  }
  if (sequence > head_.sequence) {
    Add(Fault::kShort, sequence,
        "the audit log ends at record " + Number(head_.sequence) + ", and an anchor of " + anchor.at +
            " is at record " + Number(sequence));
  } else if (sequence > 0 && (found == hashes_.end() || found->second != anchor.head.hash)) {
    Add(Fault::kHeadDiffers, sequence,
        "record " + Number(sequence) + " is another one than when it was anchored at " + anchor.at);
  }
  return true;
}

void ChainVerifier::Compare(const AuditRecord& record, const Head& head) {
  const int64_t sequence = head.sequence;
  const auto found = hashes_.find(sequence);
  if (found == hashes_.end()) {
    AddOfDatabase(sequence, "record " + Number(sequence) + " is in the database, and not in the files");
    return;
  }
  const auto last = hashes_.find(sequence - 1);
  const bool follows = sequence == 1 || last != hashes_.end();
  const Head before{sequence - 1, last == hashes_.end() ? Head().hash : last->second};
  if (found->second != head.hash || (follows && LinkTo(before, record).head.hash != head.hash))
    AddOfDatabase(sequence, "record " + Number(sequence) + " is another one in the database than in the files");
}

void ChainVerifier::MissInDatabase(int64_t first, int64_t last) {
  while (first <= last && IsExcused(first)) ++first;
  while (first <= last && IsExcused(last)) --last;
  if (first > last) return;
  AddOfDatabase(first,
                (first == last ? "record " + Number(first) + " is"
                               : "records " + Number(first) + " to " + Number(last) + " are") +
                    " not in the database",
                last);
}

bool ChainVerifier::IsExcused(int64_t sequence) const {
  return std::any_of(excused_.begin(), excused_.end(),
                     [&](const auto& range) { return sequence > range.first && sequence <= range.second; });
}

}  // namespace yellow::access
