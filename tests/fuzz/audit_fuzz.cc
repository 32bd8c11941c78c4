#include "access/audit_chain.h"
#include "access/audit_search.h"
#include "base/check.h"
#include "input.h"

using namespace yellow;

/// A JSON value has one spelling, which is read again as the same value; whatever a file holds is verified and searched
/// to its end, and no text that nobody has chained is good but an empty one.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  if (const auto value = access::ParseJson(text)) {
    const std::string spelling = access::Canonical(*value);
    const auto again = access::ParseJson(spelling);
    YELLOW_CHECK(again && *again == *value && access::Canonical(*again) == spelling);
  }
  access::ChainVerifier verifier("c", std::string(64, '0'), [](const std::string&) {
    return std::optional<access::RecordingFacts>({1, std::string(64, '0')});
  });
  verifier.Feed(1, text, true);
  size_t records = 0;
  for (const std::string_view line : access::SplitLines(text).whole) {
    const auto parsed = access::ParseLine(line);
    if (!parsed) continue;
    if (const auto* anchor = std::get_if<access::Anchor>(&*parsed)) verifier.Compare(*anchor);
    if (const auto* record = std::get_if<access::ChainedRecord>(&*parsed)) {
      ++records;
      YELLOW_CHECK(access::LinkTo({record->head.sequence - 1, record->head.hash}, record->record).line.size() ==
                   line.size() + 1);
      verifier.Compare(record->record, record->head);
    }
  }
  YELLOW_CHECK(text.empty() || records > 0 || !verifier.findings().empty());
  YELLOW_CHECK(access::FindRecords(text, {}, {}).size() == records);
  return 0;
}
