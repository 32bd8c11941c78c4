#pragma once

#include <memory>
#include <string>

#include "base/secret.h"
#include "run/context.h"
#include "run/made_ahead.h"

namespace yellow::run {

/// The login of a run that is to come: nobody can log in with it, and it is a member of no workspace's groups.
struct NextLogin {
  std::string run_id;
  base::Secret password;
};

/// What the next run will need and takes long to make: a server takes several milliseconds for a login, since passwords
/// are meant to be slow to try, and a workplace is a folder, a user and a process. A login that nobody takes, because
/// this process was ended, is dropped by DropOrphanLogins when its time is over; such a workplace by CleanUp.
class NextRun {
 public:
  /// `effects` outlives it, and may point to it. `container`: the merge database of the login.
  NextRun(const Effects& effects, const std::string& container, const std::string& prefix,
          const std::string& data_folder);

  /// Drops the login that is there. REQUIRES: nobody takes one meanwhile.
  void DropLogin(ports::Session& engine);

  MadeAhead<NextLogin> login;
  MadeAhead<std::unique_ptr<ports::Workplace>> workplace;

 private:
  const Effects& effects_;
  const std::string prefix_;
};

}  // namespace yellow::run
