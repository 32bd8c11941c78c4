#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "access/desk.h"

namespace yellow::access {

class Store;

/// Brings what is due to its end: requests whose time is over, logins of requests that have ended. One thread at a
/// time; several processes may have one each.
class Reaper {
 public:
  /// Of these merge databases. `effects.places` is not used: what has to end does so whatever the model says.
  Reaper(Effects effects, std::vector<std::string> containers, std::string role_prefix)
      : effects_(std::move(effects)), containers_(std::move(containers)), role_prefix_(std::move(role_prefix)) {}

  /// Looks once, and does what is due. What cannot be done now is tried again by the next call; nothing is given up.
  /// Returns what is in the way, each as `what: why`.
  std::vector<std::string> Look();

 private:
  void LookHere(const std::string& container, std::vector<std::string>& in_the_way);

  std::unique_ptr<ports::Session> Open(const std::string& container) const;
  void Step(ports::Session& session, const Request& request) const;
  bool TryStep(const std::string& container, const std::string& id, std::vector<std::string>& in_the_way) const;
  void CloseCluster(Store& store, const std::string& request) const;
  void CloseClusterOf(Store& store, const std::string& session) const;
  void CloseSessions(ports::Session& session, const std::string& container, std::vector<std::string>& in_the_way);

  /// A recording that nobody writes any more.
  struct Left {
    std::string digest;
    ports::TimePoint since;
  };

  const Effects effects_;
  const std::vector<std::string> containers_;
  const std::string role_prefix_;
  std::map<std::string, std::unique_ptr<ports::Session>> watching_;  // by container
  std::map<std::string, Left> left_;                                 // by session
};

}  // namespace yellow::access
