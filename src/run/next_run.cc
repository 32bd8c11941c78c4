#include "run/next_run.h"

#include "base/error.h"
#include "run/run_login.h"

namespace yellow::run {
namespace {

constexpr std::chrono::minutes kValid{15};  // longer than it may be taken, by the server's clock

/// Null instead of an error: the run makes its own, and says what is in the way.
template <typename Make>
auto IfPossible(Make make) -> std::optional<decltype(make())> {
  try {
    return make();
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

}  // namespace

NextRun::NextRun(const Effects& effects, const std::string& container, const std::string& prefix,
                 const std::string& data_folder)
    : login(effects.clock,
            [&effects, container, prefix](std::optional<NextLogin> old) {
              return IfPossible([&] {
                const auto engine = effects.connector.Open(
                    effects.endpoints.Service(container, ports::ServiceRole::kEngine, "login ahead"));
                if (old) RunLogin(effects, *engine, prefix, old->run_id).Drop();
                NextLogin made{NewRunId(effects), {}};
                made.password = RunLogin(effects, *engine, prefix, made.run_id).MakeAhead(kValid);
                return made;
              });
            }),
      workplace(effects.clock,
                [&effects, data_folder](std::optional<std::unique_ptr<ports::Workplace>> old) {
                  old.reset();
                  return IfPossible([&] { return effects.processes.MakeWorkplace(data_folder, NewRunId(effects)); });
                }),
      effects_(effects),
      prefix_(prefix) {}

void NextRun::DropLogin(ports::Session& engine) {
  const auto there = login.Take();
  if (there) RunLogin(effects_, engine, prefix_, there->run_id).Drop();
}

}  // namespace yellow::run
