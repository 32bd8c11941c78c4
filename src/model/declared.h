#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/source_range.h"

/// Values of which documents of every kind are made.
namespace yellow::model {

using base::SourceRange;

/// Who owns a document; `Default`/`Default` for documents directly under model/. The ecosystem's own: both empty.
struct Owner {
  std::string zone;
  std::string team;
  auto operator<=>(const Owner&) const = default;
};

/// A name as it stands in a document, with its place.
struct Name {
  std::string text;
  SourceRange where;
};

enum class Milestoning { kLive, kForensic };
enum class Priority { kLowest, kLow, kMedium, kHigh, kCritical };  ///< ordered: greater is more urgent

/// A schedule: five-field cron in a time zone (an IANA name).
struct Schedule {
  std::string cron;
  std::string timezone = "UTC";
  SourceRange where;
};

/// How long; from `90d`, `1h`, `30m`, `15s`.
struct Duration {
  int64_t seconds = 0;
  auto operator<=>(const Duration&) const = default;
};

/// Nothing when it is not a number above zero and at most a million, and one of these units.
std::optional<Duration> ParseDuration(std::string_view text);

/// A number of rows, or a percentage of the rows there were.
struct RowLimit {
  std::optional<int64_t> rows;
  std::optional<double> percent;  ///< 0 to 100
};

}  // namespace yellow::model
