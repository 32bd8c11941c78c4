#include "run/run_ending.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "run/notice_store.h"
#include "run/run_login.h"
#include "run/state_store.h"

namespace yellow::run {
namespace {

constexpr int64_t kFirstBackOff = 10, kLongestBackOff = 600;  // seconds

constexpr const char* kOverdue =
    "SELECT id, transformer, state, coalesce(handed_to, '') FROM yellow.run "
    "WHERE state IN ('preparing', 'launched', 'finished', 'ingesting') "
    "AND deadline < clock_timestamp() - make_interval(secs => $1)";

RunEnding OverdueEnding(const std::string& state, const std::string& handed_to) {
  if (!handed_to.empty() && (state == "preparing" || state == "finished"))
    return {RunEvent::kLost, "lost", "it was " + state + ", and " + handed_to + " has not gone on with it", {}};
  return {RunEvent::kTimedOut,
          "timeout",
          "it was still " + state + " after its deadline, and was ended by another yellow",
          {}};
}

void CountFailure(ports::Session& session, const std::string& transformer, const std::string& definition, int retries) {
  const int64_t failures =
      session
          .Execute({"UPDATE yellow.transformer SET failures = failures + 1 WHERE key = $1 RETURNING failures",
                    {transformer}})
          .Integer(0, 0);
  if (failures > retries) {
    session.Execute(
        {"UPDATE yellow.transformer SET failed_definition = $2, failures = 0, retry_at = NULL WHERE key = $1",
         {transformer, definition}});
    return;
  }
  const int64_t pause = std::min(kLongestBackOff, kFirstBackOff << std::min<int64_t>(failures - 1, 10));
  session.Execute(
      {"UPDATE yellow.transformer SET retry_at = clock_timestamp() + make_interval(secs => $2) WHERE key = $1",
       {transformer, std::to_string(pause)}});
}

}  // namespace

void EndRun(ports::Session& session, const Actor& actor, const std::string& run_id, const RunEnding& ending) {
  const std::string reason = base::AsText(ending.reason);
  MoveRun(session, run_id, ending.event);
  const ports::Rows run =
      session.Execute({"UPDATE yellow.run SET reason_code = $2, reason = $3, closed_at = clock_timestamp(), keeper_pid "
                       "= NULL WHERE id = $1 RETURNING transformer, definition, state",
                       {run_id, ending.code, reason}});
  session.Execute({"INSERT INTO yellow.event (kind, node, run_id, actor, detail) VALUES ($1, $2, $3, $4, $5)",
                   {"run_" + run.Text(0, 2), run.Text(0, 0), run_id, actor.person, reason}});
  if (ending.retries) CountFailure(session, run.Text(0, 0), run.Text(0, 1), *ending.retries);
}

void TellRunFailed(ports::Session& session, const Applied& applied, const std::string& transformer,
                   const std::string& run_id, const RunEnding& ending) {
  if (ending.event != RunEvent::kFailed && ending.event != RunEvent::kTimedOut) return;
  BeginNotices(session, applied,
               {transformer, model::NoticeEvent::kFailed, std::nullopt, run_id, ending.code,
                TellableReason(ending.code, ending.reason, NameOfNode(transformer))});
}

void HoldOutput(ports::Session& session, const Applied& applied, const plan::Stream& output, const std::string& run_id,
                const RunEnding& ending) {
  const ports::Rows held = session.Execute(
      {"INSERT INTO yellow.batch (stream, batch, state, attempt, model_version, run_id, reason_code, reason) "
       "SELECT $1, greatest(numbers_after, (SELECT max(batch) FROM yellow.batch WHERE stream = $1)) + 1, 'held', $2, "
       "$3, $2, $4, $5 FROM yellow.stream WHERE key = $1 AND NOT EXISTS (SELECT FROM yellow.batch WHERE stream = $1 "
       "AND state IN ('open', 'staged', 'held')) RETURNING batch",
       {output.key, run_id, std::to_string(applied.version), ending.code, ending.reason}});
  if (held.empty()) return;
  BeginNotices(session, applied,
               {output.key, model::NoticeEvent::kHeld, static_cast<int>(held.Integer(0, 0)), "", ending.code,
                TellableReason(ending.code, ending.reason, NameOfNode(output.key))});
}

std::optional<std::string> CancelledBecause(ports::Session& session, const std::string& run_id) {
  const ports::Rows rows =
      session.Execute({"SELECT reason FROM yellow.run WHERE id = $1 AND state = 'cancelled'", {run_id}});
  if (rows.empty()) return std::nullopt;
  return rows.Text(0, 0);
}

std::vector<std::string> EndOverdueRuns(const Effects& effects, ports::Session& engine, const Actor& actor,
                                        const Applied& applied) {
  const ports::Rows overdue = engine.Execute({kOverdue, {std::to_string(kOverdueSeconds)}});
  std::vector<std::string> ended;
  for (size_t i = 0; i < overdue.size(); ++i) {
    const plan::Transformer* transformer = applied.physical.FindTransformer(overdue.Text(i, 1));
    RunEnding ending = OverdueEnding(overdue.Text(i, 2), overdue.Text(i, 3));
    if (transformer != nullptr && ending.event == RunEvent::kTimedOut)
      ending.retries = applied.model.FindWorkspace(transformer->workspace)->transformer->retries;
    try {
      ports::Transaction transaction(engine, "", "overdue");
      EndRun(engine, actor, overdue.Text(i, 0), ending);
      TellRunFailed(engine, applied, overdue.Text(i, 1), overdue.Text(i, 0), ending);
      transaction.Commit();
    } catch (const base::Error& error) {
      if (error.code != "fenced") throw;
      continue;  // it ended by itself meanwhile
    }
    ended.push_back(overdue.Text(i, 0));
    effects.reporter.Line("Run " + overdue.Text(i, 0) +
                          (ending.event == RunEvent::kLost ? " is lost: " : " has timed out: ") + ending.reason);
  }
  return ended;
}

}  // namespace yellow::run
