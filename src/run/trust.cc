#include "run/trust.h"

#include <fmt/format.h>

namespace yellow::run {

namespace {

bool Starts(const model::Model& model, const model::DataTransformer& transformer, model::LauncherKind launcher) {
  const model::LauncherKind here = model.environment ? model.environment->launcher : model::LauncherKind::kProcess;
  return !transformer.code.sql && !transformer.code.mask && here == launcher;
}

}  // namespace

bool StartsProcess(const model::Model& model, const model::DataTransformer& transformer) {
  return Starts(model, transformer, model::LauncherKind::kProcess) && transformer.code.process.has_value();
}

bool StartsContainer(const model::Model& model, const model::DataTransformer& transformer) {
  return transformer.code.image && (Starts(model, transformer, model::LauncherKind::kDocker) ||
                                    Starts(model, transformer, model::LauncherKind::kKubernetes));
}

std::string TrustNotice(ports::ProcessLauncher& processes, const Actor& actor,
                        const std::vector<std::string>& workspaces) {
  const std::string why = processes.WhyNoUser();
  if (why.empty() || workspaces.empty()) return "";
  return fmt::format("{}: the code runs as {}, as yellow does, and must be trusted with whatever {} may do: {}",
                     fmt::join(workspaces, ", "), actor.person, actor.person, why);
}

void SayWhomToTrust(const Effects& effects, ports::Session& engine, const Actor& actor, const Applied& applied,
                    const plan::Transformer& transformer) {
  if (applied.rehearsal ||
      !StartsProcess(applied.model, *applied.model.FindWorkspace(transformer.workspace)->transformer))
    return;
  const std::string notice = TrustNotice(effects.processes, actor, {transformer.workspace});
  if (notice.empty()) return;
  const ports::Rows earlier =
      engine.Execute({"SELECT 1 FROM yellow.run WHERE transformer = $1 AND definition = $2 LIMIT 1",
                      {transformer.key, transformer.definition}});
  if (earlier.empty()) effects.reporter.Line(notice);
}

}  // namespace yellow::run
