#include "model/people.h"

#include <algorithm>

#include "base/check.h"

namespace yellow::model {

std::string_view Word(ScopeKind kind) {
  switch (kind) {
    case ScopeKind::kDtWrite:
      return "dt_write";
    case ScopeKind::kWsRead:
      return "ws_read";
  }
  YELLOW_CHECK(false);
}

std::optional<ScopeKind> ScopeKindOf(std::string_view word) {
  for (const ScopeKind kind : {ScopeKind::kDtWrite, ScopeKind::kWsRead})
    if (Word(kind) == word) return kind;
  return std::nullopt;
}

bool Person::Has(std::string_view role) const { return std::find(roles.begin(), roles.end(), role) != roles.end(); }

std::string Scope::Text() const { return std::string(Word(kind)) + ":" + workspace; }

}  // namespace yellow::model
