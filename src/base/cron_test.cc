#include "base/cron.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <sstream>

namespace yellow::base {
namespace {

Instant At(const std::string& text) {
  std::istringstream in(text);
  date::sys_time<std::chrono::seconds> time;
  in >> date::parse("%Y-%m-%d %H:%M:%S", time);
  EXPECT_FALSE(in.fail()) << text;
  return Instant{time.time_since_epoch()};
}

std::string Next(const std::string& expression, const std::string& after, const std::string& zone = "UTC") {
  std::string why;
  const auto cron = Cron::Parse(expression, &why);
  if (!cron) return "error: " + why;
  const auto next = cron->Next(At(after), zone);
  return next ? date::format("%Y-%m-%d %H:%M", date::floor<std::chrono::minutes>(*next)) : "never";
}

TEST(Cron, FindsTheNextTickStrictlyAfter) {
  EXPECT_EQ(Next("*/5 * * * *", "2026-01-01 00:00:00"), "2026-01-01 00:05");
  EXPECT_EQ(Next("*/5 * * * *", "2026-01-01 00:04:59"), "2026-01-01 00:05");
  EXPECT_EQ(Next("0 0 29 feb *", "2026-01-01 00:00:00"), "2028-02-29 00:00");
  EXPECT_EQ(Next("0 0 30 2 *", "2026-01-01 00:00:00"), "never");
  EXPECT_EQ(Next("15 6 * * mon-fri", "2026-01-02 06:15:00"), "2026-01-05 06:15");
  EXPECT_EQ(Next("0 12 13 * 5", "2026-02-01 00:00:00"), "2026-02-06 12:00") << "both days restricted: either";
  EXPECT_EQ(Next("0 0 * * 7", "2026-01-01 00:00:00"), "2026-01-04 00:00") << "7 is Sunday";
  EXPECT_EQ(Next("@monthly", "2026-01-15 00:00:00"), "2026-02-01 00:00");
}

TEST(Cron, KnowsDaylightSaving) {
  // Paris, 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
  EXPECT_EQ(Next("30 2 * * *", "2026-03-28 12:00:00", "Europe/Paris"), "2026-03-29 01:00")
      << "skipped: first instant after the gap";
  EXPECT_EQ(Next("30 2 * * *", "2026-03-29 01:00:00", "Europe/Paris"), "2026-03-30 00:30");
  EXPECT_EQ(Next("30 2 * * *", "2026-10-24 12:00:00", "Europe/Paris"), "2026-10-25 00:30") << "twice: the first";
  EXPECT_EQ(Next("30 2 * * *", "2026-10-25 00:30:00", "Europe/Paris"), "2026-10-26 01:30");
  EXPECT_EQ(Next("30 * * * *", "2026-10-25 00:30:00", "Europe/Paris"), "2026-10-25 01:30") << "every hour: both";
}

TEST(Cron, SaysWhatIsWrong) {
  EXPECT_EQ(Next("* * * *", "2026-01-01 00:00:00"), "error: it has 4 fields, not five");
  EXPECT_EQ(Next("60 * * * *", "2026-01-01 00:00:00"), "error: the minute cannot be 60");
  EXPECT_EQ(Next("* * * foo *", "2026-01-01 00:00:00"), "error: the month cannot be foo");
  EXPECT_EQ(Next("5-1 * * * *", "2026-01-01 00:00:00"), "error: the minute cannot be 5-1");
  EXPECT_EQ(Next("*/0 * * * *", "2026-01-01 00:00:00"), "error: the minute cannot be */0");
}

TEST(Timezone, IsLookedUp) {
  EXPECT_TRUE(IsTimezone("Europe/Paris"));
  EXPECT_FALSE(IsTimezone("Europe/Atlantis"));
}

}  // namespace
}  // namespace yellow::base
