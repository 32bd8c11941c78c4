#include "access/log_doctor.h"

#include <fmt/format.h>

#include "base/error.h"
#include "sql/names.h"

namespace yellow::access {
namespace {

using plan::Health;

constexpr const char* kDocumentation = "see docs/howto/audit.md, what the server's own log says";

/// What keeps the server's log from telling everything; each with what to do.
void AddSettings(ports::Session& session, const LogPlace& place, plan::Verdict& verdict) {
  const ports::Rows rows = session.Execute(
      {"SELECT current_setting('logging_collector') = 'on' AND current_setting('log_destination') LIKE '%jsonlog%', "
       "current_setting('log_disconnections') = 'on', has_parameter_privilege($1, 'log_statement', 'SET')",
       {sql::Roles(place.role_prefix).RoleMaker()}});
  const std::string set = place.embedded ? "yellow down; the next command starts it as it has to be" : kDocumentation;
  if (!rows.Boolean(0, 0)) verdict.Add(Health::kProblem, "server_log.off", "the server writes no JSON log", set);
  if (!rows.Boolean(0, 1))
    verdict.Add(Health::kWarning, "server_log.ends",
                "it does not log when sessions end (log_disconnections), so one "
                "whose last lines are missing is not known",
                set);
  if (!rows.Boolean(0, 2))
    verdict.Add(Health::kProblem, "server_log.silent",
                "Yellow may not set log_statement, so the log has nothing of temporary logins",
                "let a superuser run what yellow bootstrap --print says they do");
}

}  // namespace

plan::Findings ExamineServerLog(ports::Session& session, ports::ServerLog& log, const LogPlace& place) {
  const std::string key = "server_log/" + place.container;
  if (place.folder.empty())
    return {{key, Health::kWarning, "server_log.unknown",
             "there is no second witness of what temporary logins ask: Yellow's own recording is all there is",
             std::string("name the folder of the server's JSON log: audit: {server_log: …} in the environment; ") +
                 kDocumentation}};
  plan::Verdict verdict;
  try {
    AddSettings(session, place, verdict);
    const size_t files = log.Files(place.folder).size();
    if (files == 0)
      verdict.Add(Health::kProblem, "server_log.empty", "no JSON file is in " + place.folder, kDocumentation);
    if (verdict.health == Health::kOk)
      return {plan::Well(key, fmt::format("{} {}", files, files == 1 ? "file" : "files"))};
  } catch (const base::Error& error) {
    verdict.Add(Health::kProblem, "server_log.unreadable", error.what(), kDocumentation);
  }
  return {verdict.For(key)};
}

}  // namespace yellow::access
