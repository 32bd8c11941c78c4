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

/// A connector that opens sessions ahead, as `Keep` asks: to connect takes a server several milliseconds. Every spare
/// is handed out once and never comes back, so that no session carries anything from one use to the next. A thread
/// makes new ones when none was asked for in a while, so as not to be in the way of who was given one; what fails there
/// is tried again, and `Open` connects by itself meanwhile. Any thread may use it.
class SpareSessions : public ports::Connector {
 public:
  explicit SpareSessions(std::unique_ptr<ports::Connector> inner);
  ~SpareSessions() override;
  SpareSessions(const SpareSessions&) = delete;
  SpareSessions& operator=(const SpareSessions&) = delete;

  std::unique_ptr<ports::Session> Open(const ports::ConnectionTarget& target) override;
  void Keep(const ports::ConnectionTarget& target, int count, std::string_view warm_up = "") override;
  std::string ScramVerifier(const base::Secret& password) override { return inner_->ScramVerifier(password); }

 private:
  struct Kept {
    ports::ConnectionTarget target;
    size_t count = 0;
    std::string warm_up;
    std::deque<std::unique_ptr<ports::Session>> spares;  // the oldest first
  };

  /// REQUIRES: the mutex is held, here and below.
  Kept* Find(const ports::ConnectionTarget& target);
  Kept* Lacking();
  void Refill();

  const std::unique_ptr<ports::Connector> inner_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<Kept> kept_;  // nothing is taken out: a place in it stays good while the mutex is released
  bool stop_ = false;
  std::chrono::steady_clock::time_point quiet_from_{};  // when to make new ones at the earliest
  std::thread thread_;                                  // started by the first Keep
};

}  // namespace yellow::adapters::postgres
