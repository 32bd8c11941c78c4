#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>

#include "base/error.h"
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/mistyped.h"
#include "cli/program.h"
#include "cli/views/findings_json.h"

namespace yellow::cli {
namespace {

int StatusOf(const base::Error& error) { return error.code == "usage" ? kUsage : kFailed; }

/// Of a line that cannot be parsed, too.
bool AsksForJson(const std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") return false;
    if (words[i] == "--output=json" || (words[i] == "--output" && i + 1 < words.size() && words[i + 1] == "json"))
      return true;
  }
  return false;
}

/// A program that reads the output learns of the failure from it, in one line; people read stderr.
void TellProgram(const Program& program, bool json, const base::Error& error, const base::Diagnostics& findings = {}) {
  if (json) program.out << PrintedInLine(ErrorJson(error, findings));
}

int RefuseLine(const Program& program, CommandLine& line, const CLI::ParseError& error,
               const std::vector<std::string>& words) {
  if (error.get_exit_code() == 0) return line.app().exit(error, program.out, program.err) == 0 ? kDone : kUsage;
  base::UsageError refused(error.what());
  if (const std::string mistyped = DescribeMistyped(line.app(), words); mistyped.empty()) {
    line.app().exit(error, program.err, program.err);
  } else {
    program.err << mistyped;
    const size_t remedy = mistyped.find("\n  = ");
    refused = base::UsageError(mistyped.substr(7, remedy - 7));
    refused.Remedy(mistyped.substr(remedy + 5, mistyped.size() - remedy - 6));
  }
  TellProgram(program, AsksForJson(words), refused);
  return kUsage;
}

}  // namespace

int Main(const Program& program, int argc, const char* const* argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool json = AsksForJson(words);
  CommandLine line;
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return RefuseLine(program, line, error, words);
  }
  try {
    return line.Run(program);
  } catch (const ModelHasErrors& refused) {
    TellProgram(program, json, base::Error("model", refused.text), refused.errors);
    return kFindings;
  } catch (const base::Error& error) {
    program.err << "error: " << base::Describe(error) << "\n";
    TellProgram(program, json, error);
    return StatusOf(error);
  } catch (const std::exception& error) {
    TellProgram(program, json, base::Error("bug", error.what()));
    throw;
  }
}

}  // namespace yellow::cli
