#include "run/audit.h"

#include "base/json_text.h"
#include "base/utf8.h"

namespace yellow::run {

void RecordAudit(ports::Session& session, const Actor& actor, const std::string& action, const std::string& subject,
                 const std::vector<std::pair<std::string, std::string>>& details) {
  std::string json;
  // Yellow itself, at work by its schedule, has no process that anybody has started for it.
  if (!actor.holder.empty()) json = "\"identity\": " + base::JsonString(base::AsText("os:" + actor.person));
  for (const auto& [name, text] : details)
    json += (json.empty() ? "" : ", ") + base::JsonString(name) + ": " + base::JsonString(base::AsText(text));
  session.Execute(
      {"SELECT yellow_access.audit_add($1, $2, $3, '', $4::jsonb)", {actor.person, action, subject, "{" + json + "}"}});
}

}  // namespace yellow::run
