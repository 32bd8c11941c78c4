#pragma once

#include <string>
#include <vector>

#include "cli/views/record.h"
#include "plan/privileges.h"

namespace yellow::cli {

/// A line of the matrix: what one role may do with one object of a merge database.
struct Privilege {
  enum class Kind { kOwner, kMember, kGranted };
  std::string container, object, role;
  Kind kind = Kind::kGranted;
  std::vector<std::string> privileges;
};

/// Sorted: who owns which schema, who belongs to which role, then what is granted on which object.
std::vector<Privilege> PrivilegesIn(const std::string& container, const plan::Privileges& all);

/// One table a container, as people read it.
std::string PrivilegesText(const std::vector<Privilege>& privileges);
const Record<Privilege>& PrivilegeRecord();

}  // namespace yellow::cli
