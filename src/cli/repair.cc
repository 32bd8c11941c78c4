#include "run/repair.h"

#include <fmt/format.h>

#include <functional>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/find_node.h"
#include "cli/views/history_json.h"

// What people do by hand. Each says what it leads to, and --dry-run says only that.
namespace yellow::cli {
namespace {

/// One such thing.
struct Repair {
  std::string done;      ///< what is so now, and the next step
  std::string leads_to;  ///< the beginning of a sentence: "What differs"; empty when nothing follows from it
  std::function<Done(Engine& engine, const std::string& key, run::Mode mode)> act;
};

int Finish(const Program& program, const Options& options, const Found& found, bool dry_run, const Repair& repair,
           const Record<Done>& record) {
  Done done = repair.act(*found.engine, found.key, dry_run ? run::Mode::kTry : run::Mode::kDo);
  done.done = !dry_run;
  if (!repair.leads_to.empty()) done.downstream = plan::DownstreamOf(found.engine->applied->physical, found.key);
  if (options.json) {
    program.out << Printed(record.Write(done));
    return kDone;
  }
  if (dry_run) program.out << "Nothing is done (--dry-run); without it:\n";
  program.out << repair.done << "\n";
  if (!repair.leads_to.empty()) program.out << fmt::format("{} {}.\n", repair.leads_to, ToSentence(done.downstream));
  return kDone;
}

int SetPaused(const Program& program, const Options& options, const StreamsOptions& streams, bool paused) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Repair repair{paused ? "Paused. It goes on after: yellow streams resume " + streams.stream
                             : "It goes on at its next schedule, or with: yellow run " + streams.stream,
                      paused ? "Until then its new rows wait. What differs then" : "What differs",
                      [&](Engine& engine, const std::string& key, run::Mode mode) {
                        run::PauseStream(*engine.session, program.actor, key, paused, mode);
                        return Done{key, paused ? "paused" : "resumed"};
                      }};
  return Finish(program, options, FindStream(engines, streams.stream), streams.dry_run, repair, RepairRecord());
}

int MakeDue(const Program& program, const Options& options, const RunsOptions& runs, bool rebuild) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Repair repair{rebuild ? "Its next run makes the whole output anew: yellow run" : "It is due again: yellow run",
                      "What differs", [&](Engine& engine, const std::string& key, run::Mode mode) {
                        run::RetryTransformer(*engine.session, program.actor, key, rebuild, mode);
                        return Done{key, "due"};
                      }};
  return Finish(program, options, FindTransformer(engines, runs.id), runs.dry_run, repair, RepairRecord());
}

}  // namespace

int StreamsPause(const Program& program, const Options& options, const StreamsOptions& streams) {
  return SetPaused(program, options, streams, true);
}

int StreamsResume(const Program& program, const Options& options, const StreamsOptions& streams) {
  return SetPaused(program, options, streams, false);
}

int BatchesRelease(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Repair repair{"Released. It is merged by the next run: yellow run", "What differs",
                      [&](Engine& engine, const std::string& key, run::Mode mode) {
                        const int batch = run::ShowBatch(*engine.session, key, batches.batch).batch;
                        run::ReleaseBatch(*engine.session, program.actor, key, batch, mode);
                        return Done{key, "released", batch};
                      }};
  return Finish(program, options, FindStream(engines, batches.stream), batches.dry_run, repair, RepairedBatchRecord());
}

int BatchesReject(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Repair repair{"Rejected. The next batch begins at the next schedule, or with: yellow run " + batches.stream, "",
                      [&](Engine& engine, const std::string& key, run::Mode mode) {
                        const int batch = run::ShowBatch(*engine.session, key, batches.batch).batch;
                        run::RejectBatch(*engine.session, program.actor, key, batch, mode);
                        return Done{key, "rejected", batch};
                      }};
  return Finish(program, options, FindStream(engines, batches.stream), batches.dry_run, repair, RepairedBatchRecord());
}

int BatchesReplay(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindStream(engines, batches.stream);
  if (const auto& workspace = found.engine->applied->physical.FindStream(found.key)->workspace)
    throw base::UsageError(batches.stream + " is no source, a transformer writes it")
        .Remedy("yellow rebuild " + *workspace);
  const Repair repair{"It is read again by the next run: yellow run", "What differs",
                      [&](Engine& engine, const std::string& key, run::Mode mode) {
                        run::ReplayStream(*engine.session, program.actor, key, mode);
                        return Done{key, "due"};
                      }};
  return Finish(program, options, found, batches.dry_run, repair, RepairRecord());
}

int RunsRetry(const Program& program, const Options& options, const RunsOptions& runs) {
  return MakeDue(program, options, runs, false);
}

int Rebuild(const Program& program, const Options& options, const RunsOptions& runs) {
  return MakeDue(program, options, runs, true);
}

int RunsCancel(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(Narration(program, options));
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  const std::string prefix =
      project.loaded.model.environment ? project.loaded.model.environment->role_prefix : "yellow";
  for (Engine& engine : engines.engines) {
    try {
      const run::RunInfo run = run::ShowRun(*engine.session, runs.id);
      const Repair repair{"Cancelled run " + run.id + ". Its transformer is due again: yellow run", "",
                          [&](Engine& of, const std::string& key, run::Mode mode) {
                            run::CancelRun(effects, *of.session, program.actor, prefix, run.id, mode);
                            return Done{key, "cancelled", {}, run.id};
                          }};
      return Finish(program, options, {&engine, run.transformer}, runs.dry_run, repair, RepairedRunRecord());
    } catch (const base::UsageError&) {  // it may be in another merge database
      if (&engine == &engines.engines.back()) throw;
    }
  }
  return kDone;
}

}  // namespace yellow::cli
