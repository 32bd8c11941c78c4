#include "run/passwords.h"

namespace yellow::run {

Password MakePassword(ports::Entropy& entropy, ports::Connector& connector) {
  Password made;
  made.password = entropy.Password();
  made.verifier = connector.ScramVerifier(made.password);
  return made;
}

void PasswordsAhead::Prepare() {
  const std::lock_guard lock(mutex_);
  if (next_.valid()) return;
  next_ = std::async(std::launch::async | std::launch::deferred,
                     [&entropy = entropy_, &connector = connector_] { return MakePassword(entropy, connector); });
}

Password PasswordsAhead::Take() {
  std::future<Password> next;
  {
    const std::lock_guard lock(mutex_);
    next = std::move(next_);
  }
  return next.valid() ? next.get() : MakePassword(entropy_, connector_);
}

}  // namespace yellow::run
