#include "run/transform_runner.h"

#include <fmt/format.h>

#include "base/error.h"
#include "run/adoption.h"
#include "run/execute_code.h"
#include "run/execute_container.h"
#include "run/keeper.h"
#include "run/next_run.h"
#include "run/patience.h"
#include "run/run_ahead.h"
#include "run/run_steps.h"
#include "run/trust.h"

namespace yellow::run {
namespace {

constexpr int kSnapshotAttempts = 4;

/// One run, from prepare to commit, all its steps in this process.
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
        steps_(effects, actor, applied, transformer),
        declared_(steps_.declared()) {}

  /// `in_doubt`: the run whose output was sent to be committed, and no answer came; set when that happens here. Throws
  /// what may pass by itself; the next try finds the run open and ends it as lost.
  RunReport Run(std::string& in_doubt) {
    steps_.ConnectEngine();
    if (!in_doubt.empty() && steps_.WasCommitted(in_doubt)) {
      steps_.DropLogin();
      return steps_.Committed();
    }
    in_doubt.clear();
    BeginAhead();
    if (!steps_.TakeLease()) return steps_.Ended(RunOutcome::kBusy, "busy", "another process runs it");
    const auto open = FindOpenRun(steps_.engine(), transformer_.key);
    if (open && IsHanded(*open))
      return steps_.Ended(RunOutcome::kBusy, "busy", "run " + open->id + " is open for " + open->handed_to);
    try {
      CodeResult code = Adopt() ? AwaitAdopted() : StartNew(open.has_value());
      steps_.Finish(code, declared_.timeout.seconds);
      if (StartsContainer(applied_.model, declared_)) RemoveContainer(effects_, applied_, steps_.run_id());
      steps_.login().Quiesce();
      if (code.outcome != CodeOutcome::kFinished) return Fail(code);
      steps_.BeginIngesting();
      steps_.IngestOutput(steps_.Cause(cause_), in_doubt);
      steps_.DropLogin();
      return steps_.Committed();
    } catch (const RefusedOutput& refused) {
      return Fail(RunOutcome::kHeld, steps_.Counted(RunEvent::kFailed, refused.hold.code, refused.hold.reason));
    } catch (const base::Error& error) {
      ahead_.reset();  // its login is there, to be dropped, or never will be
      if (const auto closed = steps_.ClosedBySomebody(error)) return *closed;
      if (steps_.StepTimedOut(error))
        return Fail(RunOutcome::kTimedOut, steps_.Counted(RunEvent::kTimedOut, "timeout", steps_.step_limit()));
      if (error.retryable) throw;
      return Fail(error);
    }
  }

  RunReport Fail(const base::Error& error) {
    return Fail(RunOutcome::kFailed, steps_.Counted(RunEvent::kFailed, error.code, base::Describe(error)));
  }

 private:
  CodeResult StartNew(bool left_open) {
    if (left_open) steps_.EndEarlierRuns();
    Prepare();
    Claim();
    password_ = ahead_->AwaitLogin();
    return Execute();
  }

  /// Goes on with the run whose container has outlived the process that started it.
  bool Adopt() {
    const auto run = FindAdoptable(effects_, steps_.engine(), applied_, transformer_);
    if (!run) return false;
    ahead_.reset();
    DropOrphanLogins(effects_, steps_.engine(), steps_.prefix(), transformer_.key);  // made for a new run
    steps_.WorkOn(*run);
    seconds_left_ = run->seconds_left;
    steps_.Write(steps_.engine(), "adopt", [&] { return Adopting(actor_, run->id); });
    effects_.reporter.Line(transformer_.workspace + ": goes on with run " + run->id + ", whose container was left");
    return true;
  }

  CodeResult AwaitAdopted() {
    effects_.reporter.UnderWay({transformer_.workspace, "waits for its container"});
    return AwaitContainer(effects_, steps_.Context("", {}), seconds_left_);
  }

  void BeginAhead() {
    RunAhead::Login login{transformer_.container,
                          transformer_.key,
                          transformer_.workspace,
                          steps_.prefix(),
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
    steps_.WorkOn(next_id_);
    const sql::Statement limit = steps_.LimitStep("preparing", "start_limit", declared_.start_limit.seconds);
    SayWhomToTrust(effects_, steps_.engine(), actor_, applied_, transformer_);
    std::vector<sql::Statement> clearing = steps_.Clearing();
    clearing.insert(clearing.begin(), limit);
    steps_.writer().Send(std::move(clearing));  // which is at work while the run is being opened
    steps_.Write(steps_.engine(), "open", [&] {
      std::vector<sql::Statement> opening = steps_.Opening(cause_, false);
      // The claims are synchronised, and with them this.
      opening.insert(opening.begin(), {limit, "SET LOCAL synchronous_commit = off"});
      return opening;
    });
    if (StartsContainer(applied_.model, declared_)) {  // before the snapshot, which should not be old
      effects_.reporter.UnderWay({transformer_.workspace, "fetches its image"});
      FetchImage(effects_, applied_, transformer_, [this] { return steps_.HasTime(); });
      steps_.RequireTime();
    }
    keeper_.emplace(steps_.Connect(ports::ServiceRole::kEngine, "keeper"), transformer_);
    ahead_->RunIsOpen(steps_.lease());
    if (StartsProcess(applied_.model, declared_))
      ahead_->MakeWorkplace([&effects = effects_, &applied = applied_, &code = *declared_.code.process,
                             id = steps_.run_id()] { return MakeWorkplace(effects, applied, code, id); });
    steps_.writer().Receive();
  }

  void Claim() {
    keeper_->Look();
    steps_.SetClaims(keeper_->claims());
    std::vector<sql::Statement> statements = steps_.Claiming();
    statements.push_back(
        {"UPDATE yellow.run SET keeper_pid = $2, launched_at = clock_timestamp(), "
         "deadline = clock_timestamp() + make_interval(secs => $3), job = nullif($4, '') "
         "WHERE id = $1",
         {steps_.run_id(), std::to_string(keeper_->backend_pid()), std::to_string(declared_.timeout.seconds),
          StartsContainer(applied_.model, declared_) ? ContainerNameOf(applied_, steps_.run_id()) : ""}});
    steps_.MoveWith(steps_.engine(), "claim", RunEvent::kLaunched, std::move(statements));
  }

  CodeResult Execute() {
    CodeContext context = steps_.Context(
        keeper_->snapshot(),
        effects_.endpoints.As(transformer_.container, steps_.login().name(), password_, "run " + steps_.run_id()));
    context.workplace = [this] { return ahead_->AwaitWorkplace(); };
    effects_.reporter.UnderWay({transformer_.workspace, "runs its code"});
    CodeResult result = ExecuteCode(effects_, context);
    const bool relied_on_keeper =
        result.outcome != CodeOutcome::kFinished || declared_.snapshot == model::SnapshotUse::kRequired;
    if (relied_on_keeper && !keeper_->Lives()) {
      throw base::Error("keeper_lost", "the session that kept the run's snapshot has ended: " + result.reason)
          .Retryable();
    }
    keeper_.reset();
    return result;
  }

  RunReport Fail(const CodeResult& code) {
    RunEnding ending = steps_.EndingOf(code);
    if (code.outcome == CodeOutcome::kSnapshotGone && !last_attempt_) ending.retries.reset();
    return Fail(code.outcome == CodeOutcome::kTimedOut ? RunOutcome::kTimedOut : RunOutcome::kFailed, ending);
  }

  RunReport Fail(RunOutcome outcome, const RunEnding& ending) {
    ahead_.reset();  // its login is there, or never will be
    keeper_.reset();
    return steps_.Fail(outcome, ending);
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Transformer& transformer_;
  const std::string cause_;
  const bool last_attempt_;  // a snapshot that cannot be imported counts as a failure
  RunSteps steps_;
  const model::DataTransformer& declared_;
  std::optional<Keeper> keeper_;
  std::unique_ptr<RunAhead> ahead_;
  std::string next_id_;  // of the run that is about to be opened
  base::Secret password_;
  int64_t seconds_left_ = 0;  // of a run that was adopted
};

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
