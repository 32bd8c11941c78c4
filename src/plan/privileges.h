#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/desired.h"

/// Who may do what in a merge database, computed from the model: `yellow export privileges` prints it, doctor compares
/// the database with it.
namespace yellow::plan {

/// One right on one object. Its name is as in a key: `ws_a` (a schema), `ws_a.view`, `yellow_sec.run_open()` (every
/// function of that name), `merge` (the database).
struct Right {
  std::string object;
  std::string grantee;    ///< a role, or PUBLIC
  std::string privilege;  ///< SELECT; `SELECT (email)` on one column; `SELECT WITH GRANT OPTION` besides, if it may be
                          ///< passed on
  auto operator<=>(const Right&) const = default;
};

/// `member` may do all that `group` may.
struct Member {
  std::string group, member;
  bool admin = false;   ///< it may hand the group on
  bool inherit = true;  ///< false: only after SET ROLE
  auto operator<=>(const Member&) const = default;
};

/// What is not here nobody has but the owner of the object. Two kinds of logins come and go: that of a run is a member
/// of the base group of runs and of both groups of its workspace, or for a try of no more than the base group and has
/// the rights of both groups on copies; that of a request is a member of the base group of temporary logins and of the
/// group of its scope.
struct Privileges {
  std::map<std::string, std::string> owners;  ///< by schema: who owns it and all that is in it
  std::set<Right> rights;
  std::set<Member> members;
};

/// The memberships of Yellow's own roles, as bootstrap makes them.
std::set<Member> OwnMembers(const sql::Roles& roles);

/// All of one merge database, Yellow's own schemas included. `database`: its name. Without `wanted` what does not
/// depend on a model.
Privileges PrivilegesOf(const sql::Roles& roles, const std::string& database, const Desired* wanted);

}  // namespace yellow::plan
