#include "base/check.h"
#include "base/cron.h"
#include "input.h"

using namespace yellow;

/// The next tick lies ahead, and the same from everywhere before it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string why;
  const auto cron = base::Cron::Parse(fuzz::Text(data, size), &why);
  if (!cron) {
    YELLOW_CHECK(!why.empty());
    return 0;
  }
  // An hour before clocks are put forward, and back, in Paris.
  for (const int64_t second : {1711846800, 1729987200}) {
    const base::Instant after{std::chrono::seconds(second)};
    const auto next = cron->Next(after, "Europe/Paris");
    if (!next) continue;
    YELLOW_CHECK(*next > after);
    YELLOW_CHECK(cron->Next(*next - std::chrono::microseconds(1), "Europe/Paris") == next);
  }
  return 0;
}
