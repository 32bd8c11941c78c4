#include <algorithm>

#include "access/json_value.h"
#include "access/server_line.h"
#include "base/check.h"
#include "base/utf8.h"
#include "input.h"

using namespace yellow;

/// Of any line a fact is JSON of valid text that holds nothing of the message; and a fact needs a number and a process.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  const std::string plain = access::PlainLine(text);
  YELLOW_CHECK(base::LengthOfText(plain) == plain.size());
  const auto line = access::ReadServerLine(text);
  if (!line) return 0;
  YELLOW_CHECK(line->number > 0 && line->process > 0 && !line->user.empty());
  const bool asked = line->kind == access::ServerLine::Kind::kQuery || line->kind == access::ServerLine::Kind::kExecute;
  if (asked) YELLOW_CHECK(line->text && line->message.ends_with(*line->text));
  const auto fact = access::ParseJson(access::FactOf(*line, "0123456789abcdef"));
  YELLOW_CHECK(fact && fact->Find("message") == nullptr && fact->Find("text") == nullptr);
  YELLOW_CHECK(fact->Find("number")->Integer() != nullptr && *fact->Find("number")->Integer() == line->number);
  YELLOW_CHECK((fact->Find("sha256") != nullptr) == line->text.has_value());
  return 0;
}
