#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace yellow::base {

using Instant = std::chrono::sys_time<std::chrono::microseconds>;

/// A five-field cron expression (minute hour day-of-month month day-of-week), as crontab(5): lists, ranges, steps,
/// names of months and days, 7 as Sunday, day fields joined by OR when both are restricted. @hourly, @daily, @weekly,
/// @monthly,
/// @yearly are short forms.
class Cron {
 public:
  /// Nothing when the text is not one; `*why` says what is wrong.
  static std::optional<Cron> Parse(std::string_view text, std::string* why);

  /// The first tick strictly after `after`, in the named IANA zone; nothing when there is none within eight years. A
  /// local time that daylight saving skips ticks at the first instant after the gap; one that comes twice ticks at the
  /// first of the two (every-minute and every-hour schedules tick in both).
  std::optional<Instant> Next(Instant after, std::string_view timezone) const;

 private:
  uint64_t minutes_ = 0;
  uint32_t hours_ = 0, days_ = 0, months_ = 0, weekdays_ = 0;
  bool any_day_ = true, any_weekday_ = true, every_hour_ = false;
};

/// True when the time-zone database knows the name.
bool IsTimezone(std::string_view name);

}  // namespace yellow::base
