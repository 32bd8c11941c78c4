#include "base/check.h"
#include "input.h"
#include "plan/source_address.h"

using namespace yellow;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed = plan::ParseSourceAddress(fuzz::Text(data, size));
  if (const auto* why = std::get_if<std::string>(&parsed)) {
    YELLOW_CHECK(!why->empty());
    return 0;
  }
  const auto& address = std::get<plan::SourceAddress>(parsed);
  YELLOW_CHECK(!address.host.empty() && !address.database.empty() && address.port > 0 && address.port < 65536);
  return 0;
}
