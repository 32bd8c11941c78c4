#include "run/batch_runner.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/json_text.h"
#include "run/change_log.h"
#include "run/commit.h"
#include "run/lease.h"
#include "run/notice_store.h"
#include "run/patience.h"
#include "run/source_reader.h"
#include "run/state_store.h"
#include "run/tick.h"

namespace yellow::run {
namespace {

/// Thrown inside an attempt to end it as held.
struct HeldBatch {
  Hold hold;
};

struct BatchRow {
  int number = 0;
  std::string state, attempt;
  bool released = false;
  int model_version = 0;
};

// The lowest of what was seen while the batch waits: transactions go on, and would soon hide that the source has gone
// back.
constexpr const char* kRecordPosition = R"(
UPDATE yellow.batch SET source_system = $3,
       source_position = CASE WHEN source_system = $3 THEN least(source_position, $4::bigint) ELSE $4::bigint END
WHERE stream = $1 AND batch = $2)";

constexpr const char* kWentBack = R"(
SELECT before.batch, before.source_system, before.source_position, now.source_system, now.source_position
FROM yellow.batch now CROSS JOIN LATERAL
     (SELECT * FROM yellow.batch b WHERE b.stream = now.stream AND b.state = 'committed' ORDER BY b.batch DESC LIMIT 1) before
WHERE now.stream = $1 AND now.batch = $2
AND (before.source_system <> now.source_system OR before.source_position > now.source_position))";

std::string CountsOf(const Merged& merged) {
  merge::Counters sum;
  for (const auto& [dataset, counters] : merged) {
    sum.inserted += counters.inserted, sum.updated += counters.updated, sum.deleted += counters.deleted;
  }
  return fmt::format("{} rows would be inserted, {} updated, {} deleted", sum.inserted, sum.updated, sum.deleted);
}

/// One batch of one stream: where it stands is in the database, this object only goes on from there.
class BatchAttempt {
 public:
  BatchAttempt(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Stream& stream)
      : effects_(effects),
        actor_(actor),
        applied_(applied),
        stream_(stream),
        store_(*applied.model.FindDatastore(stream.store)),
        snapshot_(std::get<model::SqlSnapshot>(store_.capture)),
        session_(Connect("batch")) {}

  /// `in_doubt`: the batch whose merge was sent to be committed, and no answer came; set when that happens here. Throws
  /// what may pass by itself.
  BatchReport Run(std::optional<int>& in_doubt) {
    if (in_doubt && WasCommitted(*in_doubt)) return Committed(*in_doubt);
    in_doubt.reset();
    lease_ = Lease::Take(effects_, actor_, stream_.container, stream_.key, *session_);
    if (!lease_) return Ended(BatchOutcome::kBusy, "busy", "another process holds the stream");
    try {
      return Continue(in_doubt);
    } catch (const HeldBatch& held) {
      return Close(BatchEvent::kHeld, BatchOutcome::kHeld, held.hold.code, held.hold.reason);
    } catch (const base::Error& error) {
      // Its batch stays as it is; who has the lease, or the newer model, goes on with it.
      if (error.code == "fenced" || error.code == "model_moved")
        return Ended(BatchOutcome::kFenced, error.code, error.what());
      if (error.retryable) throw;
      if (IsAboutRows(error))
        return Close(BatchEvent::kHeld, BatchOutcome::kHeld, "unmergeable", base::Describe(error));
      return Fail(error);
    }
  }

  BatchReport Fail(const base::Error& error) {
    return Close(BatchEvent::kFailed, BatchOutcome::kFailed, error.code, base::Describe(error));
  }

 private:
  std::unique_ptr<ports::Session> Connect(const std::string& purpose) {
    return effects_.connector.Open(
        effects_.endpoints.Service(stream_.container, ports::ServiceRole::kEngine, purpose + " " + stream_.key));
  }

  BatchReport Ended(BatchOutcome outcome, const std::string& code, const std::string& reason) const {
    BatchReport report;
    report.outcome = outcome;
    report.batch = batch_.number;
    report.reason_code = code;
    report.reason = reason;
    return report;
  }

  /// A writing transaction: work, fence last, commit.
  template <typename Work>
  void Write(std::string_view name, Work work) {
    ports::Transaction transaction(*session_, "", name);
    lease_->Check(*session_);
    work();
    lease_->Fence(*session_);
    transaction.Commit();
  }

  BatchReport Continue(std::optional<int>& in_doubt) {
    OpenOrContinue();
    if (!IsStaged()) Stage();
    for (const sql::TableLayout& table : stream_.tables) inputs_.push_back(InputOf(table));
    Write("merge", [&] {
      const std::string back = batch_.released || snapshot_.guards.may_go_back ? "" : WentBack();
      if (const auto hold = CheckRows(*session_, inputs_, snapshot_.guards, batch_.released))
        throw HeldBatch{WithBreach(*hold, back)};
      RequireFollowed(*session_, stream_.key, stream_.tables);
      const std::set<std::string> unread = Unread(*session_, applied_, stream_);
      effects_.reporter.UnderWay({NameOfNode(stream_.key), "merges what it has read"});
      auto result = MergeAll(*session_, WithoutLogs(inputs_, unread), snapshot_.guards, batch_.released);
      if (auto* hold = std::get_if<Hold>(&result)) throw HeldBatch{WithBreach(*hold, back)};
      if (!back.empty()) throw HeldBatch{{"went_back", back + "; " + CountsOf(std::get<Merged>(result)), true}};
      merged_ = std::get<Merged>(result);
      ForgetRejected(*session_, stream_.key, inputs_, applied_.model.ecosystem.retention.control.seconds);
      BeginLogsAfter(*session_, stream_.key, unread, batch_.number);
      CommitBatch(*session_, stream_.key, batch_.number, merged_, "staged");
      if (!ReceiversOf(applied_).empty())
        EndNotices(*session_, stream_.key, {model::NoticeEvent::kHeld, model::NoticeEvent::kFailed},
                   fmt::format("batch {} is committed", batch_.number));
      in_doubt = batch_.number;
    });
    return Committed(batch_.number);
  }

  /// How the source is not where the last committed batch has seen it; empty when it is there or further on.
  std::string WentBack() {
    const ports::Rows rows = session_->Execute({kWentBack, {stream_.key, std::to_string(batch_.number)}});
    if (rows.empty()) return "";
    if (!rows.IsNull(0, 1) && !rows.IsNull(0, 3) && rows.Text(0, 1) != rows.Text(0, 3))
      return fmt::format("the source is not the server that batch {} was read from", rows.Integer(0, 0));
    return fmt::format(
        "the source has gone back in time, as after a restore: its next transaction was {} when batch {} was read, and "
        "is {}",
        rows.Integer(0, 2), rows.Integer(0, 0), rows.Integer(0, 4));
  }

  /// Whoever accepts the one accepts the other, so both are told.
  static Hold WithBreach(Hold hold, const std::string& back) {
    if (hold.guarded && !back.empty()) hold.reason = back + "; " + hold.reason;
    return hold;
  }

  BatchReport Committed(int batch) {
    try {
      session_->Execute({"SELECT pg_notify('yellow', $1)", {stream_.key}});
    } catch (const base::Error&) {  // only a hint; the table is the truth
    }
    CleanChangeLogs(*session_, applied_, {stream_.key});
    return merged_.empty() ? ReportOf(*session_, stream_.key, batch) : ReportOf(batch, merged_);
  }

  merge::MergeSpec SpecOf(const sql::TableLayout& table) {
    merge::MergeSpec spec;
    spec.table = table;
    spec.batch = batch_.number;
    spec.source = sql::Qualified(table.schema, table.staging_table);
    spec.live_rows = LiveRows(*session_, stream_.key, table.dataset.dataset);
    return spec;
  }

  MergeInput InputOf(const sql::TableLayout& table) {
    const ports::Rows mark = session_->Execute(
        {"SELECT rows FROM yellow.mark WHERE stream = $1 AND dataset = $2 AND attempt = $3 AND batch = $4",
         {stream_.key, table.dataset.dataset, batch_.attempt, std::to_string(batch_.number)}});
    if (mark.empty())
      throw base::Error("staging_lost", "the staged rows of " + ToString(table.dataset) + " are gone").Retryable();
    return {SpecOf(table), mark.Integer(0, 0), ""};
  }

  std::optional<BatchRow> UnderWay() {
    const ports::Rows rows =
        session_->Execute({"SELECT batch, state, attempt, released, model_version FROM yellow.batch WHERE stream = $1 "
                           "AND state IN ('open', 'staged', 'held')",
                           {stream_.key}});
    if (rows.empty()) return std::nullopt;
    return BatchRow{static_cast<int>(rows.Integer(0, 0)), rows.Text(0, 1), rows.Text(0, 2), rows.Boolean(0, 3),
                    static_cast<int>(rows.Integer(0, 4))};
  }

  void OpenOrContinue() {
    const auto under_way = UnderWay();
    if (under_way && under_way->model_version == applied_.version &&
        (under_way->state != "held" || under_way->released)) {
      batch_ = *under_way;
      return;
    }
    const std::string attempt = effects_.entropy.Hex(16);
    Write("open", [&] {
      if (under_way) {
        // A held batch is read again under its number; one of another model version begins again.
        MoveBatch(*session_, stream_.key, under_way->number, BatchEvent::kReadAgain);
        session_->Execute(
            {"UPDATE yellow.batch SET released = false, released_by = NULL, attempt = $3, model_version = $4, "
             "source_read_at = NULL, "
             "staged_at = NULL, opened_by = nullif($5, '') "
             "WHERE stream = $1 AND batch = $2",
             {stream_.key, std::to_string(under_way->number), attempt, std::to_string(applied_.version), actor_.job}});
      } else {
        session_->Execute(
            {"INSERT INTO yellow.batch (stream, batch, state, attempt, model_version, opened_by) "
             "SELECT $1, greatest(numbers_after, (SELECT max(batch) FROM yellow.batch WHERE stream = $1)) + 1, 'open', "
             "$2, $3, nullif($4, '') FROM yellow.stream WHERE key = $1",
             {stream_.key, attempt, std::to_string(applied_.version), actor_.job}});
      }
      session_->Execute(
          {"UPDATE yellow.stream SET last_opened_at = clock_timestamp(), requested_at = NULL WHERE key = $1",
           {stream_.key}});
    });
    batch_ = *UnderWay();
  }

  /// Every dataset has a mark of this attempt. A released batch whose staging a crash has emptied is read again.
  bool IsStaged() {
    const ports::Rows marks =
        session_->Execute({"SELECT dataset FROM yellow.mark WHERE stream = $1 AND batch = $2 AND attempt = $3",
                           {stream_.key, std::to_string(batch_.number), batch_.attempt}});
    std::set<std::string> marked;
    for (size_t i = 0; i < marks.size(); ++i) marked.insert(marks.Text(i, 0));
    for (const sql::TableLayout& table : stream_.tables) {
      if (marked.count(table.dataset.dataset) == 0) return false;
    }
    if (batch_.state != "staged") MarkStaged();
    return true;
  }

  void MarkStaged() {
    Write("staged", [&] {
      MoveBatch(*session_, stream_.key, batch_.number, BatchEvent::kStaged);
      session_->Execute(
          {"UPDATE yellow.batch SET staged_at = clock_timestamp() WHERE stream = $1 AND batch = $2 "
           "AND attempt = $3",
           {stream_.key, std::to_string(batch_.number), batch_.attempt}});
    });
    batch_.state = "staged";
  }

  /// Reads every dataset again, from one snapshot of the source: marks of another snapshot are worth nothing.
  void Stage() {
    batch_.attempt = effects_.entropy.Hex(16);
    Write("attempt", [&] {
      session_->Execute({"DELETE FROM yellow.mark WHERE stream = $1", {stream_.key}});
      MoveBatch(*session_, stream_.key, batch_.number, BatchEvent::kReadAgain);
      session_->Execute(
          {"UPDATE yellow.batch SET attempt = $3, staged_at = NULL, source_read_at = clock_timestamp() "
           "WHERE stream = $1 AND batch = $2",
           {stream_.key, std::to_string(batch_.number), batch_.attempt}});
    });
    batch_.state = "open";
    SourceReader source(effects_, applied_, stream_, session_->server_version());
    if (const auto hold = source.Open()) throw HeldBatch{*hold};
    for (const sql::TableLayout& table : stream_.tables) StageOne(source, table);
    MarkStaged();
  }

  void SayReading(const sql::TableLayout& table, int64_t rows) {
    const auto place = static_cast<int>(&table - stream_.tables.data());
    effects_.reporter.UnderWay({NameOfNode(stream_.key), "reads " + table.dataset.dataset, place + 1,
                                static_cast<int>(stream_.tables.size()), rows});
  }

  void StageOne(SourceReader& source, const sql::TableLayout& table) {
    SayReading(table, 0);
    while (true) {
      try {
        Write("stage", [&] {
          session_->Execute("TRUNCATE " + sql::Qualified(table.schema, table.staging_table));
          if (&table == stream_.tables.data()) Record(source.position());
          Mark(table, source.Copy(*session_, table, [&](int64_t rows) { SayReading(table, rows); }),
               source.ignored(table));
        });
        return;
      } catch (base::Error& error) {
        error.Context("while staging " + ToString(table.dataset));
        if (const auto hold = source.Settle(table, error)) throw HeldBatch{*hold};
      }
    }
  }

  void Record(const SourcePosition& position) {
    session_->Execute(
        {kRecordPosition,
         {stream_.key, std::to_string(batch_.number), position.system, std::to_string(position.next_transaction)}});
  }

  void Mark(const sql::TableLayout& table, int64_t rows, const std::vector<std::string>& ignored) {
    session_->Execute(
        {"INSERT INTO yellow.mark (stream, batch, attempt, dataset, rows, ignored) VALUES ($1, $2, $3, $4, "
         "$5, ARRAY(SELECT jsonb_array_elements_text($6)))",
         {stream_.key, std::to_string(batch_.number), batch_.attempt, table.dataset.dataset, std::to_string(rows),
          base::JsonArray(ignored)}});
  }

  /// Held or failed: recorded on a new session, because the old one may be what failed.
  BatchReport Close(BatchEvent event, BatchOutcome outcome, const std::string& code, const std::string& reason) {
    session_ = Connect("batch");
    if (batch_.number == 0) return Ended(outcome, code, reason);
    try {
      Write(Word(event), [&] {
        MoveBatch(*session_, stream_.key, batch_.number, event);
        session_->Execute(
            {"UPDATE yellow.batch SET released = false, reason_code = $3, reason = $4 WHERE stream = $1 AND batch = $2",
             {stream_.key, std::to_string(batch_.number), code, reason}});
        session_->Execute(
            {"INSERT INTO yellow.event (kind, node, batch, actor, detail) VALUES ($1, $2, $3, $4, $5)",
             {"batch_" + std::string(Word(event)), stream_.key, std::to_string(batch_.number), actor_.person, reason}});
        Tell(event, code, reason);
      });
    } catch (const base::Error& error) {
      if (error.code != "fenced") throw;
      return Ended(BatchOutcome::kFenced, "fenced", error.what());
    }
    return Ended(outcome, code, reason);
  }

  void Tell(BatchEvent event, const std::string& code, const std::string& reason) {
    if (ReceiversOf(applied_).empty()) return;
    const bool held = event == BatchEvent::kHeld;
    if (!held)
      EndNotices(*session_, stream_.key, {model::NoticeEvent::kHeld},
                 fmt::format("batch {} has failed", batch_.number));
    BeginNotices(*session_, applied_,
                 {stream_.key, held ? model::NoticeEvent::kHeld : model::NoticeEvent::kFailed, batch_.number, "", code,
                  TellableReason(code, reason, NameOfNode(stream_.key))});
  }

  /// The connection was lost inside COMMIT: whether it happened is in the table.
  bool WasCommitted(int batch) {
    return !session_
                ->Execute({"SELECT 1 FROM yellow.batch WHERE stream = $1 AND batch = $2 AND state = 'committed'",
                           {stream_.key, std::to_string(batch)}})
                .empty();
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Stream& stream_;
  const model::Datastore& store_;
  const model::SqlSnapshot& snapshot_;
  std::unique_ptr<Lease> lease_;  // outlives the session, whose transaction may hold the lease's row
  std::unique_ptr<ports::Session> session_;
  BatchRow batch_;
  std::vector<MergeInput> inputs_;
  Merged merged_;
};

}  // namespace

BatchReport RunBatch(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Stream& stream) {
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  std::optional<int> in_doubt;
  while (true) {
    std::unique_ptr<BatchAttempt> attempt;
    try {
      attempt = std::make_unique<BatchAttempt>(effects, actor, applied, stream);
      return attempt->Run(in_doubt);
    } catch (const base::Error& error) {
      if (error.retryable && Again(effects, patience, stream.key, error)) continue;
      if (attempt == nullptr) throw;
      return attempt->Fail(error);
    }
  }
}

}  // namespace yellow::run
