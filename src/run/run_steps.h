#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "run/adoption.h"
#include "run/execute_code.h"
#include "run/lease.h"
#include "run/output_ingestion.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/run_mode.h"
#include "run/transform_runner.h"

namespace yellow::run {

/// A run's output is refused: its cursors and the old output stay.
struct RefusedOutput {
  Hold hold;
};

/// What one run of a DataTransformer goes through (DESIGN 9), step by step, for whoever takes the steps: one process
/// that takes them all (RunTransformer), or several, one after the other (handed_run.h). Each is in the database before
/// the next begins, so that whoever finds the run open can go on with it or end it. One thread.
class RunSteps {
 public:
  RunSteps(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Transformer& transformer);

  const plan::Transformer& transformer() const { return transformer_; }
  const model::DataTransformer& declared() const { return declared_; }
  const plan::Stream& output() const { return output_; }
  const std::string& prefix() const { return prefix_; }
  const std::string& run_id() const { return run_id_; }  ///< empty before a run is open
  const RunMode& mode() const { return mode_; }
  const Claims& claims() const { return claims_; }
  ports::Session& engine() { return *engine_; }
  ports::Session& writer() { return *writer_; }
  Lease& lease() { return *lease_; }
  RunLogin& login() { return *login_; }

  // ---- Sessions and the right to write the output. They throw base::Error.

  std::unique_ptr<ports::Session> Connect(ports::ServiceRole role, const std::string& purpose);
  void ConnectEngine() { engine_ = Connect(ports::ServiceRole::kEngine, "transform"); }
  /// False when another process works on the output. REQUIRES: ConnectEngine.
  bool TakeLease();
  /// The work is on this run from now on.
  void WorkOn(const std::string& run_id);
  void WorkOn(const OpenRun& run);
  void SetClaims(Claims claims) { claims_ = std::move(claims); }

  /// These statements, one of which moves the run, with the fence last, in a transaction of their own.
  void MoveWith(ports::Session& session, std::string_view name, RunEvent event, std::vector<sql::Statement> statements);
  /// A writing transaction on `session`, with the fence last. `work` executes its statements, or returns those that are
  /// still to be executed.
  template <typename Work>
  void Write(ports::Session& session, std::string_view name, Work work) {
    ports::Transaction transaction(session, "", name);
    if constexpr (std::is_void_v<decltype(work())>) {
      work();
      lease_->Fence(session);
    } else {
      std::vector<sql::Statement> statements = work();
      statements.push_back(lease_->Fencing());
      lease_->RequireFence(session.ExecuteAll(std::move(statements)).back());
    }
    transaction.Commit();
  }

  // ---- The time that a step has.

  /// No statement of the step that begins here takes longer, if what is returned is executed first by each session,
  /// nor, as StepTimedOut and RequireTime see it, all of them.
  sql::Statement LimitStep(const std::string& what, const std::string& setting, int64_t seconds);
  bool HasTime() const;
  void RequireTime() const;  ///< throws base::Error code "timeout"
  bool StepTimedOut(const base::Error& error) const;
  const std::string& step_limit() const { return step_limit_; }  ///< in words

  // ---- The steps.

  /// We hold the lease, so whoever left a run open does not work on it any more: it is lost, and counts as no failure
  /// of the code.
  void EndEarlierRuns();
  /// The statements that open the run and say why: in its transaction, which also decides the mode. `handed`: the jobs
  /// of the actor's scheduler take the next steps.
  std::vector<sql::Statement> Opening(const std::string& cause, bool handed);
  /// Empties the outputs.
  std::vector<sql::Statement> Clearing() const;
  /// Records what the run counts. REQUIRES: SetClaims.
  std::vector<sql::Statement> Claiming() const;
  std::string Cause(const std::string& cause) const;
  /// What its code is given, with the claims that were set; it ends when the run is closed by somebody else.
  CodeContext Context(const std::string& snapshot, const ports::ConnectionTarget& target);
  /// Code that ended is recorded, and its output has `seconds` to be taken in.
  void Finish(const CodeResult& code, int64_t seconds);
  /// Code that ended and failed is recorded; the run stays as it is, until Fail.
  void RecordFailed(const CodeResult& code);
  void BeginIngesting() { MoveWith(*engine_, "ingesting", RunEvent::kIngesting, {}); }
  /// One transaction: locks, checks, merge of every output, batch, cursors, run; the fence of the output's stream last.
  /// `in_doubt`: set when COMMIT is sent. Throws RefusedOutput.
  void IngestOutput(const std::string& cause, std::string& in_doubt);
  /// The same of a repair run under a request: it claims nothing, and is opened and closed in that transaction, of
  /// which `end` is the last part before the fence. REQUIRES: WorkOn a new run. Throws RefusedOutput.
  void IngestRepair(const std::string& request, const std::string& cause,
                    const std::function<void(ports::Session& session, const BatchReport& report)>& end);
  /// It can do nothing any more; whoever comes next drops it if this fails.
  void DropLogin();

  // ---- Ends.

  /// The connection was lost inside COMMIT: whether it happened is in the table. If so the work is on this run.
  bool WasCommitted(const std::string& run_id);
  RunReport Committed();
  RunReport Ended(RunOutcome outcome, const std::string& code, const std::string& reason) const;
  /// The old output stays, the cursors stay; the reason is recorded, and when the next attempt may begin.
  RunReport Fail(RunOutcome outcome, const RunEnding& ending);
  /// The same of a repair run, which is recorded in that transaction, too; it counts as no failure of the transformer.
  /// `end`: its last part before the fence.
  void FailRepair(const std::string& request, const std::string& cause, RunOutcome outcome, const RunEnding& ending,
                  const std::function<void(ports::Session& session)>& end);
  /// The report of a run that somebody else has closed: cancelled, or taken over. What it made since goes; on a session
  /// of its own, because its own are ended with the run.
  std::optional<RunReport> ClosedBySomebody(const base::Error& error);
  RunEnding EndingOf(const CodeResult& code) const;
  RunEnding Counted(RunEvent event, const std::string& code, const std::string& reason) const;

 private:
  /// REQUIRES: in the transaction that takes the output in. Throws RefusedOutput.
  void TakeIn(const std::string& cause, bool repairs);
  sql::Statement OpeningRepair(const std::string& request, const std::string& cause) const;
  sql::Statement Recording(const CodeResult& code) const;
  /// False when the run was closed by somebody else. REQUIRES: it is launched.
  bool Wanted();
  /// The cursors have moved, so that changes of the inputs may be needed by nobody any more.
  void CleanConsumed();

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Transformer& transformer_;
  const model::DataTransformer& declared_;
  const plan::Stream& output_;
  const std::string prefix_;
  std::unique_ptr<Lease> lease_;  // outlives the sessions, whose transactions may hold the lease's row
  std::unique_ptr<ports::Session> engine_, writer_;
  std::optional<RunLogin> login_;
  std::string run_id_;
  RunMode mode_;
  std::string step_limit_;  // what to say when the step that is under way takes too long
  ports::TimePoint step_ends_;
  Claims claims_;
  int batch_ = 0;
  Merged merged_;
};

}  // namespace yellow::run
