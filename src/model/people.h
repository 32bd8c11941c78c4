#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/declared.h"

/// Who may do what by hand, and what there is to be asked for (SECURITY 3).
namespace yellow::model {

inline constexpr std::string_view kDevops = "devops";               ///< may ask for access
inline constexpr std::string_view kSeniorDevops = "senior_devops";  ///< may ask, approve and review
inline constexpr std::string_view kAuditor = "auditor";             ///< sees everything, and does nothing

/// Of the ecosystem or of a zone; a zone's may act within it only.
struct Person {
  std::string name;
  std::vector<std::string> identities;  ///< os:name, oidc:address, ticket:name
  std::vector<std::string> roles;
  std::string review_key;  ///< public, to which recordings are sealed that the person may review; may be empty
  Owner owner;
  SourceRange where;

  bool Has(std::string_view role) const;
  /// What belongs to the ecosystem, or to the person's own zone.
  bool MayActIn(const Owner& owner_of_scope) const { return owner.zone.empty() || owner.zone == owner_of_scope.zone; }
};

/// What a temporary credential opens: the outputs of a Workspace's transformer, to read and write, or what a Workspace
/// sees.
enum class ScopeKind { kDtWrite, kWsRead };
std::string_view Word(ScopeKind kind);  ///< dt_write

struct Scope {
  ScopeKind kind = ScopeKind::kWsRead;
  std::string workspace;
  Duration longest{int64_t{4} * 3600};
  int approvers = 1;
  Owner owner;  ///< the ecosystem, or the zone of the Workspace
  SourceRange where;

  std::string Text() const;  ///< dt_write:MaskShop
};

/// What stands before the colon of a scope; nothing when there is no such kind.
std::optional<ScopeKind> ScopeKindOf(std::string_view word);

}  // namespace yellow::model
