#include "plan/privileges.h"

#include <gmock/gmock.h>

#include "plan/doctor_access.h"
#include "sql/bootstrap.h"

// tests/program/privileges_test.py compares the whole with a golden file and with a live server.
namespace yellow::plan {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;

const sql::Roles kRoles("y");

TEST(Privileges, WithoutAModelOnlyYellowsOwn) {
  const Privileges all = PrivilegesOf(kRoles, "merge", nullptr);
  EXPECT_THAT(all.owners, Contains(Key("yellow")));
  EXPECT_EQ(all.owners.at("yellow_sec"), "y_roles");
  for (const Right& right : all.rights) {
    EXPECT_TRUE(right.object == "merge" || right.object.starts_with("yellow")) << right.object;
    EXPECT_NE(right.grantee, "PUBLIC") << right.object;
  }
  EXPECT_EQ(all.members, OwnMembers(kRoles));
}

TEST(Privileges, AReaderGetsInThroughTheGroup) {
  Desired wanted;
  wanted.schemas = {"ws_a"};
  wanted.grants = {{"ws_a", "", "y_ws_a", "USAGE"}, {"ws_a", "v", "y_ws_a", "SELECT"}};
  const Right connects{"merge", "y_ws_a", "CONNECT"};
  EXPECT_THAT(PrivilegesOf(kRoles, "merge", &wanted).rights, Not(Contains(connects))) << "nobody reads it";
  wanted.readers = {{"y_ws_a", "analyst"}};
  const Privileges all = PrivilegesOf(kRoles, "merge", &wanted);
  EXPECT_THAT(all.rights, Contains(connects));
  EXPECT_THAT(all.rights, Contains(Right{"ws_a", "y_ws_a", "USAGE"}));
  EXPECT_THAT(all.rights, Contains(Right{"ws_a.v", "y_ws_a", "SELECT"}));
  EXPECT_THAT(all.members, Contains(Member{"y_ws_a", "analyst"}));
  EXPECT_EQ(all.owners.at("ws_a"), "y_owner");
}

TEST(DoctorGrants, ATableAndAFunctionOfOneNameAreTwo) {
  GrantsFacts facts{"C", "y", "merge", {}, {}, false};
  facts.objects["yellow_access"] = {"SCHEMA yellow_access", "y_owner"};
  facts.objects["yellow_access.vote"] = {"TABLE yellow_access.vote", "y_owner"};
  facts.objects["yellow_access.vote()"] = {"FUNCTION yellow_access.vote()", "y_owner"};
  facts.rights = {{"yellow_access.vote", "stranger", "SELECT"}, {"yellow_access.vote()", "y_access", "EXECUTE"}};
  std::map<std::string, Finding> found;
  for (const Finding& finding : JudgeGrants(facts, nullptr, {})) found[finding.key] = finding;
  EXPECT_EQ(found["grants/C/yellow_access.vote()"], Well("grants/C/yellow_access.vote()"));
  EXPECT_EQ(found["grants/C/yellow_access.vote"].text, "stranger has SELECT");
  EXPECT_THAT(found["grants/C/yellow_access.vote"].remedy,
              ::testing::HasSubstr(R"(REVOKE SELECT ON TABLE yellow_access.vote FROM "stranger")"));
}

TEST(DoctorGrants, AServerThatAnotherVersionHasPreparedIsTold) {
  GrantsFacts facts{"C", "y", "merge", {}, {}, false};
  const auto prepared = [&] {
    for (const Finding& finding : JudgeGrants(facts, nullptr, {}))
      if (finding.key == "grants/C/bootstrap") return finding;
    return Finding{};
  };
  facts.prepared = sql::BootstrapMark();
  EXPECT_EQ(prepared().health, Health::kOk);
  for (const char* other : {"", "yellow: 0123456789abcdef"}) {
    facts.prepared = other;
    EXPECT_EQ(prepared().code, "bootstrap.other");
    EXPECT_EQ(prepared().remedy, "yellow bootstrap");
  }
}

}  // namespace
}  // namespace yellow::plan
