#include <map>

#include "base/check.h"
#include "check/check.h"
#include "input.h"
#include "load/load.h"
#include "plan/physical.h"

using namespace yellow;

namespace {

/// `=== path` begins a file; what comes before the first is model/all.yaml.
load::Files Split(const std::string& text) {
  load::Files files;
  std::string path = "model/all.yaml";
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (line.starts_with("=== ")) {
      path = line.substr(4);
    } else {
      files[path] += line + "\n";
    }
    begin = end + 1;
  }
  return files;
}

}  // namespace

/// A project is read, checked, and when it is right laid out as tables and views; every finding can be shown.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const load::Files files = Split(fuzz::Text(data, size));
  load::Loaded loaded = load::Load(files, "local");
  loaded.diagnostics.Append(check::Check(loaded.model, files));
  loaded.diagnostics.Sort();
  base::Render(loaded.diagnostics, [&](const std::string& file) -> std::string_view {
    const auto text = files.find(file);
    return text == files.end() ? std::string_view() : std::string_view(text->second);
  });
  for (const base::Diagnostic& item : loaded.diagnostics.items())
    YELLOW_CHECK(!item.code.empty() && !item.message.empty());
  if (!loaded.diagnostics.has_errors()) plan::Lay(loaded.model, graph::Build(loaded.model), files);
  return 0;
}
