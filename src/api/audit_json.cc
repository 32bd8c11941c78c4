#include "api/audit_json.h"

namespace yellow::api {
namespace {

using access::AnchorState;
using access::AuditFinding;
using access::StoredRecord;
using access::Verified;

Json AnyObject() { return {{"type", "object"}, {"additionalProperties", true}}; }

const Record<AuditFinding>& FoundRecord() {
  static const Record<AuditFinding> record =
      Record<AuditFinding>()
          .Field("key", "The number of the record where it was seen.", &AuditFinding::sequence)
          .Word("state", "What is wrong.", access::FaultWords(),
                [](const AuditFinding& it) { return std::string(access::Word(it.fault)); })
          .Reason(
              "reason", "The same in a sentence.",
              [](const AuditFinding& it) { return std::string(access::Word(it.fault)); }, &AuditFinding::text)
          .As("segment", "The segment in which it was seen; null: in none.", PlainSchema<std::optional<int>>(),
              [](const AuditFinding& it) { return it.segment == 0 ? Json(nullptr) : Json(it.segment); });
  return record;
}

const Record<AnchorState>& AnchorRecord() {
  static const Record<AnchorState> record =
      Record<AnchorState>()
          .Field("key", "The place.", &AnchorState::target)
          .Word("state", "Whether the last attempt succeeded.", {"noted", "failed", "waiting"},
                [](const AnchorState& it) {
                  if (!it.failure.empty()) return "failed";
                  return it.at.empty() ? "waiting" : "noted";
                })
          .Reason(
              "reason", "What was in the way.",
              [](const AnchorState& it) { return it.failure.empty() ? "" : "anchor"; }, &AnchorState::failure)
          .Field("sequence", "The record up to which the log is noted there.", &AnchorState::sequence)
          .TimeOrNull("at", "When that was noted.", &AnchorState::at);
  return record;
}

std::vector<std::string> VerifiedStates() {
  std::vector<std::string> words = access::FaultWords();
  words.insert(words.begin(), "good");
  return words;
}

}  // namespace

std::string StateOf(const Verified& verified) {
  return verified.findings.empty() ? "good" : std::string(access::Word(verified.findings.front().fault));
}

const Record<StoredRecord>& AuditRecordRecord() {
  const auto of = [](auto member) { return [member](const StoredRecord& it) { return it.record.*member; }; };
  using access::AuditRecord;
  static const Record<StoredRecord> record =
      Record<StoredRecord>()
          .Field("id", "Its number in the database.", of(&AuditRecord::id))
          .Word("state", "Whether it is in the chain, or waits for its place.", {"chained", "waiting"},
                [](const StoredRecord& it) { return it.head ? "chained" : "waiting"; })
          .NoReason()
          .As("sequence", "Its place in the chain; null while it waits.", PlainSchema<std::optional<int64_t>>(),
              [](const StoredRecord& it) { return it.head ? Json(it.head->sequence) : Json(nullptr); })
          .Time("at", "When it was written, by the database's clock.", of(&AuditRecord::at))
          .Field("person", "Who did it.", of(&AuditRecord::person))
          .Field("action", "What was done.", of(&AuditRecord::action))
          .Field("subject", "To what.", of(&AuditRecord::subject))
          .TextOrNull("request", "The access request that allowed it.", of(&AuditRecord::request))
          .Field("login", "The login of the database that wrote it.", of(&AuditRecord::login))
          .As("details", "What else belongs to it.", AnyObject(),
              [](const StoredRecord& it) { return Json::parse(access::Canonical(it.record.details)); });
  return record;
}

const Record<Verified>& VerifiedRecord() {
  static const Record<Verified> record =
      Record<Verified>()
          .Field("key", "The merge database's container.", &Verified::container)
          .Word("state", "good, or the first thing that is wrong.", VerifiedStates(), &StateOf)
          .Reason(
              "reason", "The same in a sentence.",
              [](const Verified& it) { return it.findings.empty() ? "" : StateOf(it); },
              [](const Verified& it) { return it.findings.empty() ? "" : it.findings.front().text; })
          .Field("chain", "The id of the chain.", &Verified::chain)
          .Field("folder", "Where its segments lie.", &Verified::folder)
          .TextOrNull("public_key",
                      "The Ed25519 key that signs it, in hexadecimal digits; null: nobody has signed yet, or nothing "
                      "with the key that was named.",
                      &Verified::key)
          .Field("signed_up_to", "The last record for which the signature of its segment stands; 0: none.",
                 &Verified::signed_up_to)
          .Field("sequence", "The last record.", [](const Verified& it) { return it.head.sequence; })
          .Field("hash", "Its hash.", [](const Verified& it) { return it.head.hash; })
          .Field("records", "How many there are.", &Verified::records)
          .Field("segments", "In how many files.", &Verified::segments)
          .Field("unchained", "Records that wait in the database for their place.", &Verified::unchained)
          .Field("not_compared", "What was not to be had: recordings, database, anchors.", &Verified::not_compared)
          .List("anchors", "Places where its end is noted.", AnchorRecord(), &Verified::anchors)
          .List("findings", "Everything that is wrong.", FoundRecord(), &Verified::findings);
  return record;
}

}  // namespace yellow::api
