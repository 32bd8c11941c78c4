#include "run/run_ahead.h"

#include "run/run_login.h"

namespace yellow::run {
namespace {

std::launch When(const Effects& effects) {
  return effects.next_run != nullptr ? std::launch::async | std::launch::deferred : std::launch::deferred;
}

/// The server takes most of the time for what needs no run, so it is let do that first.
base::Secret MakeLogin(const Effects& effects, const RunAhead::Login& login, std::future<const Lease*> open) {
  const auto session = effects.connector.Open(
      effects.endpoints.Service(login.container, ports::ServiceRole::kEngine, "login " + login.transformer));
  ports::Transaction transaction(*session, "", "login");
  RunLogin made(effects, *session, login.prefix, login.run_id);
  base::Secret password =
      login.made_ahead ? *login.made_ahead : made.MakeAhead(std::chrono::seconds(login.valid_seconds));
  open.get()->Fence(*session);  // throws std::future_error when there will be no run
  made.OpenMadeAhead(login.workspace, login.valid_seconds);
  transaction.Commit();
  return password;
}

}  // namespace

RunAhead::RunAhead(const Effects& effects, const Login& login) : effects_(effects) {
  login_ = std::async(When(effects), MakeLogin, std::cref(effects_), login, open_.get_future());
}

void RunAhead::MakeWorkplace(std::function<std::unique_ptr<ports::Workplace>()> make) {
  workplace_ = std::async(When(effects_), std::move(make));
}

void RunAhead::RunIsOpen(const Lease& lease) { open_.set_value(&lease); }

base::Secret RunAhead::AwaitLogin() { return login_.get(); }

std::unique_ptr<ports::Workplace> RunAhead::AwaitWorkplace() { return workplace_.valid() ? workplace_.get() : nullptr; }

}  // namespace yellow::run
