#include "run/repair.h"

#include <fmt/format.h>

#include "base/error.h"
#include "run/audit.h"
#include "run/notice_store.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/state_store.h"

namespace yellow::run {
namespace {

void RecordEvent(ports::Session& engine, const Actor& actor, const std::string& kind, const std::string& node,
                 int batch, const std::string& detail) {
  engine.Execute(
      {"INSERT INTO yellow.event (kind, node, batch, actor, detail) VALUES ($1, $2, nullif($3::int, 0), $4, $5)",
       {kind, node, std::to_string(batch), actor.person, detail}});
}

void End(ports::Transaction& transaction, Mode mode) {
  if (mode == Mode::kDo) transaction.Commit();
}

BatchInfo ShowHeld(ports::Session& engine, const std::string& stream, std::optional<int> batch) {
  BatchInfo info = ShowBatch(engine, stream, batch);
  if (info.state != "held")
    throw base::UsageError(fmt::format("batch {} of {} is not held, it is {}", info.batch, stream, info.state));
  return info;
}

}  // namespace

void PauseStream(ports::Session& engine, const Actor& actor, const std::string& stream, bool paused, Mode mode) {
  ports::Transaction transaction(engine);
  const ports::Rows changed = engine.Execute(
      {"UPDATE yellow.stream SET paused = $2::boolean, resumed_at = CASE WHEN $2::boolean THEN resumed_at ELSE "
       "clock_timestamp() END WHERE key = $1 AND paused <> $2::boolean RETURNING 1",
       {stream, paused ? "true" : "false"}});
  if (changed.empty()) return;
  RecordEvent(engine, actor, paused ? "stream_paused" : "stream_resumed", stream, 0, "asked for");
  RecordAudit(engine, actor, paused ? "stream.paused" : "stream.resumed", stream);
  End(transaction, mode);
}

void ReplayStream(ports::Session& engine, const Actor& actor, const std::string& stream, Mode mode) {
  ports::Transaction transaction(engine);
  const ports::Rows asked = engine.Execute(
      {"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = $1 AND NOT paused RETURNING 1",
       {stream}});
  if (asked.empty())
    throw base::UsageError("the stream is paused: " + NameOfNode(stream))
        .Remedy("yellow streams resume " + NameOfNode(stream));
  RecordEvent(engine, actor, "replay", stream, 0, "asked for");
  RecordAudit(engine, actor, "stream.replayed", stream);
  End(transaction, mode);
}

void ReleaseBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch,
                  Mode mode) {
  ports::Transaction transaction(engine);
  const BatchInfo info = ShowHeld(engine, stream, batch);
  if (!info.guarded) {
    throw base::UsageError(fmt::format("batch {} of {} cannot be released: {}", info.batch, stream, info.reason))
        .Remedy("mend it at the source; it is read again at the next schedule, or with: yellow run");
  }
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
  RecordAudit(engine, actor, "batch.released", stream,
              {{"batch", std::to_string(info.batch)}, {"reason_code", info.reason_code}});
  End(transaction, mode);
}

void RejectBatch(ports::Session& engine, const Actor& actor, const std::string& stream, std::optional<int> batch,
                 Mode mode) {
  ports::Transaction transaction(engine);
  const BatchInfo info = ShowHeld(engine, stream, batch);
  MoveBatch(engine, stream, info.batch, BatchEvent::kRejected);
  EndNotices(engine, stream, {model::NoticeEvent::kHeld},
             fmt::format("batch {} was rejected by {}", info.batch, actor.person));
  RecordEvent(engine, actor, "batch_rejected", stream, info.batch, info.reason);
  RecordAudit(engine, actor, "batch.rejected", stream,
              {{"batch", std::to_string(info.batch)}, {"reason_code", info.reason_code}});
  End(transaction, mode);
}

std::string CancelRun(const Effects& effects, ports::Session& engine, const Actor& actor, const std::string& prefix,
                      const std::string& id, Mode mode) {
  const RunInfo run = ShowRun(engine, id);
  {
    ports::Transaction transaction(engine);
    try {
      EndRun(engine, actor, run.id, {RunEvent::kCancelled, "cancelled", "cancelled by " + actor.person, {}});
    } catch (const base::Error& error) {
      if (error.code != "fenced") throw;
      throw base::UsageError(fmt::format("run {} is not open, it is {}", run.id, ShowRun(engine, run.id).state));
    }
    RecordAudit(engine, actor, "run.cancelled", run.transformer, {{"run", run.id}, {"was", run.state}});
    End(transaction, mode);
  }
  if (mode == Mode::kTry) return run.id;
  RunLogin login(effects, engine, prefix, run.id);
  login.Quiesce();
  login.Drop();
  return run.id;
}

void RetryTransformer(ports::Session& engine, const Actor& actor, const std::string& transformer, bool rebuild,
                      Mode mode) {
  ports::Transaction transaction(engine);
  engine.Execute(
      {"UPDATE yellow.transformer SET requested_at = clock_timestamp(), retry_at = NULL, failed_definition = NULL, "
       "failures = 0, "
       "definition = CASE WHEN $2::boolean THEN NULL ELSE definition END WHERE key = $1",
       {transformer, rebuild ? "true" : "false"}});
  RecordEvent(engine, actor, rebuild ? "rebuild" : "retry", transformer, 0, "asked for");
  RecordAudit(engine, actor, rebuild ? "transformer.rebuilt" : "transformer.retried", transformer);
  End(transaction, mode);
}

}  // namespace yellow::run
