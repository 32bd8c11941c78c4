#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

#include "ports/clock.h"

namespace yellow::run {

/// Holds one of something that takes long to make, so that who needs it need not wait: it is made by a thread, and made
/// anew before it is old. Any thread may use it.
template <typename Thing>
class MadeAhead {
 public:
  static constexpr std::chrono::minutes kNewEvery{5};
  static constexpr std::chrono::minutes kUsable{10};

  /// `make` is called with the one that has become old, if there is one, and says nothing when none is to be had.
  /// REQUIRES: it does not throw, and two threads may call it.
  MadeAhead(ports::Clock& clock, std::function<std::optional<Thing>(std::optional<Thing> old)> make)
      : clock_(clock), make_(std::move(make)) {}

  /// Begins to make one, unless a young one is there, or was not to be had a while ago.
  void Prepare() {
    const std::lock_guard lock(mutex_);
    if (next_.valid()) {
      if (next_.wait_for(std::chrono::seconds(0)) == std::future_status::timeout) return;
      made_ = next_.get();
    }
    if (made_ && clock_.Now() - made_->at < kNewEvery) return;
    std::optional<Thing> old;
    if (made_) old = std::move(made_->thing);
    made_.reset();
    next_ = std::async(std::launch::async | std::launch::deferred, [this, old = std::move(old)]() mutable {
      const ports::TimePoint at = clock_.Now();
      return Made{make_(std::move(old)), at};
    });
  }

  /// The one that is there, never the same twice; nothing when none is. Waits for one that is being made, which is
  /// there sooner than one that would be begun now.
  std::optional<Thing> Take() {
    std::optional<Made> made;
    std::future<Made> next;
    {
      const std::lock_guard lock(mutex_);
      made = std::exchange(made_, std::nullopt);
      next = std::move(next_);
    }
    if (next.valid()) made = next.get();
    if (!made || clock_.Now() - made->at >= kUsable) return std::nullopt;
    return std::move(made->thing);
  }

 private:
  struct Made {
    std::optional<Thing> thing;
    ports::TimePoint at;
  };

  ports::Clock& clock_;
  const std::function<std::optional<Thing>(std::optional<Thing>)> make_;
  std::mutex mutex_;
  std::future<Made> next_;
  std::optional<Made> made_;  // once next_ was looked at
};

}  // namespace yellow::run
