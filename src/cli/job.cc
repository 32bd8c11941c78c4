#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/find_node.h"
#include "cli/views/history_json.h"
#include "run/adoption.h"
#include "run/audit.h"
#include "run/execute_container.h"
#include "run/handed_run.h"
#include "run/jobs.h"
#include "run/run_ending.h"
#include "run/run_login.h"
#include "run/world.h"

// One thing for a scheduler, each safe to start twice.
namespace yellow::cli {
namespace {

int StatusOf(run::JobState state) {
  switch (state) {
    case run::JobState::kCommitted:
    case run::JobState::kConsumed:
    case run::JobState::kOpened:
    case run::JobState::kLaunched:
    case run::JobState::kRunning:
    case run::JobState::kEnded:
    case run::JobState::kFinished:
    case run::JobState::kClosed:
      return kDone;
    case run::JobState::kHeld:
    case run::JobState::kFailed:
    case run::JobState::kCancelled:
      return kFindings;
    case run::JobState::kNothingDue:
      return kNothingDue;
    case run::JobState::kBusy:
      return kFenced;
  }
  return kFailed;
}

/// What the scheduler would decide now for this node, and no other.
run::Decision DecisionOn(const Program& program, const Engine& engine, const std::string& node) {
  const std::vector<run::Decision> decisions =
      run::Tick(run::ReadWorld(*engine.session, *engine.applied, program.actor, program.processes));
  const auto found = std::find_if(decisions.begin(), decisions.end(),
                                  [&](const run::Decision& decision) { return decision.node == node; });
  if (found == decisions.end())
    throw base::UsageError("nothing is decided on this node: " + node)
        .Remedy("name a stream of a source, or a transformer");
  return *found;
}

bool IsSomebodyElseAtIt(const std::string& code) {
  return code == "busy" || code == "run_open" || code == "limit_reached";
}

/// A command that does one thing with one engine.
struct Job {
  const Program& program;
  const JobOptions& options;
  run::Actor actor;  ///< with the scheduler's job
  const run::Effects effects;
  Engine& engine;
  std::string key;  ///< of the stream or transformer
};

/// That somebody, or a scheduler, begins this step: before it does.
void RecordStep(const Job& job, const std::string& step, const std::string& run_id = "") {
  std::vector<std::pair<std::string, std::string>> details{{"step", step}};
  if (!job.actor.job.empty()) details.emplace_back("by", job.actor.job);
  if (!run_id.empty()) details.emplace_back("run", run_id);
  run::RecordAudit(*job.engine.session, job.actor, "job.began", job.key, details);
}

/// Of a transformer that is not to run, or of a stream that is not to be read, without more ado; nothing when it is.
std::optional<run::JobReport> WithoutWork(const Job& job, const run::Decision& decision) {
  run::JobReport report;
  report.reason_code = decision.code, report.reason = decision.sentence;
  if (decision.action == run::Action::kWait)
    report.state = IsSomebodyElseAtIt(decision.code) ? run::JobState::kBusy : run::JobState::kNothingDue;
  else if (decision.action == run::Action::kConsume)
    report.state = run::JobState::kConsumed;
  else
    return std::nullopt;
  if (decision.action == run::Action::kConsume) RecordStep(job, "consume");
  if (decision.action == run::Action::kConsume)
    run::ConsumeUnchanged(*job.engine.session, *job.engine.applied, decision.node);
  job.effects.reporter.Line(decision.sentence);
  return report;
}

run::JobReport Carry(const Job& job) {
  const run::Decision decision = DecisionOn(job.program, job.engine, job.key);
  if (const auto report = WithoutWork(job, decision)) return *report;
  RecordStep(job, decision.action == run::Action::kIngest ? "ingest" : "transform");
  return run::Work(job.effects, job.actor, *job.engine.applied, decision);
}

bool IsToBeTakenIn(const run::OpenRun& run) {
  return !run.handed_to.empty() && (run.state == run::RunState::kFinished || run.state == run::RunState::kIngesting);
}

const plan::Transformer& TransformerOf(const Job& job) {
  return *job.engine.applied->physical.FindTransformer(job.key);
}

run::JobReport Ingest(const Job& job) {
  const plan::Physical& physical = job.engine.applied->physical;
  const auto writer = std::find_if(physical.transformers.begin(), physical.transformers.end(),
                                   [&](const plan::Transformer& one) { return one.output_stream == job.key; });
  if (writer == physical.transformers.end()) {
    if (!job.options.asked_at.empty()) run::AskForBatch(*job.engine.session, job.key, job.options.asked_at);
    return Carry(job);
  }
  if (!job.options.asked_at.empty())
    throw base::UsageError("nobody can ask for a batch of " + job.options.node + ", it is an output")
        .Remedy("leave --asked-at out, or ask for a run: yellow runs retry " + writer->workspace);
  if (const auto open = run::FindOpenRun(*job.engine.session, writer->key); open && IsToBeTakenIn(*open))
    RecordStep(job, "ingest", open->id);
  return run::IngestHanded(job.effects, job.actor, *job.engine.applied, *writer);
}

run::JobReport Open(const Job& job) {
  if (job.actor.job.empty()) throw base::UsageError("nobody is named who takes the next steps").Remedy("say --by JOB");
  const run::Decision decision = DecisionOn(job.program, job.engine, job.key);
  // One that this job has opened before is open; what else is open is somebody else's.
  if (decision.code != "run_open") {
    if (const auto report = WithoutWork(job, decision)) return *report;
  }
  RecordStep(job, "open");
  return run::OpenHanded(job.effects, job.actor, *job.engine.applied, TransformerOf(job), decision.cause);
}

/// What the work has not said itself.
std::string Told(const run::JobReport& report) {
  switch (report.state) {
    case run::JobState::kOpened:
      return "run " + report.run_id + " is open\n  = next: yellow job launch " + report.run_id;
    case run::JobState::kLaunched:
      return "run " + report.run_id + " is launched\n  = next, when its code has ended: yellow job close " +
             report.run_id;
    case run::JobState::kEnded:
    case run::JobState::kRunning:
      return "run " + report.run_id + ": its code " +
             (report.state == run::JobState::kEnded ? "has ended\n  = next: " : "is at work\n  = to wait for it: ") +
             "yellow job close " + report.run_id;
    case run::JobState::kFinished:
      return "run " + report.run_id + " has finished\n  = next: yellow job ingest, with the store that it writes";
    case run::JobState::kClosed:
      return "run " + report.run_id + " is closed\n  = what became of it: yellow runs show " + report.run_id;
    default:
      return "";
  }
}

using Step = run::JobReport (*)(const run::Effects&, const run::Actor&, const run::Applied&, const plan::Transformer&,
                                const std::string&);

/// `find`: the engine, and the key of what the job is about. `act`: the work.
template <typename Find, typename Act>
int Do(const Program& program, const Options& options, const JobOptions& job, Find find, Act act) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(options.json ? program.err : program.out);
  const Found found = find(engines);
  run::Actor actor = program.actor;
  actor.job = job.by;
  const Job one{program, job, actor, EffectsOf(program, *engines.servers, reporter), *found.engine, found.key};
  const run::JobReport report = act(one);
  if (const std::string told = Told(report); !told.empty()) reporter.Line(told);
  if (!job.result.empty())
    program.files.Fill(AbsolutePath(program, job.result), std::string(run::WordOf(report.state)));
  if (options.json) program.out << Printed(JobRecord().Write({found.key, report}));
  return StatusOf(report.state);
}

/// `word`: what the step is called in the audit log; empty: it only looks.
int DoWithRun(const Program& program, const Options& options, const JobOptions& job, Step step,
              const std::string& word) {
  std::string run_id;
  return Do(
      program, options, job,
      [&](Engines& engines) {
        const auto [engine, run] = FindRun(engines, job.node);
        run_id = run.id;
        return Found{engine, run.transformer};
      },
      [&](const Job& one) {
        if (one.engine.applied->physical.FindTransformer(one.key) == nullptr)
          throw base::UsageError("the transformer of run " + run_id + " is not in the model any more: " + one.key)
              .Remedy("yellow runs cancel " + run_id);
        if (const auto open = run::FindOpenRun(*one.engine.session, one.key);
            !word.empty() && open && open->id == run_id)
          RecordStep(one, word, run_id);
        return step(one.effects, one.actor, *one.engine.applied, TransformerOf(one), run_id);
      });
}

}  // namespace

int JobIngest(const Program& program, const Options& options, const JobOptions& job) {
  return Do(program, options, job, [&](Engines& engines) { return FindStream(engines, job.node); }, &Ingest);
}

int JobTransform(const Program& program, const Options& options, const JobOptions& job) {
  return Do(program, options, job, [&](Engines& engines) { return FindTransformer(engines, job.node); }, &Carry);
}

int JobOpen(const Program& program, const Options& options, const JobOptions& job) {
  return Do(program, options, job, [&](Engines& engines) { return FindTransformer(engines, job.node); }, &Open);
}

int JobLaunch(const Program& program, const Options& options, const JobOptions& job) {
  return DoWithRun(program, options, job, &run::LaunchHanded, "launch");
}

int JobLook(const Program& program, const Options& options, const JobOptions& job) {
  return DoWithRun(program, options, job, &run::LookAtHanded, "");
}

int JobClose(const Program& program, const Options& options, const JobOptions& job) {
  return DoWithRun(program, options, job, &run::CloseHanded, "close");
}

int JobDue(const Program& program, const Options& options, const JobOptions&) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(options.json ? program.err : program.out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  WhatIsDue found;
  for (const Engine& engine : engines.engines) {
    for (std::string& id : run::EndOverdueRuns(effects, *engine.session, program.actor, *engine.applied)) {
      run::RecordAudit(*engine.session, program.actor, "job.closed_overdue", engine.container, {{"run", id}});
      found.closed.push_back(std::move(id));
    }
    run::DropOrphanLogins(effects, *engine.session, run::PrefixOf(*engine.applied));
    run::RemoveOrphanContainers(effects, *engine.session, *engine.applied);
    for (const run::WaitingOutput& waiting : run::FindWaitingOutputs(*engine.session)) {
      const plan::Transformer* writer = engine.applied->physical.FindTransformer(waiting.transformer);
      if (writer == nullptr) continue;  // it has left the model, and the run is lost at its deadline
      found.due.push_back({writer->output_stream, run::NameOfNode(writer->output_stream), "output_waits",
                           "the output of run " + waiting.run_id + " waits to be taken in"});
      const std::string& name = found.due.back().name;
      reporter.Line(name + ": " + found.due.back().sentence + "\n  = next: yellow job ingest " + name);
    }
    for (const run::Decision& decision :
         run::Tick(run::ReadWorld(*engine.session, *engine.applied, program.actor, program.processes))) {
      if (decision.action == run::Action::kWait) continue;
      found.due.push_back({decision.node, run::NameOfNode(decision.node), decision.code, decision.sentence});
      reporter.Line(decision.sentence);
    }
  }
  if (found.due.empty()) reporter.Line("Nothing is due.");
  if (options.json) program.out << Printed(WhatIsDueRecord().Write(found));
  return found.due.empty() && found.closed.empty() ? kNothingDue : kDone;
}

}  // namespace yellow::cli
