#include "cli/views/privileges_view.h"

#include <fmt/format.h>

#include "cli/text_table.h"

namespace yellow::cli {
namespace {

const char* Word(const Privilege& it) {
  switch (it.kind) {
    case Privilege::Kind::kOwner:
      return "owner";
    case Privilege::Kind::kMember:
      return "member";
    case Privilege::Kind::kGranted:
      return "granted";
  }
  return "";
}

std::string Told(const Privilege& it) {
  switch (it.kind) {
    case Privilege::Kind::kOwner:
      return "owner of it and of all that is in it";
    case Privilege::Kind::kMember:
      if (it.privileges.empty()) return "member, after SET ROLE";
      return it.privileges.back() == "INHERIT" ? "member" : "member, may admit others";
    case Privilege::Kind::kGranted:
      break;
  }
  return fmt::format("{}", fmt::join(it.privileges, ", "));
}

}  // namespace

std::vector<Privilege> PrivilegesIn(const std::string& container, const plan::Privileges& all) {
  std::vector<Privilege> listed;
  for (const auto& [schema, owner] : all.owners)
    listed.push_back({container, schema, owner, Privilege::Kind::kOwner, {}});
  for (const plan::Member& it : all.members) {
    listed.push_back({container, it.group, it.member, Privilege::Kind::kMember, {}});
    if (it.inherit) listed.back().privileges.emplace_back("INHERIT");
    if (it.admin) listed.back().privileges.emplace_back("ADMIN OPTION");
  }
  for (const plan::Right& right : all.rights) {
    const bool more = !listed.empty() && listed.back().kind == Privilege::Kind::kGranted &&
                      listed.back().object == right.object && listed.back().role == right.grantee;
    if (!more) listed.push_back({container, right.object, right.grantee, Privilege::Kind::kGranted, {}});
    listed.back().privileges.push_back(right.privilege);
  }
  return listed;
}

std::string PrivilegesText(const std::vector<Privilege>& privileges) {
  std::string out;
  for (size_t i = 0; i < privileges.size();) {
    const std::string& container = privileges[i].container;
    std::vector<std::vector<std::string>> rows{{"OBJECT", "ROLE", "PRIVILEGES"}};
    for (; i < privileges.size() && privileges[i].container == container; ++i)
      rows.push_back({privileges[i].object, privileges[i].role, Told(privileges[i])});
    out += (out.empty() ? "" : "\n") + fmt::format("Container {}\n", container) + TextTable(rows);
  }
  return out;
}

const Record<Privilege>& PrivilegeRecord() {
  static const Record<Privilege> record =
      Record<Privilege>()
          .Field("key", "Container, object and role.",
                 [](const Privilege& it) { return it.container + "/" + it.object + "/" + it.role; })
          .Word("state",
                "owner: of the schema and of all that is in it; member: the object is a role, and all that it may "
                "this role may too; granted: it has the privileges.",
                {"owner", "member", "granted"}, &Word)
          .NoReason()
          .Field("container", "The container of the merge database.", &Privilege::container)
          .Field("object", "A schema, schema.table or view, schema.function(), the database, or a role.",
                 &Privilege::object)
          .Field("role", "Who.", &Privilege::role)
          .Field("privileges",
                 "As GRANT names them, SELECT (column) on one column. Of a member: INHERIT, unless it needs SET ROLE "
                 "first; "
                 "ADMIN OPTION, if it may admit others.",
                 &Privilege::privileges);
  return record;
}

}  // namespace yellow::cli
