#include "base/check.h"
#include "input.h"
#include "sql/transformer_select.h"

using namespace yellow;

/// What is accepted becomes one SELECT that reads the views of the inputs and nothing else.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  const std::vector<sql::SelectInput> inputs{
      {{"G", "Shop", "customers"}, "ws_w", "g__shop__customers", "g__shop__customers__changes"},
      {{"G", "Shop", "orders"}, "ws_w", "g__shop__orders", "g__shop__orders__changes"},
      {{"H", "Shop", "orders"}, "ws_w", "h__shop__orders", "h__shop__orders__changes"}};
  const std::vector<sql::SelectInput> views{
      {{"", "ws_w", "g__shop__customers"}, "ws_w", "g__shop__customers", "g__shop__customers__changes"},
      {{"", "ws_w", "g__shop__orders"}, "ws_w", "g__shop__orders", "g__shop__orders__changes"},
      {{"", "ws_w", "h__shop__orders"}, "ws_w", "h__shop__orders", "h__shop__orders__changes"}};
  for (const model::Mode mode : {model::Mode::kFull, model::Mode::kIncremental}) {
    const auto result = sql::RewriteSelect(text, inputs, mode);
    const auto* select = std::get_if<std::string>(&result);
    if (select == nullptr) {
      YELLOW_CHECK(!std::get<std::vector<sql::SelectProblem>>(result).empty());
      continue;
    }
    YELLOW_CHECK(std::holds_alternative<std::string>(sql::RewriteSelect(*select, views, mode)));
  }
  return 0;
}
