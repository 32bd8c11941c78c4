#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "cli/program.h"
#include "run/context.h"

namespace yellow::cli {

/// `Shop: reads customers (1 of 2), 1,234,567 rows, 12 s, 102,880 rows/s`.
std::string ActivityText(const run::Activity& activity, std::chrono::seconds since);

/// Prints each line to `out` as it comes, and tells people on `program.err` what is under way when it takes longer than
/// a second: on a terminal in one line that is written again each second, else in a line every ten seconds.
/// Thread-safe.
class ProgressReporter : public run::Reporter {
 public:
  ProgressReporter(const Program& program, std::ostream& out);
  void Line(const std::string& text) override;
  void UnderWay(const run::Activity& activity) override;
  void Over() override;

 private:
  void Watch(const std::stop_token& ended);
  void Show();
  void Wipe();

  const Program& program_;
  std::ostream& out_;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::optional<run::Activity> activity_;
  ports::TimePoint since_, told_at_;
  bool shown_ = false;   ///< a line of the terminal holds it
  std::jthread thread_;  ///< the last: it ends first
};

}  // namespace yellow::cli
