#include "run/handed_run.h"

#include <fmt/format.h>

#include "base/error.h"
#include "run/batches.h"
#include "run/execute_container.h"
#include "run/keeper.h"
#include "run/patience.h"
#include "run/run_steps.h"
#include "run/trust.h"

namespace yellow::run {
namespace {

JobReport Report(JobState state, const std::string& run_id, const std::string& code = "",
                 const std::string& reason = "") {
  JobReport report;
  report.state = state, report.run_id = run_id, report.reason_code = code, report.reason = reason;
  return report;
}

/// One step of one run, in this process.
class HandedStep {
 public:
  HandedStep(const Effects& effects, const Actor& actor, const Applied& applied, const plan::Transformer& transformer)
      : effects_(effects),
        actor_(actor),
        applied_(applied),
        transformer_(transformer),
        steps_(effects, actor, applied, transformer),
        declared_(steps_.declared()),
        in_container_(StartsContainer(applied.model, declared_)) {
    steps_.ConnectEngine();
  }

  JobReport Open(const std::string& cause) {
    if (const auto own = Find(); own && own->handed_to == actor_.job) return Report(JobState::kOpened, own->id);
    if (!steps_.TakeLease()) return Busy("");
    if (const auto open = Find()) {
      if (IsHanded(*open))
        return Said(JobState::kBusy, open->id, "run_open", "run " + open->id + " is open for " + open->handed_to);
      steps_.EndEarlierRuns();
    }
    if (cause.empty()) return Busy("");  // what was open when it was decided is not, and nothing is known of now
    SayWhomToTrust(effects_, steps_.engine(), actor_, applied_, transformer_);
    steps_.writer().Execute(steps_.LimitStep("preparing", "start_limit", declared_.start_limit.seconds));
    steps_.writer().ExecuteAll(steps_.Clearing());
    steps_.WorkOn(NewRunId(effects_));
    steps_.Write(steps_.engine(), "open", [&] { return steps_.Opening(cause, true); });
    return Report(JobState::kOpened, steps_.run_id());
  }

  /// `here`: what became of code that has run in this process, in an earlier try of this step.
  JobReport Launch(const std::string& run_id, std::optional<CodeResult>& here) {
    const auto open = TakeUp(run_id);
    if (!open) return Untaken(run_id);
    if (HasFinished(*open)) return Report(JobState::kEnded, run_id);
    if (here) return EndHere(*here);
    const bool again = open->state == RunState::kLaunched;
    if (again && !in_container_) return Lost("the process that ran its code has ended");
    if (again && HasContainer(effects_, applied_, run_id)) return Report(JobState::kLaunched, run_id);
    return in_container_ ? LaunchContainer(again) : RunHere(here);
  }

  JobReport Look(const std::string& run_id) {
    const auto open = Find();
    if (!open || open->id != run_id) return Report(JobState::kClosed, run_id);
    if (open->state == RunState::kPreparing) return Report(JobState::kOpened, run_id);
    if (open->state != RunState::kLaunched) return Report(JobState::kFinished, run_id);
    return Report(open->seconds_left > 0 && GoesOn(run_id) ? JobState::kRunning : JobState::kEnded, run_id);
  }

  JobReport Close(const std::string& run_id) {
    const auto open = TakeUp(run_id);
    if (!open) return Untaken(run_id);
    if (HasFinished(*open)) {
      if (in_container_) RemoveContainer(effects_, applied_, run_id);  // who recorded its end may not have come to it
      return Report(JobState::kFinished, run_id);
    }
    if (open->state == RunState::kPreparing) return Lost("its code was never launched");
    if (!in_container_) return Lost("the process that ran its code has ended");
    if (!HasContainer(effects_, applied_, run_id)) return Lost("its container is gone");
    effects_.reporter.UnderWay({transformer_.workspace, "waits for its container"});
    return End(AwaitContainer(effects_, steps_.Context("", {}), open->seconds_left));
  }

  /// `in_doubt`: the run whose output was sent to be committed, and no answer came.
  JobReport Ingest(std::string& in_doubt) {
    if (!in_doubt.empty() && steps_.WasCommitted(in_doubt)) return Committed();
    in_doubt.clear();
    const auto found = Find();
    if (!found || found->handed_to.empty() || !HasFinished(*found)) {
      // Who took it in may have been killed before its login was dropped.
      DropOrphanLogins(effects_, steps_.engine(), steps_.prefix(), transformer_.key);
      return Said(
          JobState::kNothingDue, found ? found->id : "", "no_finished_run",
          found ? "run " + found->id + " is " + std::string(Word(found->state)) : "no run has written anything new");
    }
    const auto open = TakeUp(found->id);
    if (!open) return Untaken(found->id);
    const sql::Statement limit = steps_.LimitStep("taking the output in", "timeout", declared_.timeout.seconds);
    steps_.engine().Execute(limit);
    steps_.writer().Execute(limit);
    if (open->state == RunState::kFinished) steps_.BeginIngesting();
    steps_.IngestOutput(open->cause, in_doubt);
    return Committed();
  }

  /// What an error of a step means for its run; nothing when it may be tried again.
  std::optional<JobReport> Meet(const base::Error& error) {
    if (steps_.run_id().empty()) return std::nullopt;
    if (error.code == "model_moved") return Lost(error.what());
    if (const auto closed = steps_.ClosedBySomebody(error)) return Told(*closed);
    if (steps_.StepTimedOut(error))
      return Told(
          steps_.Fail(RunOutcome::kTimedOut, steps_.Counted(RunEvent::kTimedOut, "timeout", steps_.step_limit())));
    if (error.retryable) return std::nullopt;
    return Told(steps_.Fail(RunOutcome::kFailed, steps_.Counted(RunEvent::kFailed, error.code, base::Describe(error))));
  }

  JobReport Refuse(const struct Hold& hold) {
    return Told(steps_.Fail(RunOutcome::kHeld, steps_.Counted(RunEvent::kFailed, hold.code, hold.reason)));
  }

 private:
  /// Of launched code that is no container, the deadline alone is known here.
  bool GoesOn(const std::string& run_id) {
    if (!in_container_) return true;
    const auto container = FindContainer(effects_, applied_, run_id);
    return container && container->running;
  }

  static bool HasFinished(const OpenRun& run) {
    return run.state == RunState::kFinished || run.state == RunState::kIngesting;
  }

  std::optional<OpenRun> Find() { return FindOpenRun(steps_.engine(), transformer_.key); }

  /// The run, with its lease; nothing when that is somebody else's or the run is not open.
  std::optional<OpenRun> TakeUp(const std::string& run_id) {
    auto open = Find();
    if (!open || open->id != run_id || !steps_.TakeLease()) return std::nullopt;
    open = Find();
    if (!open || open->id != run_id) return std::nullopt;
    steps_.WorkOn(*open);
    if (open->definition != transformer_.definition)
      throw base::Error("model_moved", "the model has changed since the run was opened");
    return open;
  }

  JobReport Said(JobState state, const std::string& run_id, const std::string& code, const std::string& reason) {
    effects_.reporter.Line(transformer_.workspace + ": " + reason);
    return Report(state, run_id, code, reason);
  }

  JobReport Busy(const std::string& run_id) {
    return Said(JobState::kBusy, run_id, "busy", "another process is at work here");
  }

  JobReport Untaken(const std::string& run_id) {
    const auto open = Find();
    return open && open->id == run_id ? Busy(run_id) : Closed(run_id);
  }

  /// Somebody has closed it: what became of it.
  JobReport Closed(const std::string& run_id) {
    const RunInfo run = ShowRun(steps_.engine(), run_id);
    if (in_container_) RemoveContainer(effects_, applied_, run_id);  // nobody waits for it any more
    JobReport report = Report(JobState::kFailed, run_id, run.reason_code, run.reason);
    if (run.state == "committed")
      report.state = JobState::kCommitted, report.batch.batch = run.output_batch.value_or(0);
    if (run.state == "cancelled") report.state = JobState::kCancelled;
    return report;
  }

  JobReport Told(const RunReport& report) { return ReportOf(effects_.reporter, transformer_, report); }

  JobReport Lost(const std::string& reason) {
    const RunReport lost = steps_.Fail(RunOutcome::kLost, {RunEvent::kLost, "lost", reason, {}});
    if (in_container_) RemoveContainer(effects_, applied_, steps_.run_id());
    return Told(lost);
  }

  JobReport Committed() {
    steps_.DropLogin();
    return Told(steps_.Committed());
  }

  /// What an earlier try of this step has made is of no use: nobody has its password.
  ports::ConnectionTarget OpenLogin() {
    steps_.login().Quiesce();
    base::Secret password;
    steps_.Write(steps_.engine(), "login", [&] {
      steps_.login().Drop();
      steps_.engine().Execute(
          {"UPDATE yellow.run SET login = $2 WHERE id = $1", {steps_.run_id(), steps_.login().name()}});
      password = steps_.login().Open(transformer_.workspace, declared_.start_limit.seconds + declared_.timeout.seconds);
    });
    return effects_.endpoints.As(transformer_.container, steps_.login().name(), password, "run " + steps_.run_id());
  }

  /// `seconds`: that its code has, from now on.
  void Claim(const Claims& claims, int64_t seconds) {
    steps_.SetClaims(claims);
    std::vector<sql::Statement> statements = steps_.Claiming();
    statements.push_back(
        {"UPDATE yellow.run SET launched_at = clock_timestamp(), holder = $2, job = nullif($3, ''), "
         "deadline = clock_timestamp() + make_interval(secs => $4) WHERE id = $1",
         {steps_.run_id(), actor_.holder, in_container_ ? ContainerNameOf(applied_, steps_.run_id()) : "",
          std::to_string(seconds)}});
    steps_.MoveWith(steps_.engine(), "claim", RunEvent::kLaunched, std::move(statements));
  }

  /// `again`: its claims are taken, and whoever took them has not started it.
  JobReport LaunchContainer(bool again) {
    steps_.LimitStep("launching", "start_limit", declared_.start_limit.seconds);
    effects_.reporter.UnderWay({transformer_.workspace, "fetches its image"});
    FetchImage(effects_, applied_, transformer_, [this] { return steps_.HasTime(); });
    steps_.RequireTime();
    if (!again) {
      Keeper keeper(steps_.Connect(ports::ServiceRole::kEngine, "keeper"), transformer_);
      keeper.Look();
      Claim(keeper.claims(), declared_.start_limit.seconds + declared_.timeout.seconds);
    }
    StartContainer(effects_, steps_.Context("", OpenLogin()));
    return Report(JobState::kLaunched, steps_.run_id());
  }

  /// What may fail and pass comes before the claims: what is launched is not launched again.
  JobReport RunHere(std::optional<CodeResult>& here) {
    std::unique_ptr<ports::Workplace> workplace;
    if (StartsProcess(applied_.model, declared_))
      workplace = MakeWorkplace(effects_, applied_, *declared_.code.process, steps_.run_id());
    const ports::ConnectionTarget target = OpenLogin();
    Keeper keeper(steps_.Connect(ports::ServiceRole::kEngine, "keeper"), transformer_);
    keeper.Look();
    Claim(keeper.claims(), declared_.timeout.seconds);
    CodeContext context = steps_.Context(keeper.snapshot(), target);
    context.workplace = [&workplace] { return std::move(workplace); };
    effects_.reporter.UnderWay({transformer_.workspace, "runs its code"});
    const CodeResult code = ExecuteCode(effects_, context);
    if (!keeper.Lives() &&
        (code.outcome != CodeOutcome::kFinished || declared_.snapshot == model::SnapshotUse::kRequired))
      return Lost("the session that kept the run's snapshot has ended: " + code.reason);
    here = code;
    return EndHere(code);
  }

  JobReport EndHere(const CodeResult& code) {
    JobReport report = End(code);
    if (report.state == JobState::kFinished) report.state = JobState::kEnded;
    return report;
  }

  /// Nothing writes any more before the output is somebody's to take in, and it never is if the code has failed.
  JobReport End(const CodeResult& code) {
    steps_.login().Quiesce();
    JobReport report = Report(JobState::kFinished, steps_.run_id());
    if (code.outcome == CodeOutcome::kFinished) {
      steps_.Finish(code, declared_.timeout.seconds + declared_.start_limit.seconds);
    } else {
      steps_.RecordFailed(code);
      report = Told(steps_.Fail(code.outcome == CodeOutcome::kTimedOut ? RunOutcome::kTimedOut : RunOutcome::kFailed,
                                steps_.EndingOf(code)));
    }
    if (in_container_) RemoveContainer(effects_, applied_, steps_.run_id());
    return report;
  }

  const Effects& effects_;
  const Actor& actor_;
  const Applied& applied_;
  const plan::Transformer& transformer_;
  RunSteps steps_;
  const model::DataTransformer& declared_;
  const bool in_container_;
};

/// A step, taken again while what fails may pass by itself.
template <typename Take>
JobReport Patiently(const Effects& effects, const Actor& actor, const Applied& applied,
                    const plan::Transformer& transformer, Take take) {
  const Busy busy(effects.reporter);
  Patience patience(effects.clock, effects.entropy, RetryLimit(applied));
  while (true) {
    std::optional<HandedStep> step;
    try {
      step.emplace(effects, actor, applied, transformer);
      return take(*step);
    } catch (const RefusedOutput& refused) {
      return step->Refuse(refused.hold);
    } catch (const base::Error& error) {
      if (step) {
        if (const auto met = step->Meet(error)) return *met;
      }
      if (!error.retryable || !Again(effects, patience, transformer.key, error)) throw;
    }
  }
}

}  // namespace

JobReport OpenHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                     const plan::Transformer& transformer, const std::string& cause) {
  return Patiently(effects, actor, applied, transformer, [&](HandedStep& step) { return step.Open(cause); });
}

JobReport LaunchHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer, const std::string& run_id) {
  std::optional<CodeResult> here;
  return Patiently(effects, actor, applied, transformer, [&](HandedStep& step) { return step.Launch(run_id, here); });
}

JobReport LookAtHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer, const std::string& run_id) {
  return Patiently(effects, actor, applied, transformer, [&](HandedStep& step) { return step.Look(run_id); });
}

JobReport CloseHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                      const plan::Transformer& transformer, const std::string& run_id) {
  return Patiently(effects, actor, applied, transformer, [&](HandedStep& step) { return step.Close(run_id); });
}

JobReport IngestHanded(const Effects& effects, const Actor& actor, const Applied& applied,
                       const plan::Transformer& transformer) {
  std::string in_doubt;
  return Patiently(effects, actor, applied, transformer, [&](HandedStep& step) { return step.Ingest(in_doubt); });
}

}  // namespace yellow::run
