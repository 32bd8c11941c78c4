#include <fmt/format.h>

#include "plan/doctor_access.h"
#include "plan/plan.h"
#include "sql/bootstrap.h"
#include "sql/names.h"
#include "sql/statement.h"

namespace yellow::plan {
namespace {

constexpr const char* kPassedOn = " WITH GRANT OPTION";

/// The schema of an object's name; empty for the database.
std::string SchemaOf(const std::string& object) { return object.substr(0, object.find('.')); }
bool IsOfModel(const std::string& object) { return object.starts_with("dp_") || object.starts_with("ws_"); }

class GrantJudge {
 public:
  GrantJudge(const GrantsFacts& facts, const Desired* wanted, const Administrator& administrator)
      : facts_(facts),
        roles_(facts.prefix),
        wanted_(wanted),
        administrator_(administrator),
        privileges_(PrivilegesOf(roles_, facts.database, wanted)) {
    // Yellow's own schema may be that of an older version, or not be there yet; its version is another finding.
    std::erase_if(privileges_.rights, [&](const Right& right) {
      const std::string schema = SchemaOf(right.object);
      return (schema == "yellow" && facts.objects.count(right.object) == 0) ||
             (schema == "yellow_access" && facts.objects.count(schema) == 0);
    });
  }

  Findings Judge() const {
    std::set<std::string> names;
    for (const auto& [name, object] : facts_.objects) names.insert(name);
    for (const Right& right : privileges_.rights) names.insert(right.object);
    Findings findings;
    for (const std::string& name : names) {
      if (wanted_ == nullptr && IsOfModel(name)) continue;
      findings.push_back(JudgeObject(name));
    }
    return findings;
  }

 private:
  Finding JudgeObject(const std::string& name) const {
    const std::string key = "grants/" + facts_.container + "/" + name;
    const auto found = facts_.objects.find(name);
    if (found == facts_.objects.end()) {
      if (IsOfModel(name)) return Skipped(key, "it is not there", "yellow apply");
      return {key, Health::kProblem, "object.missing", name + " is not there", "yellow bootstrap"};
    }
    Verdict verdict;
    CompareOwner(name, found->second, verdict);
    for (auto right = privileges_.rights.lower_bound({name, "", ""});
         right != privileges_.rights.end() && right->object == name; ++right) {
      if (facts_.rights.count(*right) != 0 || right->grantee == found->second.owner) continue;
      verdict.Add(Health::kProblem, "grant.missing", right->grantee + " lacks " + right->privilege,
                  IsOfModel(name) ? "yellow apply"
                                  : administrator_.Remedy("GRANT " + Sql(right->privilege) + " ON " +
                                                          found->second.sql + " TO " + sql::Quoted(right->grantee) +
                                                          (right->privilege.ends_with(kPassedOn) ? kPassedOn : "")));
    }
    for (auto right = facts_.rights.lower_bound({name, "", ""}); right != facts_.rights.end() && right->object == name;
         ++right) {
      if (privileges_.rights.count(*right) == 0 && !Harmless(*right)) AddExtra(*right, found->second, verdict);
    }
    return verdict.For(key);
  }

  void CompareOwner(const std::string& name, const ObjectFacts& object, Verdict& verdict) const {
    if (name == facts_.database || name == "public") return;
    const auto known = privileges_.owners.find(SchemaOf(name));
    const std::string wanted = known == privileges_.owners.end() ? roles_.Owner() : known->second;
    if (object.owner == wanted) return;
    verdict.Add(Health::kProblem, "object.owner", "it belongs to " + object.owner + ", not to " + wanted,
                administrator_.Remedy("ALTER " + object.sql + " OWNER TO " + sql::Quoted(wanted)));
  }

  void AddExtra(const Right& right, const ObjectFacts& object, Verdict& verdict) const {
    const bool passed_on = right.privilege.ends_with(kPassedOn);
    const std::string grantee = right.grantee == "PUBLIC" ? "PUBLIC" : sql::Quoted(right.grantee);
    const std::string text = (right.grantee == "PUBLIC" ? "everybody" : right.grantee) +
                             (passed_on ? " may pass on " + Sql(right.privilege) : " has " + right.privilege) +
                             (wanted_ == nullptr ? "" : ", which the model does not say");
    // Who only gets into the database sees nothing in it.
    const bool mild = right.object == facts_.database && right.grantee != "PUBLIC";
    verdict.Add(mild ? Health::kWarning : Health::kProblem, "grant.extra", text,
                administrator_.Remedy(std::string("REVOKE ") + (passed_on ? "GRANT OPTION FOR " : "") +
                                      Sql(right.privilege) + " ON " + object.sql + " FROM " + grantee));
  }

  /// The readers of a workspace keep their way into the database; a try shows its login the schema of what it reads.
  bool Harmless(const Right& right) const {
    if (right.object == facts_.database)
      return right.grantee.starts_with(facts_.prefix + "_ws_") && right.privilege == "CONNECT";
    if (right.object == "public") return right.grantee != "PUBLIC";
    return right.privilege == "USAGE" && right.grantee.starts_with(roles_.RunBase() + "_");
  }

  static std::string Sql(const std::string& privilege) {
    return privilege.ends_with(kPassedOn) ? privilege.substr(0, privilege.size() - std::string(kPassedOn).size())
                                          : privilege;
  }

  const GrantsFacts& facts_;
  const sql::Roles roles_;
  const Desired* wanted_;
  const Administrator& administrator_;
  Privileges privileges_;
};

}  // namespace

Findings JudgeGrants(const GrantsFacts& facts, const Desired* wanted, const Administrator& administrator) {
  Findings findings = GrantJudge(facts, wanted, administrator).Judge();
  const std::string key = "grants/" + facts.container + "/pg_advisory_lock";
  findings.push_back(facts.server_functions_open
                         ? Finding{key, Health::kWarning, "functions.open",
                                   "the code of a transformer could take advisory locks and fill large objects",
                                   "a superuser can take that away: the end of yellow bootstrap --print"}
                         : Well(key));
  const std::string prepared = "grants/" + facts.container + "/bootstrap";
  findings.push_back(facts.prepared == sql::BootstrapMark()
                         ? Well(prepared)
                         : Finding{prepared, Health::kProblem, "bootstrap.other",
                                   "another version of yellow has prepared the server: the functions that make logins "
                                   "are not those of this one",
                                   "yellow bootstrap"});
  return findings;
}

namespace {

Finding JudgeDifference(const std::string& key, const Desired& wanted, const Observed& observed,
                        const std::string& digest) {
  constexpr size_t kShown = 3;
  const Plan plan = Difference(wanted, observed, digest);
  std::vector<std::string> steps;
  for (const Step& step : plan.steps) {
    // These are told object by object.
    if (step.kind == "grant" || step.kind == "revoke" || step.kind == "admit reader" || step.kind == "dismiss reader")
      continue;
    steps.push_back(step.kind + " " + step.address);
  }
  for (const base::Diagnostic& item : plan.diagnostics.items()) steps.push_back(item.message);
  if (steps.empty()) return Well(key);
  const size_t more = steps.size() > kShown ? steps.size() - kShown : 0;
  steps.resize(steps.size() - more);
  return {key, Health::kProblem, "database.differs",
          fmt::format("the database is not what the applied model says: {}{}", fmt::join(steps, ", "),
                      more > 0 ? fmt::format(" and {} more", more) : ""),
          "yellow plan shows every step, yellow apply takes them"};
}

/// Staging is unlogged by design; what is merged must not be.
Finding JudgeLogged(const std::string& key, const Desired& wanted, const Observed& observed,
                    const Administrator& administrator) {
  Verdict verdict;
  for (const auto& [name, table] : wanted.tables) {
    const auto found = observed.tables.find(name);
    if (table.unlogged || found == observed.tables.end() || !found->second.unlogged) continue;
    verdict.Add(Health::kProblem, "table.unlogged",
                "the table " + name.first + "." + name.second + " is unlogged: a crash of the server empties it",
                administrator.Remedy("ALTER TABLE " + sql::Qualified(name.first, name.second) + " SET LOGGED"));
  }
  return verdict.For(key);
}

}  // namespace

Findings JudgeDatabase(const std::string& container, const Desired& wanted, const Observed& observed,
                       const std::string& digest, const Administrator& administrator) {
  return {JudgeDifference("model/" + container + "/database", wanted, observed, digest),
          JudgeLogged("model/" + container + "/logged", wanted, observed, administrator)};
}

}  // namespace yellow::plan
