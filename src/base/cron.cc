#include "base/cron.h"

#include <date/tz.h>

#include <array>
#include <charconv>
#include <vector>

namespace yellow::base {
namespace {

using std::chrono::minutes;

struct FieldRule {
  const char* name;
  int low, high;
  std::array<const char*, 12> words;  ///< names of low, low + 1, …
};
constexpr FieldRule kMinute{"minute", 0, 59, {}};
constexpr FieldRule kHour{"hour", 0, 23, {}};
constexpr FieldRule kDay{"day", 1, 31, {}};
constexpr FieldRule kMonth{
    "month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}};
constexpr FieldRule kWeekday{"weekday", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}};

std::vector<std::string_view> Split(std::string_view text, char by) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(by);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

bool SameWord(std::string_view text, const char* word) {
  const std::string_view expected = word;
  if (text.size() != expected.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != expected[i]) return false;
  }
  return true;
}

std::optional<int> Value(std::string_view text, const FieldRule& rule) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size()) {
    return value >= rule.low && value <= rule.high ? std::optional(value) : std::nullopt;
  }
  for (size_t i = 0; i < rule.words.size() && rule.words[i] != nullptr; ++i) {
    if (SameWord(text, rule.words[i])) return rule.low + static_cast<int>(i);
  }
  return std::nullopt;
}

/// One element of a list, `a`, `a-b`, `*`, each with `/step`, as a set of bits.
std::optional<uint64_t> Element(std::string_view text, const FieldRule& rule) {
  int step = 1;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), step);
    if (number.empty() || error != std::errc() || end != number.data() + number.size() || step < 1) return std::nullopt;
    text = text.substr(0, slash);
  }
  int first = rule.low, last = rule.high;
  if (text != "*") {
    const size_t dash = text.find('-');
    const auto from = Value(text.substr(0, dash), rule);
    if (!from) return std::nullopt;
    first = last = *from;
    if (dash != std::string_view::npos) {
      const auto to = Value(text.substr(dash + 1), rule);
      if (!to || *to < *from) return std::nullopt;
      last = *to;
    } else if (slash != std::string_view::npos) {
      last = rule.high;
    }
  }
  uint64_t bits = 0;
  for (int i = first; i <= last; i += step) bits |= uint64_t{1} << i;
  return bits;
}

std::optional<uint64_t> Field(std::string_view text, const FieldRule& rule, std::string* why) {
  uint64_t bits = 0;
  for (const std::string_view part : Split(text, ',')) {
    const auto element = Element(part, rule);
    if (!element) {
      *why = "the " + std::string(rule.name) + " cannot be " + std::string(part);
      return std::nullopt;
    }
    bits |= *element;
  }
  return bits;
}

std::string_view Expanded(std::string_view text) {
  static constexpr std::pair<std::string_view, std::string_view> kShort[] = {
      {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
      {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}};
  for (const auto& [name, expression] : kShort) {
    if (text == name) return expression;
  }
  return text;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

bool Has(uint64_t bits, unsigned value) { return (bits >> value & 1) != 0; }

}  // namespace

std::optional<Cron> Cron::Parse(std::string_view text, std::string* why) {
  const std::vector<std::string_view> words = Words(Expanded(text));
  if (words.size() != 5) {
    *why = "it has " + std::to_string(words.size()) + " fields, not five";
    return std::nullopt;
  }
  const auto minute = Field(words[0], kMinute, why);
  const auto hour = minute ? Field(words[1], kHour, why) : std::nullopt;
  const auto day = hour ? Field(words[2], kDay, why) : std::nullopt;
  const auto month = day ? Field(words[3], kMonth, why) : std::nullopt;
  const auto weekday = month ? Field(words[4], kWeekday, why) : std::nullopt;
  if (!weekday) return std::nullopt;
  Cron cron;
  cron.minutes_ = *minute;
  cron.hours_ = static_cast<uint32_t>(*hour);
  cron.days_ = static_cast<uint32_t>(*day);
  cron.months_ = static_cast<uint32_t>(*month);
  cron.weekdays_ = static_cast<uint32_t>(*weekday | (Has(*weekday, 7) ? 1 : 0));
  cron.any_day_ = words[2].front() == '*';
  cron.any_weekday_ = words[4].front() == '*';
  cron.every_hour_ = words[1].front() == '*';
  return cron;
}

std::optional<Instant> Cron::Next(Instant after, std::string_view timezone) const {
  const date::time_zone* zone = date::locate_zone(std::string(timezone));
  const auto day_matches = [&](const date::local_days& local) {
    const date::year_month_day ymd{local};
    if (!Has(months_, static_cast<unsigned>(ymd.month()))) return false;
    const bool day = Has(days_, static_cast<unsigned>(ymd.day()));
    const bool weekday = Has(weekdays_, date::weekday{local}.c_encoding());
    if (!any_day_ && !any_weekday_) return day || weekday;
    return day && weekday;
  };
  const auto utc_after = std::chrono::floor<minutes>(after);
  const date::local_days first = date::floor<date::days>(zone->to_local(date::sys_time<minutes>(utc_after)));
  // Well inside the time for which the offset stays as it is at `after`, a local time is one instant; clocks are never
  // set by a day or more.
  const date::sys_info around = zone->get_info(date::floor<std::chrono::seconds>(utc_after));
  const auto is_plain = [&](date::sys_seconds instant) {
    return instant >= around.begin + date::days{1} && instant < around.end - date::days{1};
  };
  std::optional<Instant> best;
  // The day before counts too: its last ticks may lie after `after` when clocks are set back over midnight.
  for (int offset = -1; offset < 8 * 366; ++offset) {
    const date::local_days day = first + date::days{offset};
    if (!day_matches(day)) continue;
    for (unsigned hour = 0; hour < 24; ++hour) {
      if (!Has(hours_, hour)) continue;
      for (unsigned minute = 0; minute < 60; ++minute) {
        if (!Has(minutes_, minute)) continue;
        const date::local_time<minutes> local = day + std::chrono::hours{hour} + minutes{minute};
        const auto consider = [&](date::sys_seconds instant) {
          const Instant tick{instant.time_since_epoch()};
          if (tick > after && (!best || tick < *best)) best = tick;
        };
        if (const date::sys_seconds plain{local.time_since_epoch() - around.offset}; is_plain(plain)) {
          consider(plain);
          continue;
        }
        const date::local_info info = zone->get_info(local);
        if (info.result == date::local_info::nonexistent) {
          consider(info.first.end);
        } else {
          consider(date::sys_seconds{(local.time_since_epoch() - info.first.offset)});
          if (info.result == date::local_info::ambiguous && every_hour_) {
            consider(date::sys_seconds{(local.time_since_epoch() - info.second.offset)});
          }
        }
      }
    }
    if (best && offset >= 0) return best;
  }
  return best;
}

bool IsTimezone(std::string_view name) {
  try {
    date::locate_zone(std::string(name));
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace yellow::base
