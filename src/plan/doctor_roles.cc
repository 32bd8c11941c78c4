#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "plan/doctor_access.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::plan {
namespace {

/// What a role of Yellow's own is, as sql/roles.sql makes it.
struct Made {
  std::string name;
  bool login = false, inherit = true, create_role = false;
};

std::vector<Made> OwnRoles(const sql::Roles& roles) {
  return {{roles.Owner(), false, true, false},    {roles.RoleMaker(), false, true, true},
          {roles.RunBase(), false, true, false},  {roles.TemporaryBase(), false, true, false},
          {roles.Migrator(), true, false, false}, {roles.Engine(), true, true, false},
          {roles.IngestOut(), true, true, false}, {roles.Access(), true, true, false}};
}

class RoleJudge {
 public:
  RoleJudge(const RolesFacts& facts, const Desired* wanted, const Administrator& administrator)
      : facts_(facts), roles_(facts.prefix), wanted_(wanted), administrator_(administrator) {
    const RoleFacts* owner = Find(roles_.Owner());
    owner_ = !facts.owner.empty() ? "yellow: " + facts.owner : owner != nullptr ? owner->comment : "";
  }

  Findings Judge() const {
    Findings findings;
    for (const Made& made : OwnRoles(roles_)) findings.push_back(JudgeOwn(made));
    std::set<std::string> groups;
    if (wanted_ != nullptr) groups = wanted_->groups;
    for (const RoleFacts& role : facts_.roles) {
      if (IsGroup(role.name)) groups.insert(role.name);
    }
    for (const std::string& group : groups) findings.push_back(JudgeGroup(group));
    for (const RoleFacts& role : facts_.roles) {
      // One of an installation whose prefix begins with ours has its own comment; the private server's superuser none.
      if (role.superuser || IsOwn(role.name) || IsGroup(role.name) || IsLogin(role.name) ||
          role.comment.starts_with("yellow: "))
        continue;
      findings.push_back({Key(role.name), Health::kWarning, "role.unknown",
                          role.name + " has Yellow's prefix, and Yellow has not made it",
                          administrator_.Remedy("ALTER ROLE " + sql::Quoted(role.name) + " RENAME TO …")});
    }
    return findings;
  }

 private:
  std::string Key(const std::string& role) const { return "roles/" + facts_.container + "/" + role; }
  const RoleFacts* Find(const std::string& name) const {
    const auto found = std::find_if(facts_.roles.begin(), facts_.roles.end(),
                                    [&](const RoleFacts& role) { return role.name == name; });
    return found == facts_.roles.end() ? nullptr : &*found;
  }
  bool IsOwn(const std::string& name) const {
    const auto own = OwnRoles(roles_);
    return std::any_of(own.begin(), own.end(), [&](const Made& made) { return made.name == name; });
  }
  bool IsReaders(const std::string& name) const { return name.starts_with(facts_.prefix + "_ws_"); }
  bool IsGroup(const std::string& name) const {
    return IsReaders(name) || name.starts_with(facts_.prefix + "_dt_") || name.starts_with(facts_.prefix + "_dr_") ||
           name.starts_with(facts_.prefix + "_st_");
  }
  bool IsLogin(const std::string& name) const {
    return name.starts_with(roles_.RunBase() + "_") || name.starts_with(roles_.TemporaryBase() + "_");
  }

  Finding JudgeOwn(const Made& made) const {
    const RoleFacts* role = Find(made.name);
    if (role == nullptr)
      return {Key(made.name), Health::kProblem, "role.missing", made.name + " is not there", "yellow bootstrap"};
    Verdict verdict;
    CompareAttributes(*role, made, verdict);
    CompareMembers(made.name, verdict);
    return verdict.For(Key(made.name));
  }

  Finding JudgeGroup(const std::string& group) const {
    const RoleFacts* role = Find(group);
    if (role == nullptr) return {Key(group), Health::kProblem, "role.missing", group + " is not there", "yellow apply"};
    Verdict verdict;
    CompareAttributes(*role, {group}, verdict);
    CompareMembers(group, verdict);
    return verdict.For(Key(group));
  }

  void CompareAttributes(const RoleFacts& role, const Made& made, Verdict& verdict) const {
    const auto compare = [&](bool is, bool should, const std::string& attribute) {
      if (is == should) return;
      verdict.Add(
          Health::kProblem, "role.attributes", role.name + " is " + (is ? "" : "NO") + attribute,
          administrator_.Remedy("ALTER ROLE " + sql::Quoted(role.name) + " " + (should ? "" : "NO") + attribute));
    };
    compare(role.login, made.login, "LOGIN");
    compare(role.inherit, made.inherit, "INHERIT");
    compare(role.superuser, false, "SUPERUSER");
    compare(role.create_role, made.create_role, "CREATEROLE");
    compare(role.create_database, false, "CREATEDB");
    compare(role.replication, false, "REPLICATION");
    compare(role.bypass_row_security, false, "BYPASSRLS");
    if (role.comment == owner_ && owner_.starts_with("yellow: ")) return;
    verdict.Add(
        Health::kProblem, "role.owner",
        fmt::format("{} belongs to another installation, or to nobody: its comment is '{}'", role.name, role.comment),
        "choose another role_prefix in the environment; or, if it is this one's, " +
            administrator_.Remedy("COMMENT ON ROLE " + sql::Quoted(role.name) + " IS " +
                                  sql::Literal(owner_.empty() ? "yellow: …" : owner_)));
  }

  /// What is missing that Yellow was given, and what somebody has given besides.
  void CompareMembers(const std::string& role, Verdict& verdict) const {
    for (const Member& needed : OwnMembers(roles_)) {
      if (needed.member != role && !(needed.group == role && !Find(needed.member))) continue;
      const bool given = std::any_of(facts_.members.begin(), facts_.members.end(), [&](const MemberFacts& has) {
        return has.group == needed.group && has.member == needed.member && (has.admin || !needed.admin);
      });
      if (given) continue;
      verdict.Add(Health::kProblem, "role.member_missing", needed.member + " is no member of " + needed.group,
                  administrator_.Remedy("GRANT " + sql::Quoted(needed.group) + " TO " + sql::Quoted(needed.member) +
                                        (needed.admin ? " WITH ADMIN OPTION" : "")));
    }
    for (const MemberFacts& has : facts_.members) {
      if (!has.effective || Allowed(has)) continue;
      const bool ours = has.group.starts_with(facts_.prefix + "_");
      if ((ours ? has.group : has.member) != role) continue;
      verdict.Add(Health::kProblem, "role.member_extra", has.member + " may do all that " + has.group + " may",
                  administrator_.Remedy("REVOKE " + sql::Quoted(has.group) + " FROM " + sql::Quoted(has.member) +
                                        (has.granted_by.empty() ? "" : " GRANTED BY " + sql::Quoted(has.granted_by))));
    }
    if (!IsReaders(role) || wanted_ == nullptr) return;
    for (const Membership& reader : wanted_->readers) {
      const MemberFacts needed{reader.group, reader.member};
      if (reader.group != role ||
          std::any_of(facts_.members.begin(), facts_.members.end(), [&](const MemberFacts& has) {
            return has.group == needed.group && has.member == needed.member && has.effective;
          }))
        continue;
      verdict.Add(Health::kProblem, "role.reader_missing",
                  "the model names " + reader.member + " a reader, and it is no member of " + role,
                  "make the role if it is not there, and yellow apply");
    }
  }

  bool Allowed(const MemberFacts& has) const {
    // It ends and drops what it has made.
    if (has.member == roles_.RoleMaker()) {
      return has.group.starts_with(facts_.prefix + "_") || has.group == "pg_signal_backend" ||
             has.group == "pg_read_all_stats";
    }
    if (has.group == roles_.Owner()) return has.member == roles_.Migrator();
    // While a prepared transaction of a run is rolled back.
    if (IsLogin(has.group)) return has.member == roles_.Engine();
    if (has.group == roles_.RunBase() || has.group == roles_.TemporaryBase() || IsGroup(has.group)) {
      if (IsLogin(has.member)) return true;
      return IsReaders(has.group) && (wanted_ == nullptr || wanted_->readers.count({has.group, has.member}) != 0);
    }
    // Of roles that are neither ours nor about ours.
    return !has.group.starts_with(facts_.prefix + "_") && !IsOwn(has.member) && !IsGroup(has.member) &&
           !IsLogin(has.member);
  }

  const RolesFacts& facts_;
  const sql::Roles roles_;
  const Desired* wanted_;
  const Administrator& administrator_;
  std::string owner_;  ///< the comment that every role has
};

}  // namespace

Findings JudgeRoles(const RolesFacts& facts, const Desired* wanted, const Administrator& administrator) {
  return RoleJudge(facts, wanted, administrator).Judge();
}

Findings JudgeLogins(const std::string& container, const std::vector<LoginFacts>& logins,
                     const Administrator& administrator) {
  Findings findings;
  for (const LoginFacts& login : logins) {
    const std::string key = "logins/" + container + "/" + login.login;
    const std::string by_hand = administrator.Remedy(
        login.is_schema ? "DROP SCHEMA " + sql::Quoted(login.login) + " CASCADE"
                        : "DROP OWNED BY " + sql::Quoted(login.login) + "; DROP ROLE " + sql::Quoted(login.login));
    if (login.state.empty() && login.holder.empty() && !login.made_ahead) {
      findings.push_back({key, Health::kProblem, "login.unknown", "no run and no try has made it", by_hand});
    } else if (!login.stray_groups.empty()) {
      Verdict verdict;
      for (const std::string& group : login.stray_groups)
        verdict.Add(Health::kProblem, "login.groups", "it may do what " + group + " may, and its run may not",
                    administrator.Remedy("REVOKE " + sql::Quoted(group) + " FROM " + sql::Quoted(login.login)));
      findings.push_back(verdict.For(key));
    } else if (login.made_ahead) {
      findings.push_back(Well(key, "made ahead of a run; nobody can log in with it"));
    } else if (login.closed_seconds >= 10) {
      findings.push_back({key, Health::kProblem, "login.orphan", "it outlives its run, which is " + login.state,
                          "yellow run drops it; or " + by_hand});
    } else if (login.closed_seconds > 0 || login.holder_lives) {
      findings.push_back(Well(key, login.state.empty() ? "of a try" : "of a run that is " + login.state));
    } else {
      findings.push_back(
          {key, Health::kWarning, "login.abandoned",
           (login.state.empty() ? std::string("its try") : "its run is " + login.state + ", and its process") +
               " has ended",
           "yellow run ends it"});
    }
  }
  if (findings.empty()) findings.push_back(Well("logins/" + container, "none is left of a run"));
  return findings;
}

Findings JudgeLeases(const std::string& container, const std::vector<LeaseFacts>& leases) {
  constexpr double kLongest = 20;  // a lease is shorter
  Findings findings;
  for (const LeaseFacts& lease : leases) {
    const std::string key = "leases/" + container + "/" + lease.stream;
    if (!lease.holder_lives) {
      findings.push_back({key, Health::kWarning, "lease.abandoned",
                          "its last holder has ended without giving it back: " + lease.holder,
                          "yellow run takes it over"});
    } else if (lease.seconds_left > kLongest) {
      findings.push_back(
          {key, Health::kWarning, "lease.too_long",
           fmt::format("it ends in {:.0f} s, later than a lease can: the clock of the server was set back",
                       lease.seconds_left),
           "yellow run takes it over"});
    } else if (lease.seconds_left < 0) {
      findings.push_back({key, Health::kWarning, "lease.ended",
                          "its holder lives, and has not renewed it: it is paused or cut off: " + lease.holder,
                          "yellow run takes it over"});
    } else {
      findings.push_back(Well(key, "held by " + lease.holder));
    }
  }
  if (findings.empty()) findings.push_back(Well("leases/" + container, "nobody is at work"));
  return findings;
}

}  // namespace yellow::plan
