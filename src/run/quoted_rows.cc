#include "run/quoted_rows.h"

#include <optional>

#include "run/notices.h"

namespace yellow::run {
namespace {

// Each gives the parts of a text's key, then its code, the text and the node that it is about.
constexpr const char* kReasonsOfBatches =
    "SELECT stream, batch, coalesce(reason_code, ''), reason, stream FROM yellow.batch WHERE stream = ANY ($1::text[]) "
    "AND reason IS NOT NULL FOR UPDATE";
constexpr const char* kReasonsOfRuns =
    "SELECT id, 0, coalesce(reason_code, ''), reason, transformer FROM yellow.run WHERE transformer = ANY ($1::text[]) "
    "AND reason IS NOT NULL FOR UPDATE";
// What an event repeats of a reason has no code, so that it is taken for one that may quote.
constexpr const char* kReasonsInEvents =
    "SELECT id, 0, '', detail, node FROM yellow.event WHERE node = ANY ($1::text[]) AND kind IN ('batch_held', "
    "'batch_failed', 'batch_released', 'batch_rejected', 'run_failed') FOR UPDATE";
constexpr const char* kQuotingVerdicts =
    "DELETE FROM yellow.verdict WHERE node = ANY ($1::text[]) AND code IN ('held_waiting', 'failed_waiting', "
    "'backing_off', 'gave_up')";
constexpr const char* kLogs =
    "UPDATE yellow.run SET log = NULL WHERE transformer = ANY ($1::text[]) AND log IS NOT NULL";

constexpr const char* kRemoved = "removed, because it may have quoted a row that was erased";

int64_t Shorten(ports::Session& session, const char* find, const std::vector<std::string>& nodes, const char* replace) {
  const ports::Rows rows = session.Execute({find, {sql::TextArray(nodes)}});
  int64_t changed = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& text = rows.Text(i, 3);
    std::string kept = TellableReason(rows.Text(i, 2), text, NameOfNode(rows.Text(i, 4)));
    if (!text.starts_with(kept)) kept = kRemoved;
    if (kept == text) continue;
    session.Execute({replace, {rows.Text(i, 0), rows.Text(i, 1), kept}});
    ++changed;
  }
  return changed;
}

}  // namespace

int64_t ForgetQuotedRows(ports::Session& session, const std::vector<std::string>& streams,
                         const std::vector<std::string>& transformers) {
  std::vector<std::string> nodes = streams;
  nodes.insert(nodes.end(), transformers.begin(), transformers.end());
  int64_t changed = Shorten(session, kReasonsOfBatches, streams,
                            "UPDATE yellow.batch SET reason = $3 WHERE stream = $1 AND batch = $2::int");
  changed +=
      Shorten(session, kReasonsOfRuns, transformers, "UPDATE yellow.run SET reason = $3 WHERE id = $1 AND $2::int = 0");
  changed += Shorten(session, kReasonsInEvents, nodes,
                     "UPDATE yellow.event SET detail = $3 WHERE id = $1::bigint AND $2::int = 0");
  changed += session.Execute({kQuotingVerdicts, {sql::TextArray(nodes)}}).affected;
  changed += session.Execute({kLogs, {sql::TextArray(transformers)}}).affected;
  return changed;
}

}  // namespace yellow::run
