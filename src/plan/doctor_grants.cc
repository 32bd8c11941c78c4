#include <fmt/format.h>

#include "plan/doctor_access.h"
#include "plan/plan.h"
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
      : facts_(facts), roles_(facts.prefix), wanted_(wanted), administrator_(administrator) {
    WantOwn();
    if (wanted == nullptr) return;
    for (const Grant& grant : wanted->grants) {
      expected_.insert(
          {grant.table.empty() ? grant.schema : grant.schema + "." + grant.table, grant.grantee, grant.privilege});
    }
  }

  Findings Judge() const {
    std::set<std::string> names;
    for (const auto& [name, object] : facts_.objects) names.insert(name);
    for (const Right& right : expected_) names.insert(right.object);
    Findings findings;
    for (const std::string& name : names) {
      if (wanted_ == nullptr && IsOfModel(name)) continue;
      findings.push_back(JudgeObject(name));
    }
    return findings;
  }

 private:
  void Want(const std::string& object, const std::string& grantee, std::initializer_list<const char*> privileges) {
    for (const char* privilege : privileges) expected_.insert({object, grantee, privilege});
  }

  /// What sql/roles.sql and the default privileges of Yellow's own schema give.
  void WantOwn() {
    for (const std::string& login :
         {roles_.Migrator(), roles_.Engine(), roles_.IngestOut(), roles_.Access(), roles_.TemporaryBase()})
      Want(facts_.database, login, {"CONNECT"});
    Want(facts_.database, roles_.RunBase(), {"CONNECT", "TEMPORARY"});
    Want(facts_.database, roles_.Owner(), {"CREATE"});
    Want(facts_.database, roles_.RoleMaker(), {"CREATE", "CONNECT", "CONNECT WITH GRANT OPTION"});
    Want("yellow_sec", roles_.Migrator(), {"USAGE"});
    Want("yellow_sec", roles_.Engine(), {"USAGE"});
    Want("yellow_sec", roles_.Access(), {"USAGE"});
    Want("yellow_op", roles_.IngestOut(), {"USAGE"});
    for (const std::string& engine : {roles_.Engine(), roles_.IngestOut()}) {
      Want(facts_.database, engine, {"TEMPORARY"});
      Want("yellow", engine, {"USAGE"});
      for (const auto& [name, object] : facts_.objects) {
        if (SchemaOf(name) == "yellow" && object.sql.starts_with("TABLE "))
          Want(name, engine, {"SELECT", "INSERT", "UPDATE", "DELETE"});
      }
    }
    for (const char* function : {"group_ensure", "group_admit", "group_dismiss"})
      Want("yellow_sec." + std::string(function), roles_.Migrator(), {"EXECUTE"});
    for (const char* function : {"run_prepare", "run_open", "run_disable", "run_end", "run_prepared", "run_drop",
                                 "backends_end", "sessions_idle"})
      Want("yellow_sec." + std::string(function), roles_.Engine(), {"EXECUTE"});
    for (const char* function : {"tmp_open", "tmp_disable", "tmp_end", "tmp_prepared", "tmp_drop"})
      Want("yellow_sec." + std::string(function), roles_.Access(), {"EXECUTE"});
    for (const char* function : {"dt_clear", "dt_lock"})
      Want("yellow_op." + std::string(function), roles_.IngestOut(), {"EXECUTE"});
    if (facts_.objects.count("yellow_access") != 0) WantAccess();
  }

  /// What Yellow's own schema gives from version 7 on; bootstrap makes nothing of it.
  void WantAccess() {
    for (const std::string& login : {roles_.Migrator(), roles_.Engine(), roles_.IngestOut(), roles_.Access()}) {
      Want("yellow_access", login, {"USAGE"});
      Want("yellow_access.audit_add", login, {"EXECUTE"});
    }
    for (const char* function :
         {"lock", "head", "unchained", "records", "chained", "mark", "resume", "anchored", "anchors"})
      Want("yellow_access.audit_" + std::string(function), roles_.Access(), {"EXECUTE"});
    for (const char* function :
         {"ask",        "edit",     "vote",    "withdraw",        "lapse",         "activate",
          "finish",     "disabled", "dropped", "judge",           "session_began", "session_ended",
          "stated",     "requests", "votes",   "sessions",        "open_sessions", "reviews",
          "statements", "flags",    "due",     "statement_counts"})
      Want("yellow_access." + std::string(function), roles_.Access(), {"EXECUTE"});
    Want("yellow_access.alarms", roles_.Engine(), {"EXECUTE"});
    Want("yellow_access", roles_.RoleMaker(), {"USAGE"});
    Want("yellow_access.request", roles_.RoleMaker(),
         {"SELECT (id)", "SELECT (state)", "SELECT (expires_at)", "SELECT (grants)"});
  }

  Finding JudgeObject(const std::string& name) const {
    const std::string key = "grants/" + facts_.container + "/" + name;
    const auto found = facts_.objects.find(name);
    if (found == facts_.objects.end()) {
      if (IsOfModel(name)) return Skipped(key, "it is not there", "yellow apply");
      return {key, Health::kProblem, "object.missing", name + " is not there", "yellow bootstrap"};
    }
    Verdict verdict;
    CompareOwner(name, found->second, verdict);
    for (auto right = expected_.lower_bound({name, "", ""}); right != expected_.end() && right->object == name;
         ++right) {
      if (facts_.rights.count(*right) != 0 || right->grantee == found->second.owner) continue;
      verdict.Add(Health::kProblem, "grant.missing", right->grantee + " lacks " + right->privilege,
                  IsOfModel(name) ? "yellow apply"
                                  : administrator_.Remedy("GRANT " + Sql(right->privilege) + " ON " +
                                                          found->second.sql + " TO " + sql::Quoted(right->grantee) +
                                                          (right->privilege.ends_with(kPassedOn) ? kPassedOn : "")));
    }
    for (auto right = facts_.rights.lower_bound({name, "", ""}); right != facts_.rights.end() && right->object == name;
         ++right) {
      if (expected_.count(*right) == 0 && !Harmless(*right)) AddExtra(*right, found->second, verdict);
    }
    return verdict.For(key);
  }

  void CompareOwner(const std::string& name, const ObjectFacts& object, Verdict& verdict) const {
    if (name == facts_.database || name == "public") return;
    const std::string wanted = SchemaOf(name) == "yellow_sec" ? roles_.RoleMaker() : roles_.Owner();
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
  std::set<Right> expected_;
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
