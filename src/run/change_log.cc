#include "run/change_log.h"

#include "base/error.h"

namespace yellow::run {
namespace {

constexpr int64_t kRetention = int64_t{30} * 86400;  // seconds, where the model does not say
constexpr int kChunkRows = 20'000, kChunks = 50;

constexpr const char* kLock = "SELECT kept_since FROM yellow.change_log WHERE stream = $1 AND dataset = $2 FOR UPDATE";

// $3: transformers that read the changes; $4: Store.dataset; $5: retention in seconds; $6: the model that names these
// transformers. Commit times never go back, so the batches that are too old come first.
constexpr const char* kAdvance = R"(
WITH consumer AS (
  SELECT coalesce(u.batch, 0) AS cursor,
         EXISTS (SELECT FROM yellow.run r WHERE r.transformer = t.key AND r.mode = 'incremental'
                 AND r.state IN ('preparing', 'launched', 'finished', 'ingesting')) AS reading
  FROM unnest($3::text[]) t (key) LEFT JOIN yellow.cursor u ON u.consumer = t.key AND u.input = $4),
expired AS (
  SELECT max(b.batch) AS batch FROM (SELECT b.batch, b.committed_at FROM yellow.batch b, yellow.change_log l
    WHERE l.stream = $1 AND l.dataset = $2 AND b.stream = $1 AND b.state = 'committed' AND b.batch > l.kept_since
    ORDER BY b.batch LIMIT 1000) b
  WHERE b.committed_at < clock_timestamp() - make_interval(secs => $5)),
bound AS (
  SELECT least(greatest((SELECT min(cursor) FROM consumer), (SELECT batch FROM expired)),
               (SELECT min(cursor) FROM consumer WHERE reading)) AS batch)
UPDATE yellow.change_log l SET kept_since = bound.batch FROM bound
WHERE l.stream = $1 AND l.dataset = $2 AND bound.batch > l.kept_since AND (SELECT max(version) FROM yellow.model) = $6::int
RETURNING l.kept_since)";

// $1: transformers that read the changes; $2: Store.dataset.
constexpr const char* kIsRead = R"(
SELECT EXISTS (SELECT FROM yellow.cursor WHERE consumer = ANY ($1::text[]) AND input = $2)
    OR EXISTS (SELECT FROM yellow.run WHERE transformer = ANY ($1::text[]) AND state IN ('preparing', 'launched', 'finished', 'ingesting')))";

bool HasLog(const sql::TableLayout& table) { return table.changes && table.milestoning == model::Milestoning::kLive; }

std::string Readers(const Applied& applied, const sql::TableLayout& table) {
  std::string list;
  for (const plan::Transformer& transformer : applied.physical.transformers) {
    for (const plan::TransformerInput& input : transformer.inputs) {
      if (input.changes_view.empty() || input.table.dataset != table.dataset) continue;
      list += (list.empty() ? "\"" : ",\"") + transformer.key + "\"";
      break;
    }
  }
  return "{" + list + "}";
}

/// The row is locked first, so that no run can begin to read what goes: see DecideMode. Returns where the log begins.
std::string Advance(ports::Session& engine, const Applied& applied, const std::string& stream,
                    const sql::TableLayout& table) {
  const int64_t retention = applied.model.ecosystem.retention.changes.value_or(model::Duration{kRetention}).seconds;
  ports::Transaction transaction(engine, "", "forget changes");
  const std::string& dataset = table.dataset.dataset;
  const ports::Rows before = engine.Execute({kLock, {stream, dataset}});
  if (before.empty()) return "0";
  const ports::Rows after = engine.Execute({kAdvance,
                                            {stream, dataset, Readers(applied, table), ToString(table.dataset),
                                             std::to_string(retention), std::to_string(applied.version)}});
  transaction.Commit();
  return (after.empty() ? before : after).Text(0, 0);
}

void Clean(ports::Session& engine, const Applied& applied, const std::string& stream, const sql::TableLayout& table) {
  const std::string kept_since = Advance(engine, applied, stream, table);
  const std::string log = sql::Qualified(table.schema, table.change_log_table);
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    const ports::Rows done = engine.Execute({"DELETE FROM " + log + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " + log +
                                                 " WHERE yellow_batch <= $1::int LIMIT $2::int))",
                                             {kept_since, std::to_string(kChunkRows)}});
    if (done.affected < kChunkRows) return;
  }
}

}  // namespace

void RequireFollowed(ports::Session& session, const std::string& stream, const std::vector<sql::TableLayout>& tables) {
  std::set<std::string> ours, theirs;
  for (const sql::TableLayout& table : tables) {
    if (table.changes) ours.insert(table.dataset.dataset);
  }
  const ports::Rows rows = session.Execute({"SELECT dataset FROM yellow.change_log WHERE stream = $1", {stream}});
  for (size_t i = 0; i < rows.size(); ++i) theirs.insert(rows.Text(i, 0));
  if (ours == theirs) return;
  throw base::Error("model_moved", "another model has been applied, which follows other changes of " + stream)
      .Remedy("start again: yellow run");
}

std::set<std::string> Unread(ports::Session& session, const Applied& applied, const plan::Stream& stream) {
  std::set<std::string> unread;
  for (const sql::TableLayout& table : stream.tables) {
    if (!HasLog(table)) continue;
    if (!session.Execute({kIsRead, {Readers(applied, table), ToString(table.dataset)}}).Boolean(0, 0))
      unread.insert(table.dataset.dataset);
  }
  return unread;
}

std::vector<MergeInput> WithoutLogs(std::vector<MergeInput> inputs, const std::set<std::string>& datasets) {
  for (MergeInput& input : inputs) {
    if (datasets.count(input.spec.table.dataset.dataset) != 0) input.spec.table.changes = false;
  }
  return inputs;
}

void BeginLogsAfter(ports::Session& session, const std::string& stream, const std::set<std::string>& datasets,
                    int batch) {
  for (const std::string& dataset : datasets) {
    session.Execute({"UPDATE yellow.change_log SET kept_since = $3 WHERE stream = $1 AND dataset = $2",
                     {stream, dataset, std::to_string(batch)}});
  }
}

void CleanChangeLogs(ports::Session& engine, const Applied& applied, const std::set<std::string>& streams) {
  for (const std::string& key : streams) {
    const plan::Stream* stream = applied.physical.FindStream(key);
    if (stream == nullptr) continue;
    for (const sql::TableLayout& table : stream->tables) {
      if (!HasLog(table)) continue;
      try {
        Clean(engine, applied, key, table);
      } catch (const base::Error&) {  // the next batch or run cleans
        return;
      }
    }
  }
}

}  // namespace yellow::run
