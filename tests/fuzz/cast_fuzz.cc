#include "access/cast.h"
#include "base/check.h"
#include "base/utf8.h"
#include "input.h"

using namespace yellow;

namespace {

/// A recording, line by line: what was read is written and read again as the same.
void ReadLines(std::string_view text) {
  access::CastReader reader;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const bool had_header = reader.header().has_value();
    const auto taken = reader.Take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!taken) {
      YELLOW_CHECK(!taken.error().empty());
      return;
    }
    access::CastReader again;
    const std::string head = access::CastLine(reader.header().value());
    YELLOW_CHECK(again.Take(std::string_view(head).substr(0, head.size() - 1)));
    if (!had_header) YELLOW_CHECK(again.header() == reader.header());
    if (!*taken) continue;
    std::optional<access::CastEvent> event;
    const std::string lines = access::CastLines(**taken);
    for (size_t at = 0, line_end = 0; (line_end = lines.find('\n', at)) != std::string::npos; at = line_end + 1) {
      const auto same = again.Take(std::string_view(lines).substr(at, line_end - at));
      YELLOW_CHECK(same.has_value());
      event = *same;
    }
    YELLOW_CHECK(event == *taken);
  }
}

}  // namespace

/// Of any bytes an event is made whose lines are UTF-8 and hold them all, in whatever pieces they came.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes = fuzz::Text(data, size);
  const std::string lines = access::CastLines({1, access::CastOutput{bytes}});
  YELLOW_CHECK(base::LengthOfText(lines) == lines.size());
  ReadLines("{\"version\": 2, \"width\": 1, \"height\": 1}\n" + lines);
  ReadLines(bytes);
  std::string whole, open;
  for (const char byte : bytes) {
    open += byte;
    const size_t closed = open.size() - access::LengthOfOpenEnd(open);
    whole += access::TextOf(open.substr(0, closed));
    open.erase(0, closed);
    YELLOW_CHECK(open.size() < 4);
  }
  YELLOW_CHECK(whole + access::TextOf(open) == access::TextOf(bytes));
  return 0;
}
