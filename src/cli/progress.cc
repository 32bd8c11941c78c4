#include "cli/progress.h"

#include <fmt/format.h>

#include <ostream>

namespace yellow::cli {
namespace {

constexpr std::chrono::seconds kTerminalPace{1}, kPlainPace{10};
/// A longer line would wrap in a narrow terminal, and then it could not be wiped.
constexpr size_t kColumns = 79;
constexpr const char* kWipe = "\r\x1b[K";

/// `1,234,567`.
std::string Grouped(int64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

/// As many bytes as fit, without a part of a character.
std::string Cut(std::string text) {
  if (text.size() <= kColumns) return text;
  size_t end = kColumns;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::string ActivityText(const run::Activity& activity, std::chrono::seconds since) {
  std::string text = activity.who + ": " + activity.what;
  if (activity.of > 1) text += fmt::format(" ({} of {})", activity.number, activity.of);
  if (activity.rows > 0) text += ", " + Grouped(activity.rows) + " rows";
  text += fmt::format(", {} s", since.count());
  if (activity.rows > 0 && since.count() > 0) text += ", " + Grouped(activity.rows / since.count()) + " rows/s";
  return text;
}

ProgressReporter::ProgressReporter(const Program& program, std::ostream& out)
    : program_(program), out_(out), thread_([this](const std::stop_token& ended) { Watch(ended); }) {}

void ProgressReporter::Line(const std::string& text) {
  const std::lock_guard lock(mutex_);
  Wipe();
  out_ << text << '\n' << std::flush;
}

void ProgressReporter::UnderWay(const run::Activity& activity) {
  const std::lock_guard lock(mutex_);
  const bool same = activity_ && activity_->who == activity.who && activity_->what == activity.what;
  if (!same) since_ = told_at_ = program_.clock.Now();
  activity_ = activity;
}

void ProgressReporter::Over() {
  const std::lock_guard lock(mutex_);
  Wipe();
  activity_.reset();
}

void ProgressReporter::Watch(const std::stop_token& ended) {
  std::unique_lock lock(mutex_);
  while (!ended.stop_requested()) {
    ended_.wait_for(lock, ended, kTerminalPace, [] { return false; });
    if (!ended.stop_requested() && activity_) Show();
  }
}

/// REQUIRES: the mutex is held, and something is under way.
void ProgressReporter::Show() {
  const ports::TimePoint now = program_.clock.Now();
  const auto pace = program_.error_terminal ? kTerminalPace : kPlainPace;
  if (now - told_at_ < pace) return;
  told_at_ = now;
  const std::string text = ActivityText(*activity_, std::chrono::duration_cast<std::chrono::seconds>(now - since_));
  if (program_.error_terminal) {
    program_.err << kWipe << Cut(text) << std::flush;
    shown_ = true;
  } else {
    program_.err << text << '\n' << std::flush;
  }
}

/// REQUIRES: the mutex is held.
void ProgressReporter::Wipe() {
  if (shown_) program_.err << kWipe << std::flush;
  shown_ = false;
}

}  // namespace yellow::cli
