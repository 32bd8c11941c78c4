#include "run/batches.h"

#include <fmt/format.h>

#include "base/error.h"
#include "merge/merge.h"
#include "run/notice_store.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/state_store.h"

namespace yellow::run {
namespace {

std::string Time(const std::string& column) { return "coalesce(" + sql::Rfc3339(column) + ", '')"; }

std::string BatchColumns() {
  return "SELECT stream, batch, state, " + Time("opened_at") + ", " + Time("committed_at") +
         ", coalesce(reason_code, ''), coalesce(reason, ''), coalesce(run_id, ''), released, model_version "
         "FROM yellow.batch ";
}

std::string RunColumns() {
  return "SELECT id, transformer, state, cause, " + Time("opened_at") + ", " + Time("closed_at") +
         ", coalesce(reason_code, ''), coalesce(reason, ''), definition, mode, exit_status, output_batch, "
         "round(extract(epoch FROM coalesce(closed_at, clock_timestamp()) - opened_at), 1), coalesce(image, '') FROM "
         "yellow.run ";
}

BatchInfo BatchOf(const ports::Rows& rows, size_t i) {
  BatchInfo info;
  info.stream = rows.Text(i, 0), info.batch = static_cast<int>(rows.Integer(i, 1)), info.state = rows.Text(i, 2);
  info.opened_at = rows.Text(i, 3), info.committed_at = rows.Text(i, 4), info.reason_code = rows.Text(i, 5);
  info.reason = rows.Text(i, 6), info.run_id = rows.Text(i, 7), info.released = rows.Boolean(i, 8);
  info.guarded = info.state == "held" && merge::IsGuarded(info.reason_code);
  info.model_version = static_cast<int>(rows.Integer(i, 9));
  return info;
}

RunInfo RunOf(const ports::Rows& rows, size_t i) {
  RunInfo run;
  run.id = rows.Text(i, 0), run.transformer = rows.Text(i, 1), run.state = rows.Text(i, 2), run.cause = rows.Text(i, 3);
  run.opened_at = rows.Text(i, 4), run.closed_at = rows.Text(i, 5), run.reason_code = rows.Text(i, 6),
  run.reason = rows.Text(i, 7);
  run.definition = rows.Text(i, 8), run.mode = rows.Text(i, 9);
  run.seconds = rows.Text(i, 12), run.image = rows.Text(i, 13);
  if (!rows.IsNull(i, 10)) run.exit_status = static_cast<int>(rows.Integer(i, 10));
  if (!rows.IsNull(i, 11)) run.output_batch = static_cast<int>(rows.Integer(i, 11));
  return run;
}

void RecordEvent(ports::Session& engine, const Actor& actor, const std::string& kind, const std::string& node,
                 int batch, const std::string& detail) {
  engine.Execute(
      {"INSERT INTO yellow.event (kind, node, batch, actor, detail) VALUES ($1, $2, nullif($3::int, 0), $4, $5)",
       {kind, node, std::to_string(batch), actor.person, detail}});
}

}  // namespace

void PauseStream(ports::Session& engine, const Actor& actor, const std::string& stream, bool paused) {
  ports::Transaction transaction(engine);
  const ports::Rows changed = engine.Execute(
      {"UPDATE yellow.stream SET paused = $2::boolean, resumed_at = CASE WHEN $2::boolean THEN resumed_at ELSE "
       "clock_timestamp() END WHERE key = $1 AND paused <> $2::boolean RETURNING 1",
       {stream, paused ? "true" : "false"}});
  if (changed.empty()) return;
  RecordEvent(engine, actor, paused ? "stream_paused" : "stream_resumed", stream, 0, "asked for");
  transaction.Commit();
}

std::vector<BatchInfo> ListBatches(ports::Session& engine, const std::string& stream, int limit) {
  const ports::Rows rows =
      engine.Execute({BatchColumns() + "WHERE $1 = '' OR stream = $1 ORDER BY opened_at DESC, stream LIMIT $2",
                      {stream, std::to_string(limit)}});
  std::vector<BatchInfo> batches;
  for (size_t i = 0; i < rows.size(); ++i) batches.push_back(BatchOf(rows, i));
  return batches;
}

BatchInfo ShowBatch(ports::Session& engine, const std::string& stream, std::optional<int> batch) {
  const ports::Rows rows = engine.Execute(
      {BatchColumns() + "WHERE stream = $1 AND ($2::int IS NULL OR batch = $2::int) ORDER BY batch DESC LIMIT 1",
       {stream, batch ? std::optional(std::to_string(*batch)) : std::nullopt}});
  if (rows.empty()) throw base::UsageError("there is no such batch of " + stream).Remedy("yellow batches list");
  BatchInfo info = BatchOf(rows, 0);
  const ports::Rows counts =
      engine.Execute({"SELECT dataset, staged, inserted, updated, deleted, unchanged, rejected FROM "
                      "yellow.batch_dataset WHERE stream = $1 AND batch = $2 ORDER BY dataset",
                      {stream, std::to_string(info.batch)}});
  for (size_t i = 0; i < counts.size(); ++i) {
    info.counts.push_back({counts.Text(i, 0), counts.Integer(i, 1), counts.Integer(i, 2), counts.Integer(i, 3),
                           counts.Integer(i, 4), counts.Integer(i, 5), counts.Integer(i, 6)});
  }
  const ports::Rows ignored = engine.Execute(
      {"SELECT dataset || '.' || unnest(ignored) FROM yellow.batch_dataset WHERE stream = $1 AND batch = "
       "$2 ORDER BY dataset",
       {stream, std::to_string(info.batch)}});
  for (size_t i = 0; i < ignored.size(); ++i) info.ignored.push_back(ignored.Text(i, 0));
  return info;
}

std::vector<RejectedRows> ShowRejected(ports::Session& engine, const plan::Stream& stream, int batch) {
  std::vector<RejectedRows> rejected;
  for (const sql::TableLayout& table : stream.tables) {
    if (!table.sets_aside) continue;
    const ports::Rows rows = engine.Execute(
        {"SELECT yellow_rule, yellow_reason, count(*), min(left(yellow_row, 1000)) FROM " +
             sql::Qualified(table.schema, table.rejected_table) +
             " WHERE yellow_batch_in <= $1::int AND yellow_batch_out > $1::int GROUP BY 1, 2 ORDER BY 3 DESC, 2",
         {std::to_string(batch)}});
    for (size_t i = 0; i < rows.size(); ++i) {
      rejected.push_back({table.dataset.dataset, table.schema + "." + table.rejected_table, rows.Text(i, 0),
                          rows.Text(i, 1), rows.Integer(i, 2), rows.Text(i, 3)});
    }
  }
  return rejected;
}

void ReleaseBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch) {
  const BatchInfo info = ShowBatch(engine, stream, batch);
  if (info.state != "held")
    throw base::UsageError(fmt::format("batch {} of {} is not held, it is {}", info.batch, stream, info.state));
  if (!info.guarded) {
    throw base::UsageError(fmt::format("batch {} of {} cannot be released: {}", info.batch, stream, info.reason))
        .Remedy("mend it at the source; it is read again at the next schedule, or with: yellow run");
  }
  ports::Transaction transaction(engine);
  const ports::Rows done =
      engine.Execute({"UPDATE yellow.batch SET released = true, released_by = $3 WHERE stream = $1 AND batch = $2 AND "
                      "state = 'held' RETURNING 1",
                      {stream, std::to_string(info.batch), actor.person}});
  if (done.empty()) throw base::UsageError("the batch is not held any more");
  engine.Execute(
      {"UPDATE yellow.transformer SET requested_at = clock_timestamp() WHERE key = (SELECT transformer FROM yellow.run "
       "WHERE id = $1)",
       {info.run_id}});
  RecordEvent(engine, actor, "batch_released", stream, info.batch, info.reason);
  transaction.Commit();
}

void RejectBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch) {
  const BatchInfo info = ShowBatch(engine, stream, batch);
  ports::Transaction transaction(engine);
  if (info.state != "held")
    throw base::UsageError(fmt::format("batch {} of {} is not held, it is {}", info.batch, stream, info.state));
  MoveBatch(engine, stream, info.batch, BatchEvent::kRejected);
  EndNotices(engine, stream, {model::NoticeEvent::kHeld},
             fmt::format("batch {} was rejected by {}", info.batch, actor.person));
  RecordEvent(engine, actor, "batch_rejected", stream, info.batch, info.reason);
  transaction.Commit();
}

std::vector<RunInfo> ListRuns(ports::Session& engine, const std::string& transformer, int limit) {
  const ports::Rows rows =
      engine.Execute({RunColumns() + "WHERE $1 = '' OR transformer = $1 ORDER BY opened_at DESC LIMIT $2",
                      {transformer, std::to_string(limit)}});
  std::vector<RunInfo> runs;
  for (size_t i = 0; i < rows.size(); ++i) runs.push_back(RunOf(rows, i));
  return runs;
}

RunInfo ShowRun(ports::Session& engine, const std::string& id) {
  const ports::Rows rows = engine.Execute({RunColumns() + "WHERE starts_with(id, $1) ORDER BY id LIMIT 2", {id}});
  if (rows.empty() || id.empty()) throw base::UsageError("there is no such run: " + id).Remedy("yellow runs list");
  if (rows.size() > 1 && rows.Text(0, 0) != id)
    throw base::UsageError("several runs begin so: " + id).Remedy("write more of its id");
  RunInfo run = RunOf(rows, 0);
  const ports::Rows claims = engine.Execute(
      {"SELECT input, from_batch, to_batch FROM yellow.claim WHERE run_id = $1 ORDER BY input", {run.id}});
  for (size_t i = 0; i < claims.size(); ++i) {
    run.claims.push_back(
        {claims.Text(i, 0), static_cast<int>(claims.Integer(i, 1)), static_cast<int>(claims.Integer(i, 2))});
  }
  return run;
}

std::string RunLog(ports::Session& engine, const std::string& id) {
  return engine.Execute({"SELECT coalesce(log, '') FROM yellow.run WHERE id = $1", {id}}).Text(0, 0);
}

void RetryTransformer(ports::Session& engine, const Actor& actor, const std::string& transformer, bool rebuild) {
  ports::Transaction transaction(engine);
  engine.Execute(
      {"UPDATE yellow.transformer SET requested_at = clock_timestamp(), retry_at = NULL, failed_definition = NULL, "
       "failures = 0, "
       "definition = CASE WHEN $2::boolean THEN NULL ELSE definition END WHERE key = $1",
       {transformer, rebuild ? "true" : "false"}});
  RecordEvent(engine, actor, rebuild ? "rebuild" : "retry", transformer, 0, "asked for");
  transaction.Commit();
}

std::string CancelRun(const Effects& effects, ports::Session& engine, const Actor& actor, const std::string& prefix,
                      const std::string& id) {
  const RunInfo run = ShowRun(engine, id);
  {
    ports::Transaction transaction(engine);
    try {
      EndRun(engine, actor, run.id, {RunEvent::kCancelled, "cancelled", "cancelled by " + actor.person, {}});
    } catch (const base::Error& error) {
      if (error.code != "fenced") throw;
      throw base::UsageError(fmt::format("run {} is not open, it is {}", run.id, ShowRun(engine, run.id).state));
    }
    transaction.Commit();
  }
  RunLogin login(effects, engine, prefix, run.id);
  login.Quiesce();
  login.Drop();
  return run.id;
}

}  // namespace yellow::run
