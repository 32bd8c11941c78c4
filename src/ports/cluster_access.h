#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "model/environment.h"
#include "ports/session_proxy.h"

/// Temporary access to a namespace of a Kubernetes cluster, used from a recorded session only (SECURITY 3).
namespace yellow::ports {

/// What a request gives its person there.
struct ClusterGrant {
  std::string request;  ///< 16 hexadecimal digits
  std::string person;
  std::string name_space;
  std::string role;        ///< the ClusterRole that is bound in the namespace
  std::string expires_at;  ///< RFC 3339
};

/// A call that a session makes of the cluster's API, or what became of one.
struct ClusterEvent {
  int64_t client = 0;        ///< counts the connections of a session from 1; each has one call at most
  std::string method;        ///< GET
  std::string target;        ///< /api/v1/namespaces/prod/pods?watch=true, as it was sent
  int status = 0;            ///< 0: it is not passed on yet; else what was answered, to it or in its place
  std::string refused = {};  ///< why it was not passed on
  bool operator==(const ClusterEvent&) const = default;
};

class ClusterSink {
 public:
  virtual ~ClusterSink() = default;
  /// True when it is recorded: only then the call goes on. False ends the session. Called by one thread at a time, but
  /// not always the same. Must not throw.
  virtual bool Take(const ClusterEvent& event) = 0;
};

/// Every call throws base::Error when the cluster does not answer or refuses; each may be repeated. Thread-safe.
class ClusterAccess {
 public:
  virtual ~ClusterAccess() = default;
  /// A service account of the request's own, and the binding of the role to it.
  virtual void Open(const ClusterGrant& grant) = 0;
  /// Takes both away, and with the account every token of it. Well when they are not there.
  virtual void Close(const std::string& name_space, const std::string& request) = 0;
  /// Answers at `listener`, which it takes over, as the API server does to that account: it alone has the token, and
  /// passes no other credential and no impersonation on. Each call is recorded before the server gets it. Ends by
  /// itself when `duration` is over, counted from its start by a clock that nobody sets, or `sink` refuses. Its `End`
  /// does not wait for a server that does not answer; to let it go may take half a minute then. `sink` must live as
  /// long as what is returned. REQUIRES: Open.
  virtual std::unique_ptr<SessionProxy> Start(const ClusterGrant& grant, int listener,
                                              std::chrono::milliseconds duration, ClusterSink& sink) = 0;
};

/// The cluster of an environment's launcher, or the one that kubectl would ask. Throws base::Error when what it names
/// cannot be read.
using OpenCluster = std::function<std::unique_ptr<ClusterAccess>(const model::Environment& environment)>;

}  // namespace yellow::ports
