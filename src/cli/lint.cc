#include <ostream>

#include "base/error.h"
#include "check/explain.h"
#include "cli/commands.h"
#include "cli/exit_status.h"
#include "cli/views/findings_json.h"

namespace yellow::cli {
int Lint(const Program& program, const Options& options, const LintOptions& lint) {
  if (!lint.explain.empty()) {
    const auto text = check::ExplainCode(lint.explain);
    if (!text)
      throw base::UsageError("no such code: " + lint.explain).Remedy("codes stand in brackets at the end of a finding");
    program.out << (options.json ? Printed(ExplainedCodeRecord().Write({lint.explain, std::string(*text)}))
                                 : std::string(*text) + "\n");
    return kDone;
  }
  const Project project = OpenProject(program, options);
  const base::Diagnostics& found = project.loaded.diagnostics;
  if (options.json) {
    program.out << Printed(FindingRecord().List(found.items()));
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
