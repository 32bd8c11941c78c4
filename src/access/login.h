#pragma once

#include <string>

#include "base/secret.h"
#include "ports/clock.h"
#include "ports/database.h"
#include "ports/entropy.h"

namespace yellow::access {

/// The temporary login of one request. Each step may be repeated, in the order open, quiesce, drop (SECURITY 1).
class TemporaryLogin {
 public:
  /// `session`: Yellow's login for access; must outlive it. Nothing is done yet.
  TemporaryLogin(ports::Session& session, const std::string& role_prefix, std::string request);

  /// Makes it, or gives it a new password; the database looks up what it may and until when. Throws base::Error,
  /// sqlstate 55000, when the request is not active.
  base::Secret Open(ports::Entropy& entropy, ports::Connector& connector);
  /// No new sessions, none left, and nothing that a forgotten transaction could still write. Returns how many sessions
  /// were ended.
  int Quiesce(ports::Clock& clock);
  /// With all that it has left behind. REQUIRES: Quiesce.
  void Drop();

  const std::string& name() const { return name_; }

 private:
  void RollBackPrepared();

  ports::Session& session_;
  const std::string name_, request_;
};

}  // namespace yellow::access
