#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/views/junit.h"
#include "cli/views/record.h"
#include "plan/import.h"
#include "run/try_runner.h"

/// What authors of models and code make and see, as programs read it.
namespace yellow::cli {

/// A file that `init` wrote, by its path below the project.
struct WrittenFile {
  std::string path;
};
const Record<WrittenFile>& WrittenFileRecord();
template <typename Map>
std::vector<WrittenFile> WrittenFiles(const Map& files) {
  std::vector<WrittenFile> written;
  for (const auto& [path, text] : files) written.push_back({path});
  return written;
}

/// One thing that `import` has to tell.
struct ImportedThing {
  std::string schema;
  plan::ImportFinding finding;
};
const Record<ImportedThing>& ImportedThingRecord();

const Record<TestResult>& TestResultRecord();

/// An output of `try`. `failure`: the code did not finish, and nothing else is known.
struct TriedOutput {
  std::string store;
  run::TriedDataset tried;
  std::optional<run::CodeResult> failure = {};
};
const Record<TriedOutput>& TriedOutputRecord();

/// What `demo` proves.
struct DemoOutcome {
  std::string project;
  std::string difference;  ///< what is not as it should be; empty: nothing
  int64_t milliseconds = 0;
  size_t compared = 0;
};
const Record<DemoOutcome>& DemoOutcomeRecord();

/// Rows of `sql -c`: objects from column to text or null. Throws base::UsageError when two columns have one name.
Json RowsJson(const ports::Rows& rows);
Json RowsSchema();

}  // namespace yellow::cli
