#include <gmock/gmock.h>

#include "plan/doctor_access.h"

// What is rare or cannot be made on a real server of one version; tests/program/doctor_test.py breaks the rest.
namespace yellow::plan {
namespace {

using ::testing::HasSubstr;

Finding Named(const Findings& findings, const std::string& key) {
  for (const Finding& finding : findings) {
    if (finding.key == key) return finding;
  }
  return {"not found", Health::kSkipped, "", "", ""};
}

RolesFacts Bootstrapped() {
  RolesFacts facts{"C", "y", "merge", {}, {}};
  for (const char* name : {"owner", "roles", "run", "tmp", "migrator", "engine", "ingest_out", "access"}) {
    RoleFacts role;
    role.name = std::string("y_") + name;
    role.comment = "yellow: merge";
    facts.roles.push_back(role);
  }
  for (const size_t login : {4U, 5U, 6U, 7U}) facts.roles[login].login = true;
  facts.roles[1].create_role = true;
  facts.roles[4].inherit = false;
  facts.members = {{"y_owner", "y_migrator", true, false},
                   {"pg_signal_backend", "y_roles", true, false},
                   {"y_run", "y_roles", true, true},
                   {"y_tmp", "y_roles", true, true}};
  return facts;
}

TEST(DoctorRoles, AsBootstrapMakesThem) {
  const Findings findings = JudgeRoles(Bootstrapped(), nullptr, {});
  EXPECT_EQ(findings.size(), 8U);
  for (const Finding& finding : findings) EXPECT_EQ(finding.health, Health::kOk) << finding.text;
}

TEST(DoctorRoles, WhoMadeARoleMayHandItOnAndNothingElse) {
  RolesFacts facts = Bootstrapped();
  facts.members.push_back({"y_owner", "administrator", false, true});  // as 16 makes it
  EXPECT_EQ(Named(JudgeRoles(facts, nullptr, {}), "roles/C/y_owner").health, Health::kOk);
  facts.members.back().effective = true;
  EXPECT_EQ(Named(JudgeRoles(facts, nullptr, {}), "roles/C/y_owner").text, "administrator may do all that y_owner may");
  facts.members.back().granted_by = "y_roles";
  EXPECT_THAT(Named(JudgeRoles(facts, nullptr, {}), "roles/C/y_owner").remedy,
              HasSubstr(R"(REVOKE "y_owner" FROM "administrator" GRANTED BY "y_roles")"))
      << "as 16 and later want it";
}

TEST(DoctorRoles, LoginsOfRunsAreMembersOfTheirGroupsOnly) {
  RolesFacts facts = Bootstrapped();
  RoleFacts group, run;
  group.name = "y_ws_a", run.name = "y_run_0123456789";
  group.comment = run.comment = "yellow: merge";
  run.login = true;
  facts.roles.push_back(group);
  facts.roles.push_back(run);
  for (const char* of : {"y_run", "y_ws_a"}) facts.members.push_back({of, run.name, true, false});
  facts.members.push_back({run.name, "y_roles", true, false});
  facts.members.push_back({run.name, "y_engine", true, false});
  for (const Finding& finding : JudgeRoles(facts, nullptr, {})) EXPECT_EQ(finding.health, Health::kOk) << finding.text;
  facts.members.push_back({"y_owner", run.name, true, false});
  EXPECT_EQ(Named(JudgeRoles(facts, nullptr, {}), "roles/C/y_owner").code, "role.member_extra");
}

TEST(DoctorRoles, InThePrivateClusterTheRolesHaveOneOwnerWhoeverItIs) {
  RolesFacts facts = Bootstrapped();
  facts.owner.clear();
  for (RoleFacts& role : facts.roles) role.comment = "yellow: the private cluster";
  for (const Finding& finding : JudgeRoles(facts, nullptr, {})) EXPECT_EQ(finding.health, Health::kOk) << finding.text;
  facts.roles[2].comment.clear();
  EXPECT_EQ(Named(JudgeRoles(facts, nullptr, {}), "roles/C/y_run").code, "role.owner");
}

TEST(DoctorLogins, OfTriesAndOfRunsThatAreJustEnding) {
  LoginFacts login{"y_run_1", "1", "", 0, "host:1:1", true, false};
  const auto judge = [&] { return JudgeLogins("C", {login}, {}).at(0); };
  EXPECT_EQ(judge(), Well("logins/C/y_run_1", "of a try"));
  login.holder_lives = false;
  EXPECT_EQ(judge().text, "its try has ended");
  login.state = "committed", login.closed_seconds = 9;
  EXPECT_EQ(judge().health, Health::kOk) << "it is being dropped";
  login.closed_seconds = 10;
  EXPECT_EQ(judge().health, Health::kProblem);
  login.made_ahead = true;
  EXPECT_EQ(judge(), Well("logins/C/y_run_1", "made ahead of a run; nobody can log in with it"));
  EXPECT_EQ(JudgeLogins("C", {}, {}), Findings{Well("logins/C", "none is left of a run")});
}

TEST(DoctorLogins, WhatMayDoMoreThanItsRunIsTold) {
  LoginFacts login{"y_run_1", "1", "launched", 0, "host:1:1", true, false};
  login.stray_groups = {"y_ws_b", "y_dt_b"};
  const Finding found = JudgeLogins("C", {login}, {}).at(0);
  EXPECT_EQ(found.health, Health::kProblem);
  EXPECT_EQ(found.code, "login.groups");
  EXPECT_THAT(found.text, HasSubstr("y_dt_b"));
  EXPECT_THAT(found.remedy, HasSubstr(R"(REVOKE "y_ws_b" FROM "y_run_1")"));
}

TEST(DoctorLeases, WhileSomebodyWorks) {
  EXPECT_EQ(JudgeLeases("C", {{"S", "host:1:1", true, 15}}), Findings{Well("leases/C/S", "held by host:1:1")});
  EXPECT_THAT(JudgeLeases("C", {{"S", "host:1:1", true, 21}}).at(0).text, HasSubstr("ends in 21 s"));
}

}  // namespace
}  // namespace yellow::plan
