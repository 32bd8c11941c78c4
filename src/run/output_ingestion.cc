#include "run/output_ingestion.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "run/change_log.h"
#include "run/notice_store.h"
#include "run/state_store.h"
#include "sql/names.h"

namespace yellow::run {
namespace {

MergeInput InputOf(ports::Session& session, const FinishedRun& run, const sql::TableLayout& table, int batch) {
  merge::MergeSpec spec;
  spec.table = table;
  spec.batch = batch;
  spec.source = sql::Qualified(table.schema, table.output_table);
  if (table.incremental_output) spec.meaning = merge::SourceMeaning::kSnapshotWithOp;
  if (run.mode.incremental) spec.meaning = merge::SourceMeaning::kChanges;
  spec.live_rows = LiveRows(session, run.output.key, table.dataset.dataset);
  return {spec, std::nullopt, ""};
}

void CloseRun(ports::Session& session, const Actor& actor, const FinishedRun& run, int batch) {
  MoveRun(session, run.id, RunEvent::kCommitted);
  session.Execute({"UPDATE yellow.run SET closed_at = clock_timestamp(), output_batch = $2 WHERE id = $1",
                   {run.id, std::to_string(batch)}});
  if (!run.repairs)
    session.Execute(
        {"UPDATE yellow.transformer SET definition = $2, failures = 0, failed_definition = NULL, retry_at = NULL WHERE "
         "key = $1",
         {run.transformer.key, run.transformer.definition}});
  session.Execute(
      {"INSERT INTO yellow.event (kind, node, batch, run_id, actor, detail) VALUES ('run_committed', $1, $2, $3, $4, "
       "$5)",
       {run.transformer.key, std::to_string(batch), run.id, actor.person, run.cause}});
}

void TellCommitted(ports::Session& session, const Applied& applied, const FinishedRun& run, int batch) {
  if (ReceiversOf(applied).empty()) return;
  EndNotices(session, run.output.key, {model::NoticeEvent::kHeld}, fmt::format("batch {} is committed", batch));
  if (!run.repairs)
    EndNotices(session, run.transformer.key, {model::NoticeEvent::kFailed}, "run " + run.id + " is committed");
}

}  // namespace

std::variant<TakenOutput, Hold> TakeOutputIn(ports::Session& session, const Actor& actor, const Applied& applied,
                                             const FinishedRun& run) {
  for (const sql::TableLayout& output : run.transformer.outputs)
    session.Execute({"SELECT yellow_op.dt_lock($1, $2)", {output.schema, output.output_table}});
  const OutputBatch opened = OpenOutputBatch(session, run.output.key, run.id, applied.version);
  RequireFollowed(session, run.output.key, run.output.tables);
  const model::Guards& guards =
      std::get<model::TransformerOutput>(applied.model.FindDatastore(run.output.store)->capture).guards;
  std::vector<MergeInput> inputs;
  for (const sql::TableLayout& table : run.output.tables) inputs.push_back(InputOf(session, run, table, opened.number));
  if (auto hold = CheckRows(session, inputs, guards, opened.released)) return std::move(*hold);
  const std::set<std::string> unread = Unread(session, applied, run.output);
  auto merged = MergeAll(session, WithoutLogs(inputs, unread), guards, opened.released);
  if (auto* hold = std::get_if<Hold>(&merged)) return std::move(*hold);
  TakenOutput taken{opened.number, std::move(std::get<Merged>(merged))};
  BeginLogsAfter(session, run.output.key, unread, taken.batch);
  CommitBatch(session, run.output.key, taken.batch, taken.merged, "staged");
  MoveCursors(session, run.transformer.key, run.claims);
  CloseRun(session, actor, run, taken.batch);
  TellCommitted(session, applied, run, taken.batch);
  return taken;
}

}  // namespace yellow::run
