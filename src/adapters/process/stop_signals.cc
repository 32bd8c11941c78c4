#include "adapters/process/stop_signals.h"

#include <signal.h>

#include <atomic>

namespace yellow::adapters::process {
namespace {

std::atomic<bool> asked = false;

void Remember(int number) {
  asked = true;
  signal(number, SIG_DFL);
}

class StopSignals : public ports::Stop {
 public:
  void Watch() override {
    struct sigaction action{};
    action.sa_handler = &Remember;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
  }
  bool Asked() override { return asked; }
};

}  // namespace

std::unique_ptr<ports::Stop> MakeStop() { return std::make_unique<StopSignals>(); }

}  // namespace yellow::adapters::process
