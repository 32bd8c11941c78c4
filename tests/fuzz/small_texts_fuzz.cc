#include "adapters/secrets/secret_line.h"
#include "base/check.h"
#include "cli/saved_plan.h"
#include "input.h"
#include "ports/holder.h"
#include "run/witness.h"

using namespace yellow;

/// Texts with a small grammar: who holds a lease, a secret's file, a saved plan, what was seen of a merge database.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = fuzz::Text(data, size);
  if (const auto holder = ports::ParseHolder(text)) YELLOW_CHECK(ports::ParseHolder(ToString(*holder)) == holder);
  if (const auto secret = adapters::secrets::ParseSecretLine(text)) {
    YELLOW_CHECK(secret->user + ":" + secret->password.Reveal() == adapters::secrets::FirstLine(text));
  }
  if (const auto seen = run::SeenOf(text)) YELLOW_CHECK(run::SeenOf(run::ToText(*seen)) == seen);
  cli::SavedFingerprint(text, "MergeDB");
  return 0;
}
