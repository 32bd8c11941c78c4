#include "run/batches.h"

#include <fmt/format.h>

#include "base/error.h"
#include "merge/merge.h"

namespace yellow::run {
namespace {

std::string Time(const std::string& column) { return "coalesce(" + sql::Rfc3339(column) + ", '')"; }

std::string BatchColumns() {
  return "SELECT stream, batch, state, " + Time("opened_at") + ", " + Time("committed_at") +
         ", coalesce(reason_code, ''), coalesce(reason, ''), coalesce(run_id, ''), released, model_version, "
         "coalesce(opened_by, '') "
         "FROM yellow.batch ";
}

std::string RunColumns() {
  return "SELECT id, transformer, state, cause, " + Time("opened_at") + ", " + Time("closed_at") +
         ", coalesce(reason_code, ''), coalesce(reason, ''), definition, mode, exit_status, output_batch, "
         "round(extract(epoch FROM coalesce(closed_at, clock_timestamp()) - opened_at), 1), coalesce(image, ''), "
         "coalesce(job, ''), coalesce(handed_to, ''), coalesce(request, '') FROM yellow.run ";
}

BatchInfo BatchOf(const ports::Rows& rows, size_t i) {
  BatchInfo info;
  info.stream = rows.Text(i, 0), info.batch = static_cast<int>(rows.Integer(i, 1)), info.state = rows.Text(i, 2);
  info.opened_at = rows.Text(i, 3), info.committed_at = rows.Text(i, 4), info.reason_code = rows.Text(i, 5);
  info.reason = rows.Text(i, 6), info.run_id = rows.Text(i, 7), info.released = rows.Boolean(i, 8);
  info.guarded = info.state == "held" && merge::IsGuarded(info.reason_code);
  info.model_version = static_cast<int>(rows.Integer(i, 9));
  info.opened_by = rows.Text(i, 10);
  return info;
}

RunInfo RunOf(const ports::Rows& rows, size_t i) {
  RunInfo run;
  run.id = rows.Text(i, 0), run.transformer = rows.Text(i, 1), run.state = rows.Text(i, 2), run.cause = rows.Text(i, 3);
  run.opened_at = rows.Text(i, 4), run.closed_at = rows.Text(i, 5), run.reason_code = rows.Text(i, 6),
  run.reason = rows.Text(i, 7);
  run.definition = rows.Text(i, 8), run.mode = rows.Text(i, 9);
  run.seconds = rows.Text(i, 12), run.image = rows.Text(i, 13), run.job = rows.Text(i, 14);
  run.handed_to = rows.Text(i, 15), run.request = rows.Text(i, 16);
  if (!rows.IsNull(i, 10)) run.exit_status = static_cast<int>(rows.Integer(i, 10));
  if (!rows.IsNull(i, 11)) run.output_batch = static_cast<int>(rows.Integer(i, 11));
  return run;
}

}  // namespace

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

}  // namespace yellow::run
