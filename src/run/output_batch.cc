#include "run/output_batch.h"

#include "base/error.h"

namespace yellow::run {
namespace {

/// The output shows the sources as they were when the oldest claimed batch was read; without claims, as before.
constexpr const char* kReadAt = R"(
UPDATE yellow.batch o SET source_read_at = coalesce((
  SELECT min(coalesce(b.source_read_at, b.committed_at)) FROM yellow.claim c
  JOIN yellow.stream s ON s.store = split_part(c.input, '.', 1)
    AND coalesce(s.dataset, split_part(c.input, '.', 2)) = split_part(c.input, '.', 2)
  JOIN yellow.batch b ON b.stream = s.key AND b.batch = c.to_batch WHERE c.run_id = $3 AND s.key <> $1), (
  SELECT p.source_read_at FROM yellow.batch p WHERE p.stream = $1 AND p.state = 'committed' ORDER BY p.batch DESC LIMIT 1))
WHERE stream = $1 AND batch = $2)";

constexpr const char* kNext =
    "INSERT INTO yellow.batch (stream, batch, state, attempt, model_version, staged_at, run_id) SELECT $1, "
    "greatest(numbers_after, (SELECT max(batch) FROM yellow.batch WHERE stream = $1)) + 1, 'staged', $2, $3, "
    "clock_timestamp(), $2 FROM yellow.stream WHERE key = $1 RETURNING batch, false";

constexpr const char* kAgain =
    "UPDATE yellow.batch SET state = 'staged', attempt = $2, model_version = $3, staged_at = clock_timestamp(), run_id "
    "= $2 WHERE stream = $1 AND state IN ('open', 'staged', 'held') RETURNING batch, released";

constexpr const char* kMove =
    "INSERT INTO yellow.cursor (consumer, input, batch) SELECT $1, $2, $4::int WHERE $3::int = 0 OR EXISTS (SELECT "
    "FROM "
    "yellow.cursor WHERE consumer = $1 AND input = $2) ON CONFLICT (consumer, input) DO UPDATE SET batch = "
    "excluded.batch WHERE cursor.batch = $3::int RETURNING batch";

}  // namespace

OutputBatch OpenOutputBatch(ports::Session& session, const std::string& stream, const std::string& run_id,
                            int model_version) {
  const std::vector<std::optional<std::string>> parameters{stream, run_id, std::to_string(model_version)};
  ports::Rows opened = session.Execute({kAgain, parameters});
  if (opened.empty()) opened = session.Execute({kNext, parameters});
  const OutputBatch batch{static_cast<int>(opened.Integer(0, 0)), opened.Boolean(0, 1)};
  session.Execute({kReadAt, {stream, std::to_string(batch.number), run_id}});
  return batch;
}

void MoveCursors(ports::Session& session, const std::string& transformer, const Claims& claims) {
  for (const auto& [input, range] : claims) {
    const ports::Rows moved =
        session.Execute({kMove, {transformer, input, std::to_string(range.first), std::to_string(range.second)}});
    if (moved.empty()) throw base::Error("fenced", "the cursor of " + input + " was moved by somebody else");
  }
}

}  // namespace yellow::run
