#include "cli/example_files.h"

#include "base/error.h"

namespace yellow::cli {

std::string ExampleText(Example example, std::string_view path) {
  for (const auto& [name, text] : example) {
    if (name == path) return std::string(text);
  }
  throw base::Error("demo", "the example is not in this program: " + std::string(path));
}

void WriteExample(const Program& program, Example example, const std::string& root) {
  for (const auto& [path, text] : example) {
    if (!path.starts_with("model/") && !path.starts_with("environments/")) continue;
    const std::string file = root + "/" + std::string(path);
    if (!program.files.Exists(file)) program.files.WriteAtomically(file, std::string(text), false);
  }
}

}  // namespace yellow::cli
