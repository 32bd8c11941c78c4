#include "ports/holder.h"

#include <charconv>

namespace yellow::ports {
namespace {

template <typename Number>
bool Read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string ToString(const Holder& holder) {
  return holder.host + ":" + std::to_string(holder.pid) + ":" + std::to_string(holder.start);
}

std::optional<Holder> ParseHolder(std::string_view text) {
  const size_t start = text.rfind(':');
  const size_t pid = start == std::string_view::npos || start == 0 ? start : text.rfind(':', start - 1);
  if (pid == std::string_view::npos || pid == 0 || pid == start) return std::nullopt;
  Holder holder;
  holder.host = text.substr(0, pid);
  if (!Read(text.substr(pid + 1, start - pid - 1), holder.pid) || holder.pid <= 0 ||
      !Read(text.substr(start + 1), holder.start))
    return std::nullopt;
  return holder;
}

}  // namespace yellow::ports
