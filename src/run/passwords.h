#pragma once

#include <future>
#include <mutex>
#include <string>

#include "base/secret.h"
#include "ports/database.h"
#include "ports/entropy.h"

namespace yellow::run {

/// A fresh password and what the server is told of it.
struct Password {
  base::Secret password;
  std::string verifier;
};
/// Takes some milliseconds: a verifier is meant to be slow to compute.
Password MakePassword(ports::Entropy& entropy, ports::Connector& connector);

/// Holds one password that nobody has had yet, so that a run need not wait for it. Any thread may use it; `entropy` and
/// `connector` outlive it.
class PasswordsAhead {
 public:
  PasswordsAhead(ports::Entropy& entropy, ports::Connector& connector) : entropy_(entropy), connector_(connector) {}
  /// Begins to make one, by another thread, unless one is there.
  void Prepare();
  /// The one that is there, or a new one; never the same twice.
  Password Take();

 private:
  ports::Entropy& entropy_;
  ports::Connector& connector_;
  std::mutex mutex_;
  std::future<Password> next_;
};

}  // namespace yellow::run
