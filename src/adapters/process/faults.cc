#include "adapters/process/faults.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

namespace yellow::adapters::process {
namespace {

class SignalFaults : public ports::Faults {
 public:
  explicit SignalFaults(const std::string& setting) {
    const size_t colon = setting.rfind(':');
    if (colon == std::string::npos) return;
    name_ = setting.substr(0, colon);
    if (name_.starts_with("stop@")) {
      signal_ = SIGSTOP;
      name_ = name_.substr(5);
    }
    if (name_ == "count") {
      count_path_ = setting.substr(colon + 1);
    } else {
      at_ = std::strtol(setting.c_str() + colon + 1, nullptr, 10);
    }
  }

  void Point(std::string_view name) override {
    if (!count_path_.empty()) std::ofstream(count_path_, std::ios::app) << name << "\n";
    if (at_ <= 0 || (name_ != "*" && name_ != name)) return;
    if (++passed_ == at_) kill(getpid(), signal_);
  }

 private:
  std::string name_, count_path_;
  int signal_ = SIGKILL;
  long at_ = 0;
  std::atomic<long> passed_ = 0;
};

}  // namespace

std::unique_ptr<ports::Faults> MakeFaults(const std::string& setting) {
  return std::make_unique<SignalFaults>(setting);
}

}  // namespace yellow::adapters::process
