#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plan/desired.h"
#include "plan/finding.h"
#include "plan/privileges.h"

/// Judgements on who may do what in a merge database: Yellow's roles, their grants against the model, logins of runs,
/// leases.
namespace yellow::plan {

struct RoleFacts {
  std::string name;
  bool login = false, inherit = true, superuser = false, create_role = false, create_database = false;
  bool replication = false, bypass_row_security = false;
  std::string comment;  ///< whose it is
};

/// `member` may do what `group` may.
struct MemberFacts {
  std::string group, member;
  bool effective = true;        ///< false: it may only hand the group on (16 and later)
  bool admin = false;           ///< it may hand the group on
  std::string granted_by = {};  ///< who alone takes it back (16 and later); empty: any administrator
  bool operator==(const MemberFacts&) const = default;
};

struct RolesFacts {
  std::string container;
  std::string prefix;
  std::string owner;                 ///< as the comment of every role names it; empty: as that of the owner's role does
  std::vector<RoleFacts> roles;      ///< all whose names begin with the prefix
  std::vector<MemberFacts> members;  ///< of these, and their own memberships; superusers as members left out
};
/// One finding a role: Yellow's own, the groups that `wanted` has, and what else has the prefix. Logins of runs are
/// left to JudgeLogins.
Findings JudgeRoles(const RolesFacts& facts, const Desired* wanted, const Administrator& administrator);

struct ObjectFacts {
  std::string sql;  ///< as GRANT names it: SCHEMA "ws_a", FUNCTION yellow_sec.run_open(text, …)
  std::string owner;
};

struct GrantsFacts {
  std::string container;
  std::string prefix;
  std::string database;
  std::map<std::string, ObjectFacts> objects;  ///< in Yellow's schemas, these, and the database
  std::set<Right> rights;                      ///< without those that an owner has by itself
  bool server_functions_open = false;          ///< everybody may take advisory locks or make large objects
  std::string prepared = {};                   ///< the comment of yellow_sec: which text of bootstrap's script made it
};
/// One finding an object: what the model wants and is not given, what is given and the model does not want. Without
/// `wanted` only what does not depend on a model.
Findings JudgeGrants(const GrantsFacts& facts, const Desired* wanted, const Administrator& administrator);

/// Whether the database is what the model that was applied says: the steps that would make it so; and whether its
/// tables survive a crash.
Findings JudgeDatabase(const std::string& container, const Desired& wanted, const Observed& observed,
                       const std::string& digest, const Administrator& administrator);

struct LoginFacts {
  std::string login;  ///< of a run or a try; or the scratch schema that was left of one
  std::string run_id;
  std::string state;          ///< of the run; empty: no run has this number
  double closed_seconds = 0;  ///< since the run was closed; 0: it is open
  std::string holder;         ///< of the run or try; empty: none is known
  bool holder_lives = false;
  bool is_schema = false;
  bool made_ahead = false;                     ///< for a run that is to come; nobody can log in with it
  std::vector<std::string> stray_groups = {};  ///< of which it is a member though its run is not of that workspace
};
Findings JudgeLogins(const std::string& container, const std::vector<LoginFacts>& logins,
                     const Administrator& administrator);

struct LeaseFacts {
  std::string stream;
  std::string holder;
  bool holder_lives = false;
  double seconds_left = 0;  ///< negative: it has ended
};
Findings JudgeLeases(const std::string& container, const std::vector<LeaseFacts>& leases);

}  // namespace yellow::plan
