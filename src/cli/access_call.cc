#include "cli/access_call.h"

#include <fmt/format.h>

#include <ostream>

#include "base/error.h"
#include "cli/access_service.h"
#include "cli/exit_status.h"
#include "cli/views/findings_json.h"

namespace yellow::cli {
namespace {

int StatusOfHttp(int http) {
  if (http == 400) return kUsage;
  return http >= 500 ? kFailed : kFindings;
}

}  // namespace

std::string SocketOf(const Program& program, const Options& options, const std::string& named) {
  if (!named.empty()) return AbsolutePath(program, named);
  if (const std::string variable = program.variable("YELLOW_SOCKET"); !variable.empty()) return variable;
  try {
    return DefaultSocket(OpenProject(program, options));
  } catch (const base::UsageError&) {
    if (!options.project.empty()) throw;
    throw base::UsageError("where the service answers is not known: there is no project here, and no YELLOW_SOCKET")
        .Remedy("name its socket: --socket /run/yellow/access.sock, or set YELLOW_SOCKET");
  }
}

int Refused(const Program& program, const Options& options, const ports::DoorAnswer& answer) {
  const Json json = Json::parse(answer.body, nullptr, false);
  base::Error error("access", fmt::format("the service has answered with status {}", answer.status));
  if (json.is_object() && json.contains("error")) {
    const Json& said = json.at("error");
    error = base::Error(said.value("code", "access"), said.value("text", ""));
    error.Remedy(said.value("remedy", ""));
  }
  program.err << "error: " << base::Describe(error) << "\n";
  if (options.json) program.out << PrintedInLine(ErrorJson(error, {}));
  return StatusOfHttp(answer.status);
}

Answered Call(const Program& program, const Options& options, const std::string& socket, const std::string& method,
              const std::string& path, const Json& body) {
  const ports::DoorAnswer answer = program.call_door(socket, method, path, method == "POST" ? body.dump() : "");
  Json json = Json::parse(answer.body, nullptr, false);
  if (answer.status == 200 && !json.is_discarded()) return {std::move(json), kDone};
  return {{}, Refused(program, options, answer)};
}

bool IsAccessId(const std::string& word) {
  return word.size() == 16 && word.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace yellow::cli
