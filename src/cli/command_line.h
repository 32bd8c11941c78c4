#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"

namespace yellow::cli {

/// What `--help` says of a command beside its options. Each example is a whole line for a shell that can be tried in
/// the shop of `yellow demo`.
struct Help {
  std::string about;  ///< one sentence, without a full stop
  std::vector<std::string> examples;
  std::string more = {};  ///< lines
};

/// Every command, its options and its help; parsing a line fills in what was asked for, and does nothing yet.
class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;
  ~CommandLine() = default;

  CLI::App& app() { return app_; }
  /// Does what was asked for. REQUIRES: app().parse(…) has returned.
  int Run(const Program& program);
  /// The words of the command that was asked for: `batches list`.
  const std::string& command() const { return command_; }

 private:
  /// A command that leads to others only.
  CLI::App* Group(const char* group, const char* name, const Help& help);
  /// A command; `do_it` does it when the line has named it and none below it.
  static void DryRun(CLI::App* command, bool& dry_run);
  CLI::App* Command(CLI::App& parent, const char* group, const char* name, const Help& help,
                    std::function<int(const Program&, const Options&)> do_it);
  template <typename OptionsOf>
  CLI::App* Command(CLI::App& parent, const char* group, const char* name, const Help& help,
                    int (*function)(const Program&, const Options&, const OptionsOf&), const OptionsOf& options) {
    return Command(parent, group, name, help, [function, &options](const Program& program, const Options& common) {
      return function(program, common, options);
    });
  }

  void Start();
  void Model();
  void Deploy();
  void Render();
  void Operate();
  void Streams();
  void Batches();
  void Runs();
  void Authors();
  void Access();
  void Recordings(CLI::App& access);
  void Erasing();
  void Audit();
  void AuditSearchCommand(CLI::App& audit);
  static CLI::Validator IsUtc();
  /// Refuses an empty text, which would stand for anything.
  static CLI::Validator IsSaid();
  void Machine();

  CLI::App app_{"Yellow compiles a model of a data ecosystem and realises it on PostgreSQL.", "yellow"};
  Options options_;
  std::string output_ = "text";
  LintOptions lint_;
  GraphOptions graph_;
  ExportJsonSchemaOptions json_schema_;
  RenderAirflowOptions airflow_;
  PlanOptions plan_;
  RenderSystemdOptions systemd_;
  RenderKubernetesOptions kubernetes_;
  JobOptions job_;
  RunOptions run_;
  ServeOptions serve_;
  ExplainOptions explain_;
  SqlOptions sql_;
  InitOptions init_;
  InitTransformerOptions init_transformer_;
  ImportOptions import_;
  TestOptions test_;
  TryOptions try_;
  BootstrapOptions bootstrap_;
  DemoOptions demo_;
  FlightsDemoOptions flights_demo_;
  StreamsOptions streams_;
  BatchesOptions batches_;
  RunsOptions runs_;
  AccessOptions access_;
  AccessReplayOptions access_replay_;
  AccessKeygenOptions access_keygen_;
  AuditOptions audit_;
  std::function<int(const Program&, const Options&)> action_;
  std::string command_;
};

}  // namespace yellow::cli
