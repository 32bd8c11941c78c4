#include "base/check.h"
#include "input.h"
#include "model/name_rule.h"

using namespace yellow;

/// Whatever something is called, its legal name is one, and stays.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string legal = model::LegalName(fuzz::Text(data, size), "n");
  YELLOW_CHECK(model::NameFault(legal).empty());
  YELLOW_CHECK(model::LegalName(legal, "n") == legal);
  model::WordsOf(fuzz::Text(data, size));
  return 0;
}
