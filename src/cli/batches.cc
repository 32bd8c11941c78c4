#include "run/batches.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/text_table.h"

namespace yellow::cli {
namespace {

constexpr int kListed = 50;

/// The engine whose applied model has a node of this name, and its key.
struct Found {
  Engine* engine = nullptr;
  std::string key;
};

Found FindNode(Engines& engines, const std::string& name) {
  // Every engine knows the whole graph; only one of them has the node's tables.
  for (Engine& engine : engines.engines) {
    const std::string key = ResolveNode(*engine.applied, name, true);
    const plan::Physical& physical = engine.applied->physical;
    if (physical.FindStream(key) != nullptr || physical.FindTransformer(key) != nullptr) return {&engine, key};
  }
  throw base::UsageError("no merge database has this node: " + name);
}

/// A store of a transformer's output has the workspace's name for its transformer; here the stream is meant.
Found FindStream(Engines& engines, const std::string& name) {
  const Found found = FindNode(engines, name);
  if (found.engine->applied->physical.FindStream(found.key) == nullptr)
    throw base::UsageError("this is not a stream: " + found.key);
  return found;
}

Found FindTransformer(Engines& engines, const std::string& name) {
  const Found found = FindNode(engines, name);
  if (found.engine->applied->physical.FindTransformer(found.key) == nullptr)
    throw base::UsageError("this is not a DataTransformer: " + found.key);
  return found;
}

nlohmann::ordered_json Reason(const std::string& code, const std::string& text) {
  if (code.empty()) return nullptr;
  return {{"code", code}, {"text", text}};
}

nlohmann::ordered_json ToJson(const run::BatchInfo& batch) {
  nlohmann::ordered_json item{{"key", batch.stream},
                              {"id", batch.batch},
                              {"state", batch.state},
                              {"reason", Reason(batch.reason_code, batch.reason)},
                              {"opened_at", batch.opened_at},
                              {"committed_at", nullptr},
                              {"run", nullptr},
                              {"released", batch.released}};
  if (!batch.committed_at.empty()) item["committed_at"] = batch.committed_at;
  if (!batch.run_id.empty()) item["run"] = batch.run_id;
  for (const auto& c : batch.counts) {
    item["datasets"].push_back({{"key", c.dataset},
                                {"staged", c.staged},
                                {"inserted", c.inserted},
                                {"updated", c.updated},
                                {"deleted", c.deleted},
                                {"unchanged", c.unchanged},
                                {"rejected", c.rejected}});
  }
  for (const std::string& column : batch.ignored) item["ignored"].push_back(column);
  return item;
}

nlohmann::ordered_json ToJson(const std::vector<run::RejectedRows>& rejected) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const run::RejectedRows& rows : rejected) {
    list.push_back({{"key", rows.dataset},
                    {"reason", Reason(rows.rule, rows.reason)},
                    {"rows", rows.rows},
                    {"example", rows.example},
                    {"table", rows.table}});
  }
  return list;
}

nlohmann::ordered_json ToJson(const run::RunInfo& run) {
  nlohmann::ordered_json item{{"id", run.id},
                              {"key", run.transformer},
                              {"state", run.state},
                              {"reason", Reason(run.reason_code, run.reason)},
                              {"cause", run.cause},
                              {"mode", run.mode},
                              {"opened_at", run.opened_at},
                              {"closed_at", nullptr},
                              {"exit_status", nullptr},
                              {"output_batch", nullptr}};
  if (!run.closed_at.empty()) item["closed_at"] = run.closed_at;
  if (run.exit_status) item["exit_status"] = *run.exit_status;
  if (run.output_batch) item["output_batch"] = *run.output_batch;
  for (const auto& claim : run.claims)
    item["claims"].push_back({{"key", claim.input}, {"from", claim.from}, {"to", claim.to}});
  return item;
}

/// `2026-01-01 12:30:04` of an RFC 3339 time.
std::string Seconds(const std::string& time) {
  return time.size() < 19 ? time : time.substr(0, 10) + " " + time.substr(11, 8);
}

/// The first line of a reason that may have several.
std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

int BatchesList(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> table{{"STREAM", "BATCH", "STATE", "OPENED", "COMMITTED", ""}};
  for (Engine& engine : engines.engines) {
    std::string key;
    if (!batches.stream.empty()) {
      const Found found = FindStream(engines, batches.stream);
      if (found.engine != &engine) continue;
      key = found.key;
    }
    for (const run::BatchInfo& batch : run::ListBatches(*engine.session, key, kListed)) {
      list.push_back(ToJson(batch));
      table.push_back({batch.stream, std::to_string(batch.batch), batch.state, Seconds(batch.opened_at),
                       Seconds(batch.committed_at), FirstLine(batch.reason)});
    }
  }
  program.out << (options.json ? list.dump(2) + "\n" : TextTable(table, {1}));
  return kDone;
}

int BatchesShow(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindStream(engines, batches.stream);
  const run::BatchInfo batch = run::ShowBatch(*found.engine->session, found.key, batches.batch);
  std::vector<run::RejectedRows> rejected;
  if (batch.state == "committed") {
    const plan::Stream& stream = *found.engine->applied->physical.FindStream(found.key);
    rejected = run::ShowRejected(*found.engine->session, stream, batch.batch);
  }
  if (options.json) {
    nlohmann::ordered_json item = ToJson(batch);
    item["rejected"] = ToJson(rejected);
    program.out << item.dump(2) << "\n";
    return kDone;
  }
  program.out << fmt::format("Batch {} of {} is {}{}.\n", batch.batch, batch.stream, batch.state,
                             batch.released ? ", released by a person" : "");
  if (!batch.run_id.empty()) program.out << "Run: " << batch.run_id << "\n";
  if (!batch.reason.empty()) program.out << "Reason: " << batch.reason << "\n";
  if (batch.state == "held") {
    program.out << (batch.guarded
                        ? fmt::format("If that is right: yellow batches release {} {}\n", batches.stream, batch.batch)
                        : "It is read again at the next schedule, or with: yellow run " + batches.stream + "\n");
  }
  std::vector<std::vector<std::string>> table{
      {"DATASET", "STAGED", "INSERTED", "UPDATED", "DELETED", "UNCHANGED", "REJECTED"}};
  for (const auto& c : batch.counts) {
    table.push_back({c.dataset, std::to_string(c.staged), std::to_string(c.inserted), std::to_string(c.updated),
                     std::to_string(c.deleted), std::to_string(c.unchanged), std::to_string(c.rejected)});
  }
  if (!batch.counts.empty()) program.out << TextTable(table, {1, 2, 3, 4, 5, 6});
  std::string ignored;
  for (const std::string& column : batch.ignored) ignored += (ignored.empty() ? "" : ", ") + column;
  if (!ignored.empty()) program.out << "Not read, because the model does not name them: " << ignored << "\n";
  for (const run::RejectedRows& rows : rejected) {
    program.out << fmt::format(
        "Set aside: {} of {}, because of the rule that {}; for example {}\n  = all of them are in {}, which only "
        "Yellow's engine may read\n",
        rows.rows, rows.dataset, rows.reason, rows.example, rows.table);
  }
  return kDone;
}

int BatchesRelease(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindStream(engines, batches.stream);
  run::ReleaseBatch(*found.engine->session, program.actor, found.key, batches.batch);
  program.out << "Released. It is merged by the next run: yellow run\n";
  return kDone;
}

int BatchesReject(const Program& program, const Options& options, const BatchesOptions& batches) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindStream(engines, batches.stream);
  run::RejectBatch(*found.engine->session, program.actor, found.key, batches.batch);
  program.out << "Rejected. The next batch begins at the next schedule, or with: yellow run " << batches.stream << "\n";
  return kDone;
}

int RunsList(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::vector<std::vector<std::string>> table{{"RUN", "TRANSFORMER", "STATE", "OPENED", "BATCH", ""}};
  for (Engine& engine : engines.engines) {
    std::string key;
    if (!runs.id.empty()) {
      const Found found = FindTransformer(engines, runs.id);
      if (found.engine != &engine) continue;
      key = found.key;
    }
    for (const run::RunInfo& run : run::ListRuns(*engine.session, key, kListed)) {
      list.push_back(ToJson(run));
      table.push_back({run.id, run.transformer, run.state, Seconds(run.opened_at),
                       run.output_batch ? std::to_string(*run.output_batch) : "-", FirstLine(run.reason)});
    }
  }
  program.out << (options.json ? list.dump(2) + "\n" : TextTable(table, {4}));
  return kDone;
}

namespace {

/// Calls `use` with the run of this id, in whichever merge database it is.
template <typename Use>
int WithRun(const Program& program, const Options& options, const std::string& id, Use use) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  for (Engine& engine : engines.engines) {
    std::optional<run::RunInfo> run;
    try {
      run = run::ShowRun(*engine.session, id);
    } catch (const base::UsageError&) {
      if (&engine == &engines.engines.back()) throw;
    }
    if (!run) continue;
    use(engine, *run);
    return kDone;
  }
  return kDone;
}

}  // namespace

int RunsShow(const Program& program, const Options& options, const RunsOptions& runs) {
  return WithRun(program, options, runs.id, [&](Engine&, const run::RunInfo& run) {
    if (options.json) {
      program.out << ToJson(run).dump(2) << "\n";
      return;
    }
    program.out << fmt::format("Run {} of {} is {} (mode {}).\nIt was opened {} because: {}\n", run.id, run.transformer,
                               run.state, run.mode, Seconds(run.opened_at), run.cause);
    if (!run.closed_at.empty()) program.out << "It was closed " << Seconds(run.closed_at) << ".\n";
    if (!run.reason.empty()) program.out << "Reason: " << run.reason << "\n";
    if (run.output_batch) program.out << "Output batch: " << *run.output_batch << "\n";
    for (const auto& claim : run.claims)
      program.out << fmt::format("It counts {} after batch {} up to {}.\n", claim.input, claim.from, claim.to);
  });
}

int RunsLogs(const Program& program, const Options& options, const RunsOptions& runs) {
  return WithRun(program, options, runs.id, [&](Engine& engine, const run::RunInfo& run) {
    const std::string log = run::RunLog(*engine.session, run.id);
    if (log.empty())
      program.err << "Run " << run.id
                  << " has no log; those older than retention.logs of the ecosystem are forgotten\n";
    program.out << log;
    if (!log.empty() && log.back() != '\n') program.out << "\n";
  });
}

int RunsRetry(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindTransformer(engines, runs.id);
  run::RetryTransformer(*found.engine->session, program.actor, found.key, false);
  program.out << "It is due again: yellow run\n";
  return kDone;
}

int RunsCancel(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  PrintingReporter reporter(program.out);
  const run::Effects effects = EffectsOf(program, *engines.servers, reporter);
  const std::string prefix =
      project.loaded.model.environment ? project.loaded.model.environment->role_prefix : "yellow";
  for (Engine& engine : engines.engines) {
    try {
      program.out << "Cancelled run " << run::CancelRun(effects, *engine.session, program.actor, prefix, runs.id)
                  << ". Its transformer is due again: yellow run\n";
      return kDone;
    } catch (const base::Error&) {
      if (&engine == &engines.engines.back()) throw;
    }
  }
  return kDone;
}

int Rebuild(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const Found found = FindTransformer(engines, runs.id);
  run::RetryTransformer(*found.engine->session, program.actor, found.key, true);
  program.out << "Its next run makes the whole output anew: yellow run\n";
  return kDone;
}

}  // namespace yellow::cli
