#include "run/run_steps.h"

#include <fmt/format.h>

#include <set>

#include "base/error.h"
#include "base/utf8.h"
#include "run/change_log.h"
#include "run/commit.h"
#include "run/execute_container.h"
#include "run/notice_store.h"
#include "run/state_store.h"
#include "run/trust.h"

namespace yellow::run {

RunSteps::RunSteps(const Effects& effects, const Actor& actor, const Applied& applied,
                   const plan::Transformer& transformer)
    : effects_(effects),
      actor_(actor),
      applied_(applied),
      transformer_(transformer),
      declared_(*applied.model.FindWorkspace(transformer.workspace)->transformer),
      output_(*applied.physical.FindStream(transformer.output_stream)),
      prefix_(applied.model.environment ? applied.model.environment->role_prefix : "yellow") {}

std::unique_ptr<ports::Session> RunSteps::Connect(ports::ServiceRole role, const std::string& purpose) {
  return effects_.connector.Open(
      effects_.endpoints.Service(transformer_.container, role, purpose + " " + transformer_.key));
}

bool RunSteps::TakeLease() {
  writer_ = Connect(ports::ServiceRole::kIngestOut, "output");
  lease_ = Lease::Take(effects_, actor_, transformer_.container, output_.key, *engine_, {writer_->backend_pid()});
  return lease_ != nullptr;
}

void RunSteps::WorkOn(const std::string& run_id) {
  run_id_ = run_id;
  login_.emplace(effects_, *engine_, prefix_, run_id_);
}

void RunSteps::WorkOn(const OpenRun& run) {
  WorkOn(run.id);
  mode_ = run.mode, claims_ = run.claims;
}

void RunSteps::MoveWith(ports::Session& session, std::string_view name, RunEvent event,
                        std::vector<sql::Statement> statements) {
  statements.push_back(MovingRun(run_id_, event));
  statements.push_back(lease_->Fencing());
  ports::Transaction transaction(session, "", name, std::move(statements));
  const std::vector<ports::Rows> results = transaction.Received();
  RequireMoved(results.at(results.size() - 2), run_id_, event);
  lease_->RequireFence(results.back());
  transaction.Commit();
}

sql::Statement RunSteps::LimitStep(const std::string& what, const std::string& setting, int64_t seconds) {
  step_limit_ = fmt::format("{} took longer than {} s ({})", what, seconds, setting);
  step_ends_ = effects_.clock.Now() + std::chrono::seconds(seconds);
  return fmt::format("SET statement_timeout = '{}s'", seconds);
}

bool RunSteps::HasTime() const { return effects_.clock.Now() < step_ends_; }

void RunSteps::RequireTime() const {
  if (!HasTime()) throw base::Error("timeout", step_limit_);
}

bool RunSteps::StepTimedOut(const base::Error& error) const {
  return error.code == "timeout" || (error.sqlstate == "57014" && !HasTime());
}

void RunSteps::EndEarlierRuns() {
  const auto open = FindOpenRun(*engine_, transformer_.key);
  if (!open) return;
  RunLogin(effects_, *engine_, prefix_, open->id).Quiesce();
  Write(*engine_, "lost", [&] {
    EndRun(*engine_, actor_, open->id,
           {RunEvent::kLost, "lost", "the process that ran it has ended, or was paused for longer than its lease", {}});
  });
  if (StartsContainer(applied_.model, declared_)) RemoveContainer(effects_, applied_, open->id);
  DropOrphanLogins(effects_, *engine_, prefix_, transformer_.key);
}

std::string RunSteps::Cause(const std::string& cause) const {
  return mode_.why_full.empty() ? cause : cause + "; in full, because " + mode_.why_full;
}

std::vector<sql::Statement> RunSteps::Opening(const std::string& cause, bool handed) {
  mode_ = DecideMode(*engine_, declared_, transformer_);
  return {{"INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, login, "
           "deadline, image, handed_to) VALUES ($1, $2, 'preparing', $9, $3, $4, $5, $6, $7, clock_timestamp() + "
           "make_interval(secs => $8), nullif($10, ''), nullif($11, ''))",
           {run_id_, transformer_.key, transformer_.definition, std::to_string(applied_.version), Cause(cause),
            actor_.holder, login_->name(), std::to_string(declared_.start_limit.seconds), mode_.word(),
            ImageOf(applied_, transformer_), handed ? actor_.job : ""}},
          {"UPDATE yellow.transformer SET requested_at = NULL WHERE key = $1", {transformer_.key}}};
}

std::vector<sql::Statement> RunSteps::Clearing() const {
  std::vector<sql::Statement> statements;
  for (const sql::TableLayout& output : transformer_.outputs)
    statements.push_back({"SELECT yellow_op.dt_clear($1, $2)", {output.schema, output.output_table}});
  return statements;
}

std::vector<sql::Statement> RunSteps::Claiming() const {
  std::vector<sql::Statement> statements;
  for (const auto& [input, range] : claims_) {
    statements.push_back({"INSERT INTO yellow.claim (run_id, input, from_batch, to_batch) VALUES ($1, $2, $3, $4)",
                          {run_id_, input, std::to_string(range.first), std::to_string(range.second)}});
  }
  return statements;
}

CodeContext RunSteps::Context(const std::string& snapshot, const ports::ConnectionTarget& target) {
  return {applied_,
          transformer_,
          run_id_,
          mode_.word(),
          snapshot,
          target,
          claims_,
          [this] { return Wanted(); },
          [this] { return lease_->lost(); },
          nullptr,
          applied_.rehearsal ? actor_.holder : ""};
}

bool RunSteps::Wanted() {
  if (lease_->lost()) return false;
  try {
    return !engine_->Execute({"SELECT 1 FROM yellow.run WHERE id = $1 AND state = 'launched'", {run_id_}}).empty();
  } catch (const base::Error&) {  // not known; the code may well be done before the database is back
    return true;
  }
}

sql::Statement RunSteps::Recording(const CodeResult& code) const {
  return {
      "UPDATE yellow.run SET finished_at = clock_timestamp(), exit_status = $2, log = $3, keeper_pid = NULL WHERE id = "
      "$1",
      {run_id_, std::to_string(code.exit_status), base::AsText(code.log)}};
}

void RunSteps::Finish(const CodeResult& code, int64_t seconds) {
  const sql::Statement limit = LimitStep("taking the output in", "timeout", declared_.timeout.seconds);
  writer_->Execute(limit);
  MoveWith(*engine_, "finish", RunEvent::kFinished,
           {limit,
            Recording(code),
            {"UPDATE yellow.run SET deadline = clock_timestamp() + make_interval(secs => $2) WHERE id = $1",
             {run_id_, std::to_string(seconds)}}});
}

void RunSteps::RecordFailed(const CodeResult& code) {
  Write(*engine_, "failed", [&] { return std::vector{Recording(code)}; });
}

void RunSteps::IngestOutput(const std::string& cause, std::string& in_doubt) {
  Write(*writer_, "ingest", [&] {
    TakeIn(cause, false);
    in_doubt = run_id_;
  });
}

void RunSteps::TakeIn(const std::string& cause, bool repairs) {
  effects_.reporter.UnderWay({transformer_.workspace, "merges its output"});
  const FinishedRun run{transformer_, output_, run_id_, mode_, claims_, cause, repairs};
  auto taken = TakeOutputIn(*writer_, actor_, applied_, run);
  if (auto* hold = std::get_if<Hold>(&taken)) throw RefusedOutput{*hold};
  auto& output = std::get<TakenOutput>(taken);
  batch_ = output.batch, merged_ = std::move(output.merged);
  RequireTime();
}

void RunSteps::IngestRepair(const std::string& request, const std::string& cause,
                            const std::function<void(ports::Session& session, const BatchReport& report)>& end) {
  mode_.incremental = declared_.mode == model::Mode::kIncremental;
  writer_->Execute(LimitStep("taking the output in", "timeout", declared_.timeout.seconds));
  Write(*writer_, "repair", [&] {
    writer_->Execute(OpeningRepair(request, cause));
    TakeIn(cause, true);
    end(*writer_, ReportOf(batch_, merged_));
  });
}

sql::Statement RunSteps::OpeningRepair(const std::string& request, const std::string& cause) const {
  return {
      "INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, request) "
      "VALUES ($1, $2, 'ingesting', $3, $4, $5, $6, $7, $8)",
      {run_id_, transformer_.key, mode_.word(), transformer_.definition, std::to_string(applied_.version), cause,
       actor_.holder, request}};
}

void RunSteps::DropLogin() {
  try {
    login_->Drop();
  } catch (const base::Error&) {  // said above
  }
}

bool RunSteps::WasCommitted(const std::string& run_id) {
  const ports::Rows rows =
      engine_->Execute({"SELECT output_batch FROM yellow.run WHERE id = $1 AND state = 'committed'", {run_id}});
  if (rows.empty()) return false;
  WorkOn(run_id);
  batch_ = static_cast<int>(rows.Integer(0, 0));
  return true;
}

RunReport RunSteps::Committed() {
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

void RunSteps::CleanConsumed() {
  std::set<std::string> streams{output_.key};
  for (const plan::TransformerInput& input : transformer_.inputs) streams.insert(input.stream);
  CleanChangeLogs(*engine_, applied_, streams);
}

RunReport RunSteps::Ended(RunOutcome outcome, const std::string& code, const std::string& reason) const {
  RunReport report;
  report.outcome = outcome;
  report.run_id = run_id_;
  report.reason_code = code;
  report.reason = reason;
  return report;
}

RunEnding RunSteps::Counted(RunEvent event, const std::string& code, const std::string& reason) const {
  return {event, code, reason, declared_.retries};
}

RunEnding RunSteps::EndingOf(const CodeResult& code) const {
  return Counted(code.outcome == CodeOutcome::kTimedOut ? RunEvent::kTimedOut : RunEvent::kFailed, code.reason_code,
                 code.reason);
}

RunReport RunSteps::Fail(RunOutcome outcome, const RunEnding& ending) {
  ConnectEngine();
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

void RunSteps::FailRepair(const std::string& request, const std::string& cause, RunOutcome outcome,
                          const RunEnding& ending, const std::function<void(ports::Session& session)>& end) {
  Write(*engine_, "fail", [&] {
    engine_->Execute(OpeningRepair(request, cause));
    EndRun(*engine_, actor_, run_id_, ending);
    if (outcome == RunOutcome::kHeld && merge::IsGuarded(ending.code))
      HoldOutput(*engine_, applied_, output_, run_id_, ending);
    end(*engine_);
  });
}

std::optional<RunReport> RunSteps::ClosedBySomebody(const base::Error& error) {
  std::optional<std::string> cancelled;
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

}  // namespace yellow::run
