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

/// What people may ask for.
enum class ScopeKind {
  kDtWrite,     ///< the outputs of a Workspace's transformer, to read and write
  kDtRead,      ///< the same, to read
  kWsRead,      ///< what a Workspace sees
  kStageRead,   ///< what was staged of a Datastore and what was set aside, to read
  kOperation,   ///< one thing that Yellow does itself, `op:reingest:MaskShop`; nobody logs in
  kShell,       ///< a shell on the service's machine, without database and network
  kKubernetes,  ///< a role in a namespace of the cluster
};
std::string_view Word(ScopeKind kind);  ///< dt_write

/// What Yellow does when it is asked for and approved.
enum class Operation {
  kReingest,  ///< takes the outputs of a Workspace's transformer as they stand in its `dt_` tables
  kErase,     ///< removes a row of a Datastore wherever Yellow keeps it
};
std::string_view Word(Operation operation);  ///< reingest
std::optional<Operation> OperationOf(std::string_view word);

struct Scope {
  ScopeKind kind = ScopeKind::kWsRead;
  std::optional<Operation> operation;  ///< of kOperation only
  std::string object;                  ///< a Workspace, Datastore or namespace; empty for kShell
  Duration longest{int64_t{4} * 3600};
  int approvers = 1;
  std::string role = {};                  ///< of kKubernetes: the ClusterRole that is bound in the namespace
  std::vector<std::string> folders = {};  ///< of kShell: what it reads besides the system's, absolute
  Owner owner;                            ///< the ecosystem, or the zone of the object
  SourceRange where;

  /// Whether its object is a Workspace, or a Datastore; at most one is true.
  bool IsOfWorkspace() const;
  bool IsOfDatastore() const;
  std::string Text() const;  ///< dt_write:MaskShop
};

/// Operations change what everybody reads, so two people approve each at least (SECURITY 3).
inline constexpr int kOperationApprovers = 2;

/// Reads kind, operation and object of a scope's text; nothing when there is no such scope.
std::optional<Scope> ParseScope(std::string_view text);

}  // namespace yellow::model
