#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/csv.h"
#include "model/model.h"

/// Tests of a transformer as files beside its code: `tests/<case>/in/<Store>.<dataset>.csv` is what it reads, an input
/// without a file is empty; `tests/<case>/out/<dataset>.csv` is what it must write.
namespace yellow::plan {

struct Fixture {
  std::string file;  ///< relative to the project
  base::CsvTable table;
};

struct TestCase {
  std::string name;
  std::map<model::DatasetAddress, Fixture> inputs;
  std::map<std::string, Fixture> outputs;  ///< by dataset
  std::vector<std::string> problems;       ///< "file:line: what is wrong"; the case cannot be run
};

/// The folder of a transformer's cases: `tests` in the folder of its SQL or source; for a mask or an image
/// `tests/<Workspace>` beside the document. REQUIRES: the workspace has a transformer.
std::string TestFolder(const model::Workspace& workspace);

/// Every case, by name, with all that is wrong in its files: what is no CSV, names no input or output of the workspace,
/// or a column that a dataset does not have.
std::vector<TestCase> FindTests(const model::Model& model, const model::Workspace& workspace,
                                const std::map<std::string, std::string>& files);

/// True for a fixture in a folder of code: it is no part of the code.
bool IsFixture(const std::string& code_folder, const std::string& path);

}  // namespace yellow::plan
