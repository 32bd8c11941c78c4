#include "run/trust.h"

#include <fmt/format.h>

namespace yellow::run {

bool StartsProcess(const model::DataTransformer& transformer) {
  return !transformer.code.sql && !transformer.code.mask && transformer.code.process.has_value();
}

std::string TrustNotice(ports::ProcessLauncher& processes, const Actor& actor,
                        const std::vector<std::string>& workspaces) {
  const std::string why = processes.WhyNoUser();
  if (why.empty() || workspaces.empty()) return "";
  return fmt::format("{}: the code runs as {}, as yellow does, and must be trusted with whatever {} may do: {}",
                     fmt::join(workspaces, ", "), actor.person, actor.person, why);
}

}  // namespace yellow::run
