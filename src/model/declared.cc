#include "model/declared.h"

#include <charconv>

namespace yellow::model {

std::optional<Duration> ParseDuration(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  int64_t unit = 0;
  switch (text.back()) {
    case 's':
      unit = 1;
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      return std::nullopt;
  }
  text.remove_suffix(1);
  double number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (failure != std::errc() || end != text.data() + text.size() || !(number > 0 && number <= 1e6)) return std::nullopt;
  return Duration{static_cast<int64_t>(number * static_cast<double>(unit))};
}

}  // namespace yellow::model
