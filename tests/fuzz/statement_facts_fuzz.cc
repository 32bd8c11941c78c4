#include "access/flags.h"
#include "base/check.h"
#include "input.h"

using namespace yellow;

/// A text that can be parsed says what it is; of others nothing is said.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  access::SentText sent;
  sent.text = fuzz::Text(data, size);
  const sql::StatementFacts facts = sql::FactsOf(sent.text);
  const auto flags = access::FlagsOf(sent, {{}, 1});
  YELLOW_CHECK(flags.count(access::Flag::kUnparsable) == (facts.problem.empty() ? 0 : 1));
  if (facts.ddl && facts.problem.empty()) YELLOW_CHECK(!facts.kinds.empty());
  return 0;
}
