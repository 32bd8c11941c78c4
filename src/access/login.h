#pragma once

#include <string>

#include "base/secret.h"
#include "ports/clock.h"
#include "ports/database.h"
#include "ports/entropy.h"

namespace yellow::access {

/// The password of a request's login, made of that of Yellow's own login for access: every service that hosts sessions
/// of the request gives it the same one, so that none shuts out the sessions of another or of the service before it.
/// A new one each time where Yellow's login has none.
base::Secret PasswordOfLogin(const base::Secret& of_service, const std::string& request, ports::Entropy& entropy);

/// The temporary login of one request. Each step may be repeated, in the order open, quiesce, drop (SECURITY 1).
class TemporaryLogin {
 public:
  /// `session`: Yellow's login for access; must outlive it. Nothing is done yet.
  TemporaryLogin(ports::Session& session, const std::string& role_prefix, std::string request);

  /// Makes it, or gives it this password; the database looks up what it may and until when. Throws base::Error,
  /// sqlstate 55000, when the request is not active.
  void Open(const base::Secret& password, ports::Connector& connector);
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
