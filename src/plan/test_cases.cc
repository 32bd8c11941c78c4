#include "plan/test_cases.h"

#include <set>

#include "base/suggest.h"

namespace yellow::plan {
namespace {

std::string Folder(const std::string& file) { return file.substr(0, file.rfind('/')); }

/// Path of a fixture: `<tests>/<case>/in|out/<name>.csv`.
struct FixturePath {
  std::string test, direction, name;
};

std::optional<FixturePath> Split(const std::string& tests, const std::string& path) {
  if (!path.starts_with(tests + "/")) return std::nullopt;
  const std::string rest = path.substr(tests.size() + 1);
  const size_t first = rest.find('/');
  const size_t second = first == std::string::npos ? first : rest.find('/', first + 1);
  if (second == std::string::npos || rest.find('/', second + 1) != std::string::npos) return std::nullopt;
  FixturePath parts{rest.substr(0, first), rest.substr(first + 1, second - first - 1), rest.substr(second + 1)};
  if (parts.direction != "in" && parts.direction != "out") return std::nullopt;
  return parts;
}

class Finder {
 public:
  Finder(const model::Model& model, const model::Workspace& workspace, const std::map<std::string, std::string>& files)
      : model_(model), workspace_(workspace), files_(files) {
    for (const model::DatasetGroup& group : workspace.groups) {
      for (const model::DatasetSink& sink : model::ExpandSinks(model, group)) inputs_.insert(sink.dataset);
    }
    for (const model::DatasetAddress& input : inputs_) input_names_.push_back(ToString(input));
    if (const model::Datastore* store = model.FindDatastore(workspace.transformer->output.text)) {
      for (const model::Dataset& dataset : store->datasets) output_names_.push_back(dataset.name);
    }
  }

  std::vector<TestCase> Find() {
    std::map<std::string, TestCase> cases;
    const std::string tests = TestFolder(workspace_);
    for (const auto& [path, text] : files_) {
      const auto parts = Split(tests, path);
      if (!parts) continue;
      TestCase& one = cases[parts->test];
      one.name = parts->test;
      Add(one, *parts, path, text);
    }
    std::vector<TestCase> all;
    for (auto& [name, one] : cases) {
      if (one.outputs.empty() && one.problems.empty())
        one.problems.push_back(tests + "/" + name + "/out: there is no file to compare the output with");
      all.push_back(std::move(one));
    }
    return all;
  }

 private:
  void Add(TestCase& test, const FixturePath& parts, const std::string& path, const std::string& text) {
    if (!parts.name.ends_with(".csv")) {
      test.problems.push_back(path + ": a fixture's name ends in .csv");
      return;
    }
    const std::string name = parts.name.substr(0, parts.name.size() - 4);
    const bool is_input = parts.direction == "in";
    const model::Dataset* dataset = is_input ? FindInput(name) : FindOutput(name);
    if (dataset == nullptr) {
      test.problems.push_back(path + ": " + name + " is no " + (is_input ? "input" : "output") + " of " +
                              workspace_.name + "; " + base::DidYouMean(name, is_input ? input_names_ : output_names_));
      return;
    }
    auto parsed = base::ParseCsv(text);
    if (const auto* problem = std::get_if<base::CsvProblem>(&parsed)) {
      test.problems.push_back(path + ":" + std::to_string(problem->line) + ": " + problem->message);
      return;
    }
    Fixture fixture{path, std::move(std::get<base::CsvTable>(parsed))};
    CheckColumns(test, fixture, name, *dataset);
    if (is_input) {
      test.inputs[AddressOf(name)] = std::move(fixture);
    } else {
      test.outputs[name] = std::move(fixture);
    }
  }

  static void CheckColumns(TestCase& test, const Fixture& fixture, const std::string& name,
                           const model::Dataset& dataset) {
    std::vector<std::string> known;
    for (const model::Column& column : dataset.columns) known.push_back(column.name);
    for (const std::string& column : fixture.table.columns) {
      if (dataset.FindColumn(column) == nullptr)
        test.problems.push_back(fixture.file + ":1: " + name + " has no column " + column + "; " +
                                base::DidYouMean(column, known));
    }
  }

  static model::DatasetAddress AddressOf(const std::string& name) {
    const size_t dot = name.find('.');
    return {name.substr(0, dot), dot == std::string::npos ? "" : name.substr(dot + 1)};
  }

  const model::Dataset* FindInput(const std::string& name) const {
    const model::DatasetAddress address = AddressOf(name);
    return inputs_.count(address) == 0 ? nullptr : model_.FindDataset(address);
  }

  const model::Dataset* FindOutput(const std::string& name) const {
    const model::Datastore* store = model_.FindDatastore(workspace_.transformer->output.text);
    return store == nullptr ? nullptr : store->FindDataset(name);
  }

  const model::Model& model_;
  const model::Workspace& workspace_;
  const std::map<std::string, std::string>& files_;
  std::set<model::DatasetAddress> inputs_;
  std::vector<std::string> input_names_, output_names_;
};

}  // namespace

std::string TestFolder(const model::Workspace& workspace) {
  const model::Code& code = workspace.transformer->code;
  if (code.sql) return code.sql->folder + "/tests";
  if (!code.mask && code.process) return code.process->folder + "/tests";
  return Folder(workspace.where.file) + "/tests/" + workspace.name;
}

std::vector<TestCase> FindTests(const model::Model& model, const model::Workspace& workspace,
                                const std::map<std::string, std::string>& files) {
  return Finder(model, workspace, files).Find();
}

bool IsFixture(const std::string& code_folder, const std::string& path) {
  return Split(code_folder + "/tests", path).has_value();
}

}  // namespace yellow::plan
