#include "base/check.h"
#include "input.h"
#include "model/data_type.h"

using namespace yellow;

/// A type is read again from its SQL as the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string why;
  const auto parsed = model::ParseType(fuzz::Text(data, size), &why);
  YELLOW_CHECK(parsed.has_value() == why.empty());
  if (!parsed) return 0;
  const auto again = model::ParseType(model::ToSql(parsed->type) + (parsed->not_null ? " not null" : ""), &why);
  YELLOW_CHECK(again && again->type == parsed->type && again->not_null == parsed->not_null);
  return 0;
}
