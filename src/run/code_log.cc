#include "run/code_log.h"

#include "base/blotting.h"
#include "base/error.h"

namespace yellow::run {

std::string TakeLog(const Effects& effects, const std::map<std::string, std::string>& environment,
                    const std::string& path, size_t most) {
  std::vector<base::Secret> secrets;
  for (const auto& [name, value] : environment) {
    if (name == "PGPASSWORD" ||
        (name.starts_with("YELLOW_CREDENTIAL_") && (name.ends_with("__PASSWORD") || name.ends_with("__TOKEN"))))
      secrets.emplace_back(value);
  }
  const std::string printed = effects.files.Read(path).value_or("");
  std::string log = base::WithoutSecrets(printed, secrets);
  if (log != printed) effects.files.WriteAtomically(path, log, true);
  return log.size() > most ? log.substr(log.size() - most) : log;
}

std::map<std::string, std::string> KnownEnvironment(const Effects& effects, const CodeContext& context) {
  try {
    return EnvironmentOf(effects, context);
  } catch (const base::Error&) {  // a secret that is not there any more
    return {{"PGPASSWORD", context.target.password.Reveal()}};
  }
}

}  // namespace yellow::run
