#pragma once

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "run/context.h"
#include "run/lease.h"

namespace yellow::run {

/// What one run needs and only it has to do with: its login, and the workplace of its code. Under `serve`, where runs
/// begin at short notice, threads make both while the run's other steps go on; else each is made when it is asked for.
/// The login exists for nobody before the run is in the table, so that whoever finds a login finds its run. One thread
/// uses it; what was made and not taken is gone with it.
class RunAhead {
 public:
  struct Login {
    std::string container;
    std::string transformer;  ///< key, for the name of the session
    std::string workspace;
    std::string prefix;
    std::string run_id;
    std::optional<base::Secret> made_ahead;  ///< the password of a login of this run that is there; nothing: none is
    int64_t valid_seconds = 0;
  };

  RunAhead(const Effects& effects, const Login& login);
  /// `make` makes the workplace of code that runs as a process; what it uses outlives this object.
  void MakeWorkplace(std::function<std::unique_ptr<ports::Workplace>()> make);

  /// The run is in the table, under this lease, which outlives this object.
  void RunIsOpen(const Lease& lease);
  /// REQUIRES: RunIsOpen. Waits until the login is committed, and gives its password. Throws base::Error; code "fenced"
  /// when the lease was taken over.
  base::Secret AwaitLogin();
  /// Null when none was asked for. Throws what `make` has thrown.
  std::unique_ptr<ports::Workplace> AwaitWorkplace();

 private:
  const Effects& effects_;
  std::future<std::unique_ptr<ports::Workplace>> workplace_;
  std::future<base::Secret> login_;
  std::promise<const Lease*> open_;  // goes first: who waits for it in vain gives up
};

}  // namespace yellow::run
