#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "adapters/kubernetes/client.h"
#include "ports/clock.h"

namespace yellow::adapters::kubernetes {

/// Told what is in a collection and how it changes; each call after the one before has returned.
class Listener {
 public:
  virtual ~Listener() = default;
  /// All that there is: at the start, and again whenever changes may have been missed. What is not among it is gone.
  virtual void Listed(const std::vector<WatchEvent>& all) = 0;
  /// A change, in the order of the versions. Never a bookmark.
  virtual void Changed(const WatchEvent& event) = 0;
  /// The server could not be followed for a while; it is asked again after `wait`. Throws to give up.
  virtual void Troubled(const ApiError& error, std::chrono::milliseconds wait) = 0;
};

/// How long to wait after the n-th failure in a row, from 1: 200 ms doubling to 20 s, or what the server asked for, at
/// most a minute.
std::chrono::milliseconds WaitAfter(int failures, int retry_after_seconds);

/// How old a Job without a pod is when it is asked again why, if it was asked at this age: ever more seldom, because
/// hundreds may wait, and who asks takes the time of those who could help.
std::chrono::milliseconds AskAgainAt(std::chrono::milliseconds age);

/// Lists a collection (`path` without query; `query` as `labelSelector=…`, encoded, may be empty), then watches it from
/// there on: a watch that ended goes on from the last version seen, one that the server no longer knows (410) begins
/// with a list, an error that may pass is told and tried again. Returns when `go_on` says false. Throws ApiError when
/// it is not retryable (403: the role is missing; what was allowed before is tried for three quarters of a minute,
/// because a server that has just begun refuses that).
void Follow(Client& client, const std::string& path, const std::string& query, Listener& listener, ports::Clock& clock,
            const Client::GoOn& go_on);

}  // namespace yellow::adapters::kubernetes
