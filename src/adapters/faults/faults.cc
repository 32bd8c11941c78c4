#include "adapters/faults/faults.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>

namespace yellow::adapters::faults {
namespace {

enum class Mode { kKill, kStop, kFail, kLose, kCount };

class EnvironmentFaults : public ports::Faults {
 public:
  explicit EnvironmentFaults(std::string setting) {
    for (const auto& [word, mode] :
         {std::pair("kill@", Mode::kKill), {"stop@", Mode::kStop}, {"fail@", Mode::kFail}, {"lose@", Mode::kLose}}) {
      if (!setting.starts_with(word)) continue;
      mode_ = mode;
      setting = setting.substr(5);
    }
    const size_t colon = setting.rfind(':');
    if (colon == std::string::npos) return;
    name_ = setting.substr(0, colon);
    if (name_ == "count") {
      mode_ = Mode::kCount;
      count_path_ = setting.substr(colon + 1);
    } else {
      at_ = std::strtol(setting.c_str() + colon + 1, nullptr, 10);
    }
  }

  ports::Fate Before(std::string_view effect) override {
    if (!Hit(effect, ".before", mode_ != Mode::kCount)) return ports::Fate::kHappens;
    if (mode_ == Mode::kKill || mode_ == Mode::kStop) {
      Signal();
      return ports::Fate::kHappens;
    }
    // Some faults leave no other trace, as they should.
    std::cerr << "fault: " << (mode_ == Mode::kFail ? "failed: " : "answer lost: ") << effect << '\n' << std::flush;
    return mode_ == Mode::kFail ? ports::Fate::kFails : ports::Fate::kAnswerIsLost;
  }

  void After(std::string_view effect) override {
    if (Hit(effect, ".after", mode_ == Mode::kKill || mode_ == Mode::kStop)) Signal();
  }

 private:
  /// Counts a passing; true when it is the one that was asked for.
  bool Hit(std::string_view effect, std::string_view phase, bool counts) {
    const std::lock_guard lock(mutex_);
    if (mode_ == Mode::kCount) std::ofstream(count_path_, std::ios::app) << effect << phase << "\n";
    if (!counts || at_ <= 0) return false;
    const bool named = name_ == "*" || name_ == effect || name_ == std::string(effect) + std::string(phase);
    return named && ++passed_ == at_;
  }

  void Signal() const { kill(getpid(), mode_ == Mode::kStop ? SIGSTOP : SIGKILL); }

  std::mutex mutex_;
  Mode mode_ = Mode::kKill;
  std::string name_, count_path_;
  long at_ = 0, passed_ = 0;
};

}  // namespace

std::unique_ptr<ports::Faults> MakeFaults(const std::string& setting) {
  return std::make_unique<EnvironmentFaults>(setting);
}

}  // namespace yellow::adapters::faults
