#include "adapters/clock/system_clock.h"

#include <time.h>

namespace yellow::adapters::clock {
namespace {

class SystemClock : public ports::Clock {
 public:
  ports::TimePoint Now() override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  /// A signal ends nanosleep early.
  void Sleep(std::chrono::milliseconds duration) override {
    timespec wait{};
    wait.tv_sec = duration.count() / 1000;
    wait.tv_nsec = static_cast<long>(duration.count() % 1000) * 1000000;
    nanosleep(&wait, nullptr);
  }
};

}  // namespace

std::unique_ptr<ports::Clock> MakeClock() { return std::make_unique<SystemClock>(); }

}  // namespace yellow::adapters::clock
