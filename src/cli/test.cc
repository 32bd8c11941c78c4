#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/example_source.h"
#include "cli/exit_status.h"
#include "cli/views/author_json.h"
#include "plan/rehearsal.h"
#include "run/rehearsal.h"

namespace yellow::cli {
namespace {

constexpr size_t kLogLines = 20;

/// One workspace with its cases.
struct Suite {
  const model::Workspace* workspace;
  std::vector<plan::TestCase> cases;
};

std::vector<Suite> FindSuites(const Project& project, const std::string& wanted) {
  const model::Model& model = project.loaded.model;
  std::vector<Suite> suites;
  std::vector<std::string> names;
  for (const model::Workspace& workspace : model.workspaces) {
    if (!workspace.transformer) continue;
    names.push_back(workspace.name);
    if (!wanted.empty() && workspace.name != wanted) continue;
    std::vector<plan::TestCase> cases = plan::FindTests(model, workspace, project.files);
    if (!cases.empty()) suites.push_back({&workspace, std::move(cases)});
    if (!wanted.empty() && suites.empty())
      throw base::UsageError("there are no tests of " + wanted)
          .Remedy("write " + plan::TestFolder(workspace) + "/<case>/in/<Store>.<dataset>.csv and …/out/<dataset>.csv");
  }
  if (wanted.empty() || !suites.empty()) return suites;
  throw base::UsageError("the model has no transformer " + wanted)
      .Remedy(base::DidYouMean(wanted, names, "yellow graph lists what there is"));
}

/// The private cluster's settings stay as the environment has them.
model::EmbeddedServer EmbeddedServerOf(const model::Model& model) {
  if (model.environment) {
    for (const model::ContainerPlace& place : model.environment->containers) {
      if (const auto* server = std::get_if<model::EmbeddedServer>(&place.server); server != nullptr && server->port)
        return *server;
    }
  }
  return {};
}

/// The scratch database and the folder of one workspace's tests, for as long as this object lives.
class Scratch {
 public:
  Scratch(const Program& program, const Project& project, const std::string& workspace)
      : program_(program), folder_(project.data + "/scratch") {
    const std::string name = std::string(ports::kScratch) + "_" + program.entropy.Hex(12);
    const plan::RehearsalPlaces places{EmbeddedServerOf(project.loaded.model), name, ports::kScratch,
                                       project.data + "/secrets/" + plan::kRehearsalReader};
    applied_.model = plan::Rehearsal(project.loaded.model, workspace, places);
    applied_.version = 1;
    applied_.digest = "rehearsal";
    applied_.rehearsal = true;
    applied_.data_folder = folder_ + "/" + name;
    applied_.project_folder = project.root;
    applied_.files = project.files;
    applied_.graph = graph::Build(applied_.model);
    applied_.physical = plan::Lay(applied_.model, applied_.graph, applied_.files);
    servers_ = program.open_servers(applied_.model, project.data);
    DropAbandoned();
    servers_->PrepareScratch({applied_.model.platforms.front().container.text}, {plan::kRehearsalSource},
                             program.actor.holder);
    MakeReader(program, *servers_, project.data, plan::kRehearsalSource, plan::kRehearsalReader);
  }
  ~Scratch() {
    try {
      const int left =
          servers_->DropScratch([&](const std::string& holder) { return holder == program_.actor.holder; });
      program_.files.RemoveTree(left == 0 ? folder_ : applied_.data_folder);
    } catch (const base::Error& error) {
      program_.err << "The scratch database stays until the next yellow test: " << error.what() << "\n";
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  ports::Servers& servers() { return *servers_; }
  const run::Applied& applied() const { return applied_; }

 private:
  /// What processes left behind that have ended.
  void DropAbandoned() {
    const int left =
        servers_->DropScratch([&](const std::string& holder) { return !program_.processes.MayBeAlive(holder); });
    if (left == 0) program_.files.RemoveTree(folder_);
  }

  const Program& program_;
  const std::string folder_;
  run::Applied applied_;
  std::unique_ptr<ports::Servers> servers_;
};

/// The last lines of a log, indented.
std::string TailOf(const std::string& log) {
  std::vector<std::string> lines{""};
  for (const char c : log) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  if (lines.back().empty()) lines.pop_back();
  std::string tail;
  for (size_t i = lines.size() > kLogLines ? lines.size() - kLogLines : 0; i < lines.size(); ++i)
    tail += "    | " + lines[i] + "\n";
  return tail;
}

TestResult ResultOf(const run::Rehearsal::Result& result) {
  if (const auto* failure = std::get_if<run::RehearsalFailure>(&result))
    return {"", "", TestState::kError, failure->code, failure->reason, TailOf(failure->log), {}};
  TestResult passed;
  for (const auto& [dataset, tables] : std::get<0>(result)) {
    const plan::TableDifference difference = plan::Compare(tables.expected, tables.actual);
    if (difference.empty()) continue;
    passed.state = TestState::kDiffers;
    passed.code = "difference";
    passed.text += (passed.text.empty() ? "" : "; ") + dataset + ": " + plan::Summary(difference);
    passed.detail += "  " + dataset + "\n" + plan::Describe(difference, "    ");
  }
  return passed;
}

std::vector<TestResult> RunSuite(const Program& program, const Project& project, const Suite& suite) {
  std::vector<TestResult> results;
  std::optional<Scratch> scratch;
  std::optional<run::Rehearsal> rehearsal;
  std::optional<run::RehearsalSecrets> secrets;
  std::optional<run::Effects> effects;
  PrintingReporter reporter(program.err);
  for (const plan::TestCase& test : suite.cases) {
    const auto begin = program.clock.Now();
    TestResult result;
    if (test.problems.empty()) {
      if (!rehearsal) {
        scratch.emplace(program, project, suite.workspace->name);
        secrets.emplace(program.secrets, plan::kRehearsalReader);
        effects.emplace(run::Effects{program.connector, scratch->servers(), program.clock, program.entropy,
                                     program.files, *secrets, program.processes, program.containers, program.webhook,
                                     program.mailer, reporter});
        rehearsal.emplace(*effects, scratch->servers(), program.actor, scratch->applied());
      }
      result = ResultOf(rehearsal->Run(test));
    } else {
      result = {"", "", TestState::kError, "fixture", "its files are not right", "", {}};
      for (const std::string& problem : test.problems) result.detail += "    " + problem + "\n";
    }
    result.suite = suite.workspace->name;
    result.name = test.name;
    result.duration = program.clock.Now() - begin;
    results.push_back(std::move(result));
  }
  return results;
}

const char* Word(TestState state) {
  switch (state) {
    case TestState::kPassed:
      return "passed";
    case TestState::kDiffers:
      return "failed";
    case TestState::kError:
      return "error";
  }
  return "";
}

double Seconds(base::Instant::duration duration) { return std::chrono::duration<double>(duration).count(); }

void Print(std::ostream& out, const TestResult& result) {
  out << fmt::format("{} {}/{}{} ({:.1f} s)\n", Word(result.state), result.suite, result.name,
                     result.text.empty() ? "" : ": " + result.text, Seconds(result.duration))
      << result.detail << std::flush;
}

}  // namespace

int Test(const Program& program, const Options& options, const TestOptions& test) {
  const Project project = OpenProject(program, options);
  RequireNoErrors(program, project);
  std::vector<TestResult> results;
  const auto begin = program.clock.Now();
  for (const Suite& suite : FindSuites(project, test.workspace)) {
    for (TestResult& result : RunSuite(program, project, suite)) {
      if (!options.json) Print(program.out, result);
      results.push_back(std::move(result));
    }
  }
  size_t failed = 0, errors = 0;
  for (const TestResult& result : results) {
    failed += result.state == TestState::kDiffers;
    errors += result.state == TestState::kError;
  }
  if (!test.junit.empty()) program.files.WriteAtomically(AbsolutePath(program, test.junit), JUnitXml(results), false);
  if (options.json) {
    program.out << Printed(TestResultRecord().List(results));
  } else if (results.empty()) {
    program.out << "No transformer of the model has tests; yellow init transformer writes one with a test\n";
  } else {
    program.out << fmt::format("{} tests: {} failed, {} errors ({:.1f} s)\n", results.size(), failed, errors,
                               Seconds(program.clock.Now() - begin));
  }
  return failed + errors > 0 ? kFindings : kDone;
}

}  // namespace yellow::cli
