#include <nlohmann/json.hpp>
#include <ostream>

#include "base/error.h"
#include "check/explain.h"
#include "cli/commands.h"
#include "cli/exit_status.h"

namespace yellow::cli {
namespace {

nlohmann::ordered_json ToJson(const base::Diagnostics& diagnostics) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const base::Diagnostic& item : diagnostics.items()) {
    list.push_back({{"key", item.code},
                    {"state", item.severity == base::Severity::kError ? "error" : "warning"},
                    {"reason", {{"code", item.code}, {"text", item.message}}},
                    {"remedy", item.remedy},
                    {"file", item.where.file},
                    {"line", item.where.begin.line},
                    {"column", item.where.begin.column}});
  }
  return list;
}

}  // namespace

int Lint(const Program& program, const Options& options, const LintOptions& lint) {
  if (!lint.explain.empty()) {
    const auto text = check::ExplainCode(lint.explain);
    if (!text)
      throw base::UsageError("no such code: " + lint.explain).Remedy("codes stand in brackets at the end of a finding");
    program.out << *text << "\n";
    return kDone;
  }
  const Project project = OpenProject(program, options);
  const base::Diagnostics& found = project.loaded.diagnostics;
  if (options.json) {
    program.out << ToJson(found).dump(2) << "\n";
    return found.has_errors() ? kFindings : kDone;
  }
  program.out << base::Render(found, TextOf(project.files));
  size_t errors = 0;
  for (const base::Diagnostic& item : found.items()) errors += item.severity == base::Severity::kError;
  const size_t warnings = found.items().size() - errors;
  if (!found.empty()) program.out << "\n";
  program.out << errors << (errors == 1 ? " error, " : " errors, ") << warnings
              << (warnings == 1 ? " warning" : " warnings") << " in " << project.files.size() << " files\n";
  return errors > 0 ? kFindings : kDone;
}

}  // namespace yellow::cli
