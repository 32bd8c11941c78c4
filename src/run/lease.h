#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "run/context.h"

namespace yellow::run {

/// The right to write one stream (DESIGN 8.1), renewed every five seconds on a connection of its own by a thread.
/// Whoever loses it finds out at the fence, in the last statement of each writing transaction.
class Lease {
 public:
  /// Takes the lease by one compare-and-set, or returns nothing while somebody else has it. Takes over from a holder
  /// whose lease has ended, lies further ahead than a lease is long, who is a dead process of this host or this very
  /// process (a try before that lost its connection), and ends its sessions. REQUIRES: no other thread of this process
  /// works on the stream. `session` is the engine's; `writers` are the server
  /// processes of other sessions that will write.
  static std::unique_ptr<Lease> Take(const Effects& effects, const Actor& actor, const std::string& container,
                                     const std::string& stream, ports::Session& session,
                                     const std::vector<int>& writers = {});
  ~Lease();  ///< gives it back if it is still ours
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  int64_t epoch() const { return epoch_; }
  /// True once a renewal has found that somebody else has taken it. May still be false then.
  bool lost() const { return lost_; }
  /// Reads the epoch, to fail early. Throws base::Error code "fenced".
  void Check(ports::Session& session) const;
  /// The last statement of a writing transaction. Throws base::Error code "fenced" if the lease is somebody else's.
  void Fence(ports::Session& session) const;
  /// Fence in two parts: its statement, to be sent with others, and the check of what that returned.
  sql::Statement Fencing() const;
  void RequireFence(const ports::Rows& held) const;

 private:
  Lease(ports::Connector& connector, ports::ConnectionTarget target, std::unique_ptr<ports::Session> heartbeat,
        std::string stream, int64_t epoch, std::string holder);
  void Beat();
  void Renew();

  ports::Connector& connector_;
  const ports::ConnectionTarget target_;
  std::unique_ptr<ports::Session> heartbeat_;
  std::string stream_;
  int64_t epoch_;
  const std::string holder_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::atomic<bool> lost_ = false;
  std::thread thread_;
};

}  // namespace yellow::run
