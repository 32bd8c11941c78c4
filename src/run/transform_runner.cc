#include "run/transform_runner.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/utf8.h"
#include "run/adoption.h"
#include "run/change_log.h"
#include "run/commit.h"
#include "run/execute_code.h"
#include "run/execute_container.h"
#include "run/keeper.h"
#include "run/lease.h"
#include "run/next_run.h"
#include "run/notice_store.h"
#include "run/output_ingestion.h"
#include "run/patience.h"
#include "run/run_ahead.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/run_mode.h"
#include "run/state_store.h"
#include "run/trust.h"

namespace yellow::run {
namespace {

constexpr int kSnapshotAttempts = 4;

/// A run's output is refused: its cursors and the old output stay.
struct RefusedOutput {
  Hold hold;
};

/// One run, from prepare to commit. Each step is in the database before the next begins, so that whoever finds the run
/// open can end it.
class TransformRun {
 public:
  TransformRun(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Transformer& transformer,
               std::string cause, bool last_attempt)
      : effects_(effects),
        actor_(actor),
        applied_(applied),
        transformer_(transformer),
        cause_(std::move(cause)),
        last_attempt_(last_attempt),
        declared_(*applied.model.FindWorkspace(transformer.workspace)->transformer),
        output_(*applied.physical.FindStream(transformer.output_stream)),
        prefix_(applied.model.environment ? applied.model.environment->role_prefix : "yellow") {}

  /// `in_doubt`: the run whose output was sent to be committed, and no answer came; set when that happens here. Throws
  /// what may pass by itself; the next try finds the run open and ends it as lost.
  RunReport Run(std::string& in_doubt) {
    engine_ = Connect(ports::ServiceRole::kEngine, "transform");
    if (!in_doubt.empty() && WasCommitted(in_doubt)) {
      login_.emplace(effects_, *engine_, prefix_, run_id_);
      DropLogin();
      return Committed();
    }
    in_doubt.clear();
    BeginAhead();
    writer_ = Connect(ports::ServiceRole::kIngestOut, "output");
    lease_ = Lease::Take(effects_, actor_, transformer_.container, output_.key, *engine_, {writer_->backend_pid()});
    if (!lease_) return Ended(RunOutcome::kBusy, "busy", "another process runs it");
    try {
      CodeResult code = Adopt() ? AwaitAdopted() : StartNew();
      Finish(code);
      if (StartsContainer(applied_.model, declared_)) RemoveContainer(effects_, applied_, run_id_);
      login_->Quiesce();
      if (code.outcome != CodeOutcome::kFinished) return Fail(code);
      IngestOutput(in_doubt);
      DropLogin();
      return Committed();
    } catch (const RefusedOutput& refused) {
      return Fail(RunOutcome::kHeld, Counted(RunEvent::kFailed, refused.hold.code, refused.hold.reason));
    } catch (const base::Error& error) {
      if (const auto closed = ClosedBySomebody(error)) return *closed;
      if (StepTimedOut(error)) return Fail(RunOutcome::kTimedOut, Counted(RunEvent::kTimedOut, "timeout", step_limit_));
      if (error.retryable) throw;
      return Fail(error);
    }
  }

  RunReport Fail(const base::Error& error) {
    return Fail(RunOutcome::kFailed, Counted(RunEvent::kFailed, error.code, base::Describe(error)));
  }

 private:
  std::unique_ptr<ports::Session> Connect(ports::ServiceRole role, const std::string& purpose) {
    return effects_.connector.Open(
        effects_.endpoints.Service(transformer_.container, role, purpose + " " + transformer_.key));
  }

  RunReport Ended(RunOutcome outcome, const std::string& code, const std::string& reason) const {
    RunReport report;
    report.outcome = outcome;
    report.run_id = run_id_;
    report.reason_code = code;
    report.reason = reason;
    return report;
  }

  RunReport Committed() {
    RunReport report;
    report.run_id = run_id_;
    report.output = merged_.empty() ? ReportOf(*engine_, output_.key, batch_) : ReportOf(batch_, merged_);
    try {
      engine_->Execute({"SELECT pg_notify('yellow', $1)", {output_.key}});
    } catch (const base::Error&) {  // only a hint
    }
    CleanConsumed();
    try {
      // What was merged is there twice, and the next run begins the sooner.
      if (writer_) writer_->ExecuteAll(Clearing());
      DropOrphanLogins(effects_, *engine_, prefix_, transformer_.key);
    } catch (const base::Error&) {  // it begins with this
    }
    return report;
  }

  /// The cursors have moved, so that changes of the inputs may be needed by nobody any more.
  void CleanConsumed() {
    std::set<std::string> streams{output_.key};
    for (const plan::TransformerInput& input : transformer_.inputs) streams.insert(input.stream);
    CleanChangeLogs(*engine_, applied_, streams);
  }

  /// These statements, one of which moves the run, with the fence last, in a transaction of their own.
  void MoveWith(ports::Session& session, std::string_view name, RunEvent event,
                std::vector<sql::Statement> statements) {
    statements.push_back(MovingRun(run_id_, event));
    statements.push_back(lease_->Fencing());
    ports::Transaction transaction(session, "", name, std::move(statements));
    const std::vector<ports::Rows> results = transaction.Received();
    RequireMoved(results.at(results.size() - 2), run_id_, event);
    lease_->RequireFence(results.back());
    transaction.Commit();
  }

  /// A writing transaction on `session`, with the fence last.
  template <typename Work>
  void Write(ports::Session& session, std::string_view name, Work work) {
    ports::Transaction transaction(session, "", name);
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      lease_->Fence(session);
    } else {  // statements that are still to be executed
      std::vector<sql::Statement> statements = work();
      statements.push_back(lease_->Fencing());
      lease_->RequireFence(session.ExecuteAll(std::move(statements)).back());
    }
    transaction.Commit();
  }

  CodeResult StartNew() {
    EndEarlierRuns();
    Prepare();
    Claim();
    password_ = ahead_->AwaitLogin();
    return Execute();
  }

  /// Goes on with the run whose container has outlived the process that started it.
  bool Adopt() {
    const auto run = FindAdoptable(effects_, *engine_, applied_, transformer_);
    if (!run) return false;
    ahead_.reset();
    DropOrphanLogins(effects_, *engine_, prefix_, transformer_.key);  // the one that was made for a new run
    run_id_ = run->id, mode_ = run->mode, claims_ = run->claims, seconds_left_ = run->seconds_left;
    login_.emplace(effects_, *engine_, prefix_, run_id_);
    Write(*engine_, "adopt", [&] { return Adopting(actor_, run_id_); });
    effects_.reporter.Line(transformer_.workspace + ": goes on with run " + run_id_ + ", whose container was left");
    return true;
  }

  CodeResult AwaitAdopted() {
    effects_.reporter.UnderWay({transformer_.workspace, "waits for its container"});
    return AwaitContainer(effects_, ContextWith("", {}), seconds_left_);
  }

  /// We hold the lease, so whoever left a run open does not work on it any more: it is lost, and counts as no failure
  /// of the code.
  void EndEarlierRuns() {
    const ports::Rows open =
        engine_->Execute({"SELECT id FROM yellow.run WHERE transformer = $1 AND state IN ('preparing', 'launched', "
                          "'finished', 'ingesting')",
                          {transformer_.key}});
    for (size_t i = 0; i < open.size(); ++i) {
      RunLogin(effects_, *engine_, prefix_, open.Text(i, 0)).Quiesce();
      Write(*engine_, "lost", [&] {
        EndRun(*engine_, actor_, open.Text(i, 0),
               {RunEvent::kLost,
                "lost",
                "the process that ran it has ended, or was paused for longer than its lease",
                {}});
      });
      if (StartsContainer(applied_.model, declared_)) RemoveContainer(effects_, applied_, open.Text(i, 0));
    }
    if (!open.empty()) DropOrphanLogins(effects_, *engine_, prefix_, transformer_.key);
  }

  /// No statement of the step that begins here takes longer, if what is returned is executed first by each session,
  /// nor, as StepTimedOut and RequireTime see it, all of them.
  sql::Statement LimitStep(const std::string& what, const std::string& setting, int64_t seconds) {
    step_limit_ = fmt::format("{} took longer than {} s ({})", what, seconds, setting);
    step_ends_ = effects_.clock.Now() + std::chrono::seconds(seconds);
    return fmt::format("SET statement_timeout = '{}s'", seconds);
  }

  void RequireTime() {
    if (effects_.clock.Now() >= step_ends_) throw base::Error("timeout", step_limit_);
  }

  bool StepTimedOut(const base::Error& error) {
    return error.code == "timeout" || (error.sqlstate == "57014" && effects_.clock.Now() >= step_ends_);
  }

  /// The report of a run that somebody else has closed: cancelled, or taken over. What it made since goes; on a session
  /// of its own, because its own are ended with the run.
  std::optional<RunReport> ClosedBySomebody(const base::Error& error) {
    std::optional<std::string> cancelled;
    ahead_.reset();  // its login is there, to be dropped, or never will be
    try {
      const auto session = Connect(ports::ServiceRole::kEngine, "transform");
      if (!run_id_.empty()) cancelled = CancelledBecause(*session, run_id_);
      if (cancelled || error.code == "fenced") DropOrphanLogins(effects_, *session, prefix_, transformer_.key);
    } catch (const base::Error&) {  // not known now; whoever comes next finds it closed, and the login with it
    }
    if (cancelled && StartsContainer(applied_.model, declared_)) RemoveContainer(effects_, applied_, run_id_);
    if (cancelled) return Ended(RunOutcome::kCancelled, "cancelled", *cancelled);
    if (error.code == "fenced") return Ended(RunOutcome::kFenced, "fenced", error.what());
    return std::nullopt;
  }

  std::string Cause() const {
    return mode_.why_full.empty() ? cause_ : cause_ + "; in full, because " + mode_.why_full;
  }

  void BeginAhead() {
    RunAhead::Login login{transformer_.container,
                          transformer_.key,
                          transformer_.workspace,
                          prefix_,
                          "",
                          std::nullopt,
                          declared_.start_limit.seconds + declared_.timeout.seconds};
    if (auto made = effects_.next_run != nullptr ? effects_.next_run->login.Take() : std::nullopt) {
      login.run_id = std::move(made->run_id);
      login.made_ahead = std::move(made->password);
    } else {
      login.run_id = NewRunId(effects_);
    }
    next_id_ = login.run_id;
    ahead_ = std::make_unique<RunAhead>(effects_, login);
  }

  void Prepare() {
    run_id_ = next_id_;
    login_.emplace(effects_, *engine_, prefix_, run_id_);
    const sql::Statement limit = LimitStep("preparing", "start_limit", declared_.start_limit.seconds);
    SayWhomToTrust(effects_, *engine_, actor_, applied_, transformer_);
    std::vector<sql::Statement> clearing = Clearing();
    clearing.insert(clearing.begin(), limit);
    writer_->Send(std::move(clearing));  // which is at work while the run is being opened
    Write(*engine_, "open", [&] {
      mode_ = DecideMode(*engine_, declared_, transformer_);
      return std::vector<sql::Statement>{
          limit,
          "SET LOCAL synchronous_commit = off",  // the claims are synchronised, and with them this
          {"INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, login, "
           "deadline, image) VALUES ($1, $2, 'preparing', $9, $3, $4, $5, $6, $7, clock_timestamp() + "
           "make_interval(secs => $8), nullif($10, ''))",
           {run_id_, transformer_.key, transformer_.definition, std::to_string(applied_.version), Cause(),
            actor_.holder, login_->name(), std::to_string(declared_.start_limit.seconds), mode_.word(),
            ImageOf(applied_, transformer_)}},
          {"UPDATE yellow.transformer SET requested_at = NULL WHERE key = $1", {transformer_.key}}};
    });
    if (StartsContainer(applied_.model, declared_)) {  // before the snapshot, which should not be old
      effects_.reporter.UnderWay({transformer_.workspace, "fetches its image"});
      FetchImage(effects_, applied_, transformer_, [this] { return effects_.clock.Now() < step_ends_; });
      RequireTime();
    }
    keeper_.emplace(Connect(ports::ServiceRole::kEngine, "keeper"), transformer_);
    ahead_->RunIsOpen(*lease_);
    if (StartsProcess(applied_.model, declared_))
      ahead_->MakeWorkplace([&effects = effects_, &applied = applied_, &code = *declared_.code.process, id = run_id_] {
        return MakeWorkplace(effects, applied, code, id);
      });
    writer_->Receive();
  }

  /// Empties the outputs.
  std::vector<sql::Statement> Clearing() const {
    std::vector<sql::Statement> statements;
    for (const sql::TableLayout& output : transformer_.outputs)
      statements.push_back({"SELECT yellow_op.dt_clear($1, $2)", {output.schema, output.output_table}});
    return statements;
  }

  void Claim() {
    keeper_->Look();
    std::vector<sql::Statement> statements;
    for (const auto& [input, range] : keeper_->claims()) {
      statements.push_back({"INSERT INTO yellow.claim (run_id, input, from_batch, to_batch) VALUES ($1, $2, $3, $4)",
                            {run_id_, input, std::to_string(range.first), std::to_string(range.second)}});
    }
    statements.push_back(
        {"UPDATE yellow.run SET keeper_pid = $2, launched_at = clock_timestamp(), "
         "deadline = clock_timestamp() + make_interval(secs => $3), job = nullif($4, '') "
         "WHERE id = $1",
         {run_id_, std::to_string(keeper_->backend_pid()), std::to_string(declared_.timeout.seconds),
          StartsContainer(applied_.model, declared_) ? ContainerNameOf(applied_, run_id_) : ""}});
    MoveWith(*engine_, "claim", RunEvent::kLaunched, std::move(statements));
  }

  CodeContext ContextWith(const std::string& snapshot, const ports::ConnectionTarget& target,
                          const Claims& claims = {}) {
    return {applied_,
            transformer_,
            run_id_,
            mode_.word(),
            snapshot,
            target,
            claims,
            [this] { return Wanted(); },
            [this] { return lease_->lost(); },
            [this] { return ahead_->AwaitWorkplace(); },
            applied_.rehearsal ? actor_.holder : ""};
  }

  CodeResult Execute() {
    const CodeContext context = ContextWith(
        keeper_->snapshot(), effects_.endpoints.As(transformer_.container, login_->name(), password_, "run " + run_id_),
        keeper_->claims());
    effects_.reporter.UnderWay({transformer_.workspace, "runs its code"});
    CodeResult result = ExecuteCode(effects_, context);
    const bool relied_on_keeper =
        result.outcome != CodeOutcome::kFinished || declared_.snapshot == model::SnapshotUse::kRequired;
    if (relied_on_keeper && !keeper_->Lives()) {
      throw base::Error("keeper_lost", "the session that kept the run's snapshot has ended: " + result.reason)
          .Retryable();
    }
    claims_ = keeper_->claims();
    keeper_.reset();
    return result;
  }

  /// False when the run was closed by somebody else: its code is to end.
  bool Wanted() {
    if (lease_->lost()) return false;
    try {
      return !engine_->Execute({"SELECT 1 FROM yellow.run WHERE id = $1 AND state = 'launched'", {run_id_}}).empty();
    } catch (const base::Error&) {  // not known; the code may well be done before the database is back
      return true;
    }
  }

  /// From here on the output has as long as the code had.
  void Finish(const CodeResult& code) {
    const sql::Statement limit = LimitStep("taking the output in", "timeout", declared_.timeout.seconds);
    writer_->Execute(limit);
    MoveWith(*engine_, "finish", RunEvent::kFinished,
             {limit,
              {"UPDATE yellow.run SET finished_at = clock_timestamp(), exit_status = $2, log = $3, keeper_pid = NULL, "
               "deadline = clock_timestamp() + make_interval(secs => $4) WHERE id = $1",
               {run_id_, std::to_string(code.exit_status), base::AsText(code.log),
                std::to_string(declared_.timeout.seconds)}}});
  }

  /// One transaction: locks, checks, merge of every output, batch, cursors, run; the fence of the output's stream last.
  void IngestOutput(std::string& in_doubt) {
    MoveWith(*engine_, "ingesting", RunEvent::kIngesting, {});
    Write(*writer_, "ingest", [&] {
      effects_.reporter.UnderWay({transformer_.workspace, "merges its output"});
      const FinishedRun run{transformer_, output_, run_id_, mode_, claims_, Cause()};
      auto taken = TakeOutputIn(*writer_, actor_, applied_, run);
      if (auto* hold = std::get_if<Hold>(&taken)) throw RefusedOutput{*hold};
      auto& output = std::get<TakenOutput>(taken);
      batch_ = output.batch, merged_ = std::move(output.merged);
      RequireTime();
      in_doubt = run_id_;
    });
  }

  /// It can do nothing any more; whoever comes next drops it if this fails.
  void DropLogin() {
    try {
      login_->Drop();
    } catch (const base::Error&) {  // said above
    }
  }

  /// The connection was lost inside COMMIT: whether it happened is in the table.
  bool WasCommitted(const std::string& run) {
    const ports::Rows rows =
        engine_->Execute({"SELECT output_batch FROM yellow.run WHERE id = $1 AND state = 'committed'", {run}});
    if (rows.empty()) return false;
    run_id_ = run;
    batch_ = static_cast<int>(rows.Integer(0, 0));
    return true;
  }

  RunReport Fail(const CodeResult& code) {
    const bool timed_out = code.outcome == CodeOutcome::kTimedOut;
    RunEnding ending = Counted(timed_out ? RunEvent::kTimedOut : RunEvent::kFailed, code.reason_code, code.reason);
    if (code.outcome == CodeOutcome::kSnapshotGone && !last_attempt_) ending.retries.reset();
    return Fail(timed_out ? RunOutcome::kTimedOut : RunOutcome::kFailed, ending);
  }

  RunEnding Counted(RunEvent event, const std::string& code, const std::string& reason) const {
    return {event, code, reason, declared_.retries};
  }

  /// The old output stays, the cursors stay; the reason is recorded, and when the next attempt may begin.
  RunReport Fail(RunOutcome outcome, const RunEnding& ending) {
    ahead_.reset();  // its login is there, or never will be
    keeper_.reset();
    engine_ = Connect(ports::ServiceRole::kEngine, "transform");
    if (run_id_.empty()) return Ended(outcome, ending.code, ending.reason);
    login_.emplace(effects_, *engine_, prefix_, run_id_);
    login_->Quiesce();
    try {
      Write(*engine_, "fail", [&] {
        EndRun(*engine_, actor_, run_id_, ending);
        if (outcome == RunOutcome::kHeld && merge::IsGuarded(ending.code))
          HoldOutput(*engine_, applied_, output_, run_id_, ending);
        else
          TellRunFailed(*engine_, applied_, transformer_.key, run_id_, ending);
      });
    } catch (const base::Error& error) {
      if (const auto closed = ClosedBySomebody(error)) return *closed;
      throw;
    }
    DropLogin();
    return Ended(outcome, ending.code, ending.reason);
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Transformer& transformer_;
  const std::string cause_;
  const bool last_attempt_;  // a snapshot that cannot be imported counts as a failure
  const model::DataTransformer& declared_;
  const plan::Stream& output_;
  const std::string prefix_;
  std::unique_ptr<Lease> lease_;  // outlives the sessions, whose transactions may hold the lease's row
  std::unique_ptr<ports::Session> engine_, writer_;
  std::optional<Keeper> keeper_;
  std::optional<RunLogin> login_;
  std::unique_ptr<RunAhead> ahead_;
  std::string next_id_;  // of the run that is about to be opened
  std::string run_id_;   // empty until then
  RunMode mode_;
  std::string step_limit_;  // what to say when the step that is under way takes too long
  ports::TimePoint step_ends_;
  base::Secret password_;
  Claims claims_;
  int64_t seconds_left_ = 0;  // of a run that was adopted
  int batch_ = 0;
  Merged merged_;
};

}  // namespace

namespace {

/// One run, tried again while what fails may pass by itself.
RunReport RunOnce(const Effects& effects, const Actor& actor, const Applied& applied,
                  const plan::Transformer& transformer, const std::string& cause, bool last_attempt) {
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  std::string in_doubt;
  while (true) {
    std::unique_ptr<TransformRun> attempt;
    try {
      attempt = std::make_unique<TransformRun>(effects, actor, applied, transformer, cause, last_attempt);
      return attempt->Run(in_doubt);
    } catch (const base::Error& error) {
      if (error.retryable && Again(effects, patience, transformer.key, error)) continue;
      return attempt->Fail(error);
    }
  }
}

}  // namespace

RunReport RunTransformer(const Effects& effects, const Actor& actor, const Applied& applied,
                         const plan::Transformer& transformer, const std::string& cause) {
  for (int attempt = 1;; ++attempt) {
    RunReport report = RunOnce(effects, actor, applied, transformer, cause, attempt == kSnapshotAttempts);
    if (report.reason_code != kSnapshotReason || attempt == kSnapshotAttempts) return report;
    effects.reporter.Line(
        fmt::format("{}: run {} is tried again at once: {}", transformer.workspace, report.run_id, report.reason));
  }
}

}  // namespace yellow::run
