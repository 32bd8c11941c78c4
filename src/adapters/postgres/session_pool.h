#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "ports/database.h"

namespace yellow::adapters::postgres {

/// A connector that holds sessions ready, as `Keep` asks: to connect takes a server several milliseconds, and a
/// session's first use of each table and function as long again. A session that was given away comes back when it is
/// destroyed, unless a call of it has failed or a transaction is open; what the use has set, made or listened to is
/// discarded before the next, and only prepared statements stay. It is closed for good after `kLongestLife`. A thread
/// cleans what comes back, and opens what is missing, when none was asked for in a while, so as not to be in the way of
/// who was given one; what fails there is tried again, and `Open` connects by itself meanwhile. Any thread may use it;
/// it outlives the sessions.
class SessionPool : public ports::Connector {
 public:
  static constexpr std::chrono::minutes kLongestLife{10};  // what a server's process has cached does not grow for ever

  explicit SessionPool(std::unique_ptr<ports::Connector> inner,
                       std::chrono::steady_clock::duration longest_life = kLongestLife);
  ~SessionPool() override;
  SessionPool(const SessionPool&) = delete;
  SessionPool& operator=(const SessionPool&) = delete;

  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget& target) override;
  void Keep(const ports::ConnectionTarget& target, int count, std::string_view warm_up = "") override;
  std::string ScramVerifier(const base::Secret& password) override { return inner_->ScramVerifier(password); }

  /// Waits until what came back is cleaned and what was missing is open: for ever where a server cannot be reached.
  void AwaitQuiet();

 private:
  class Lent;
  struct Pooled {
    std::unique_ptr<ports::Session> session;
    std::chrono::steady_clock::time_point opened_at;
  };
  struct Kept {
    ports::ConnectionTarget target;
    size_t count = 0;
    std::string warm_up;
    std::deque<Pooled> ready;     // the next to be given away first
    std::deque<Pooled> returned;  // to be cleaned
  };

  /// Any thread.
  void Return(Kept& kept, Pooled pooled);
  /// REQUIRES: the mutex is held, here and below; work on a session releases it meanwhile.
  Kept* Find(const ports::ConnectionTarget& target);
  /// One that has something to be cleaned or opened; null when none has.
  Kept* Wanting();
  void Tend();
  void CleanOne(Kept& kept, std::unique_lock<std::mutex>& lock);
  void OpenOne(Kept& kept, std::unique_lock<std::mutex>& lock);

  const std::unique_ptr<ports::Connector> inner_;
  const std::chrono::steady_clock::duration longest_life_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Kept> kept_;  // nothing is taken out: a place in it stays good while the mutex is released
  bool stop_ = false;
  bool tending_ = false;                                // a session is being cleaned or opened
  std::chrono::steady_clock::time_point quiet_from_{};  // when to open new ones at the earliest
  std::thread thread_;                                  // started by the first Keep
};

}  // namespace yellow::adapters::postgres
