#include "run/batches.h"

#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/exit_status.h"
#include "cli/find_node.h"
#include "cli/text_table.h"
#include "cli/views/history_json.h"

namespace yellow::cli {
namespace {

constexpr int kListed = 50;

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
  Json list = Json::array();
  std::vector<std::vector<std::string>> table{{"STREAM", "BATCH", "STATE", "OPENED", "COMMITTED", ""}};
  for (Engine& engine : engines.engines) {
    std::string key;
    if (!batches.stream.empty()) {
      const Found found = FindStream(engines, batches.stream);
      if (found.engine != &engine) continue;
      key = found.key;
    }
    for (const run::BatchInfo& batch : run::ListBatches(*engine.session, key, kListed)) {
      list.push_back(BatchRecord().Write(batch));
      table.push_back({batch.stream, std::to_string(batch.batch), batch.state, Seconds(batch.opened_at),
                       Seconds(batch.committed_at), FirstLine(batch.reason)});
    }
  }
  program.out << (options.json ? Printed(list) : TextTable(table, {1}));
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
    program.out << Printed(ShownBatchRecord().Write({batch, rejected}));
    return kDone;
  }
  program.out << fmt::format("Batch {} of {} is {}{}.\n", batch.batch, batch.stream, batch.state,
                             batch.released ? ", released by a person" : "");
  if (!batch.opened_by.empty()) program.out << "Opened by: " << batch.opened_by << "\n";
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

int RunsList(const Program& program, const Options& options, const RunsOptions& runs) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  Json list = Json::array();
  std::vector<std::vector<std::string>> table{{"RUN", "TRANSFORMER", "STATE", "OPENED", "BATCH", ""}};
  for (Engine& engine : engines.engines) {
    std::string key;
    if (!runs.id.empty()) {
      const Found found = FindTransformer(engines, runs.id);
      if (found.engine != &engine) continue;
      key = found.key;
    }
    for (const run::RunInfo& run : run::ListRuns(*engine.session, key, kListed)) {
      list.push_back(RunRecord().Write(run));
      table.push_back({run.id, run.transformer, run.state, Seconds(run.opened_at),
                       run.output_batch ? std::to_string(*run.output_batch) : "-", FirstLine(run.reason)});
    }
  }
  program.out << (options.json ? Printed(list) : TextTable(table, {4}));
  return kDone;
}

namespace {

template <typename Use>
int WithRun(const Program& program, const Options& options, const std::string& id, Use use) {
  const Project project = OpenProject(program, options);
  Engines engines = OpenApplied(program, project);
  const auto [engine, run] = FindRun(engines, id);
  use(*engine, run);
  return kDone;
}

}  // namespace

int RunsShow(const Program& program, const Options& options, const RunsOptions& runs) {
  return WithRun(program, options, runs.id, [&](Engine&, const run::RunInfo& run) {
    if (options.json) {
      program.out << Printed(ShownRunRecord().Write(run));
      return;
    }
    program.out << fmt::format("Run {} of {} is {} (mode {}).\nIt was opened {} because: {}\n", run.id, run.transformer,
                               run.state, run.mode, Seconds(run.opened_at), run.cause);
    if (!run.handed_to.empty()) program.out << "Its steps are taken by " << run.handed_to << ".\n";
    if (!run.image.empty()) program.out << "Its code is " << run.image << "\n";
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
    if (options.json) {
      program.out << Printed(ShownLogRecord().Write({run, log}));
      return;
    }
    if (log.empty())
      program.err << "Run " << run.id
                  << " has no log; those older than retention.logs of the ecosystem are forgotten\n";
    program.out << log;
    if (!log.empty() && log.back() != '\n') program.out << "\n";
  });
}

}  // namespace yellow::cli
