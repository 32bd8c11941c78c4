#pragma once

#include <string>

namespace yellow::sql {

/// The SQL that makes Yellow's roles, schemas and definer functions in a merge database (SECURITY 2), for the
/// database's owner who may create roles. Running it again changes nothing; it fails when a role of this prefix belongs
/// to another database. REQUIRES: prefix holds lower-case letters, digits and `_` only, as lint makes sure. `owner`:
/// who the roles belong to, in their comments; a prefix that another owner has is refused.
std::string BootstrapSql(const std::string& prefix, const std::string& database, const std::string& owner);

/// Of which text of that script it is: the comment that it leaves on the schema yellow_sec of a database, `yellow:
/// <digest>`.
std::string BootstrapMark();

/// What a superuser does besides, after that, and what is lost without it. REQUIRES: as above.
std::string SuperuserSql(const std::string& prefix);

}  // namespace yellow::sql
