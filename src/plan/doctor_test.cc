#include <gmock/gmock.h>

#include "plan/doctor_server.h"

namespace yellow::plan {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kGB = 1'000'000'000;

Finding KeyedBy(const Findings& findings, const std::string& key) {
  for (const Finding& finding : findings) {
    if (finding.key == key) return finding;
  }
  return {};
}

ServerFacts Healthy(bool merge) {
  ServerFacts facts;
  facts.container = "C";
  facts.merge = merge;
  facts.version = 150014, facts.shown = "15.14", facts.encoding = "UTF8", facts.locale = "en_US.UTF-8";
  facts.collation = facts.collation_now = "2.36";
  return facts;
}

TEST(DoctorServer, WhatIsWell) {
  for (const Finding& finding : JudgeServer(Healthy(true), {}, "merge")) EXPECT_EQ(finding.health, Health::kOk);
  EXPECT_EQ(JudgeServer(Healthy(true), {}, "merge").size(), 5U);
  EXPECT_EQ(JudgeServer(Healthy(false), {}, "").size(), 3U) << "a source's own affairs are not told";
}

TEST(DoctorServer, Versions) {
  ServerFacts facts = Healthy(true);
  facts.version = 149999, facts.shown = "14.99";
  const Finding merge = KeyedBy(JudgeServer(facts, {}, "merge"), "server/C/version");
  EXPECT_EQ(merge.health, Health::kProblem);
  EXPECT_EQ(merge.text, "PostgreSQL 14.99: Yellow needs 15 or later");
  facts.merge = false;
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, ""), "server/C/version").health, Health::kWarning);
  facts.version = 150000;
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, ""), "server/C/version").health, Health::kOk);
}

TEST(DoctorServer, Encodings) {
  ServerFacts facts = Healthy(true);
  facts.encoding = "LATIN1";
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, "merge"), "server/C/encoding").health, Health::kProblem);
  facts.merge = false;
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, ""), "server/C/encoding").health, Health::kOk) << "it is converted";
  facts.encoding = "SQL_ASCII";
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, ""), "server/C/encoding").health, Health::kWarning);
}

TEST(DoctorServer, Collations) {
  ServerFacts facts = Healthy(true);
  facts.collation_now = "2.41";
  const Finding found = KeyedBy(JudgeServer(facts, {"psql -d merge"}, "merge"), "server/C/collation");
  EXPECT_EQ(found.health, Health::kWarning);
  EXPECT_THAT(found.text, HasSubstr("version 2.36 of the locale en_US.UTF-8, the system now has 2.41"));
  EXPECT_EQ(found.remedy,
            "psql -d merge -c 'REINDEX DATABASE \"merge\"'\n"
            "psql -d merge -c 'ALTER DATABASE \"merge\" REFRESH COLLATION VERSION'");
  facts.collation.clear();
  EXPECT_EQ(KeyedBy(JudgeServer(facts, {}, "merge"), "server/C/collation").health, Health::kOk) << "none is kept";
}

TEST(DoctorServer, ClocksMayDifferByWhatTheAnswerTook) {
  ServerFacts facts = Healthy(true);
  const auto clock = [&](double ahead, double doubt) {
    facts.clock_ahead = ahead, facts.clock_doubt = doubt;
    return KeyedBy(JudgeServer(facts, {}, "merge"), "clocks/C");
  };
  EXPECT_EQ(clock(5, 0).health, Health::kOk);
  EXPECT_EQ(clock(-5, 0).health, Health::kOk);
  EXPECT_EQ(clock(7, 2).health, Health::kOk);
  EXPECT_EQ(clock(7.1, 2).health, Health::kWarning);
  EXPECT_EQ(clock(42, 0.1).text, "the clock of the server is 42 s ahead of this machine's");
  EXPECT_EQ(clock(-3600, 0.1).text, "the clock of the server is 3600 s behind this machine's");
}

TEST(DoctorServer, Connections) {
  ConnectionFacts facts{"C", 97, 10, 4, -1, -1, 40};
  EXPECT_EQ(JudgeConnections(facts), Well("connections/C", "10 of 97 in use"));
  facts.used = 61 + 4;
  EXPECT_EQ(JudgeConnections(facts).health, Health::kWarning);
  EXPECT_EQ(JudgeConnections(facts).text,
            "others have 61 of 97 connections of the server, and limits.connections of the environment wants 40");
  facts.own = 8;
  EXPECT_EQ(JudgeConnections(facts).health, Health::kOk) << "what Yellow has itself it need not get";
}

TEST(DoctorServer, Disks) {
  DiskFacts facts{"C", "/data", 50 * kGB, 100 * kGB, 20'000'000, 16'000'000};
  EXPECT_EQ(JudgeDisk(facts), Well("disk/C", "50 GB of 100 GB are free at /data; the database has 20 MB"));
  facts.free = kGB;
  EXPECT_EQ(JudgeDisk(facts).code, "disk.full");
  EXPECT_EQ(JudgeDisk(facts).health, Health::kProblem);
  facts.free = 2 * kGB;
  EXPECT_EQ(JudgeDisk(facts).code, "disk.low");
  EXPECT_EQ(JudgeDisk(facts).health, Health::kWarning);
  facts.free = 50 * kGB, facts.largest = 60 * kGB;
  EXPECT_EQ(JudgeDisk(facts).health, Health::kWarning);
  EXPECT_THAT(JudgeDisk(facts).text, HasSubstr("of which the largest table has 60 GB"));
}

TEST(DoctorServer, Bytes) {
  EXPECT_EQ(Bytes(0), "0 bytes");
  EXPECT_EQ(Bytes(999), "999 bytes");
  EXPECT_EQ(Bytes(1500), "1.5 kB");
  EXPECT_EQ(Bytes(25e12), "25 TB");
  EXPECT_EQ(Bytes(25e15), "25000 TB");
}

TEST(DoctorServer, LocksAreToldWhenTheyLast) {
  LockFacts facts;
  facts.container = "C";
  facts.waiting = {{{7, "a", "psql"}, "dp_main.t", 9.9, {}}};
  facts.idle = {{{8, "b", ""}, 9.9, true}};
  facts.prepared = {{"p", "c", 9.9}};
  for (const Finding& finding : JudgeLocks(facts, {})) EXPECT_EQ(finding.health, Health::kOk) << finding.key;
  facts.waiting[0].seconds = facts.idle[0].seconds = facts.prepared[0].seconds = 10;
  facts.waiting[0].blockers = {{8, "b", ""}};
  const Findings found = JudgeLocks(facts, {});
  EXPECT_EQ(found[0].text, "pid 7, a (psql) waits for dp_main.t since 10 s, which is held by pid 8, b");
  EXPECT_EQ(found[0].remedy,
            "let who holds it end, or end it:\nas an administrator of the server: SELECT pg_terminate_backend(8)");
  EXPECT_THAT(found[1].text, HasSubstr("pid 8, b is idle in a transaction since 10 s, and what was deleted"));
  EXPECT_EQ(found[2].health, Health::kWarning);
}

TEST(DoctorServer, SaysWhenSessionsAreNotShown) {
  LockFacts facts;
  facts.container = "C";
  facts.why_no_sessions = "hidden";
  EXPECT_EQ(JudgeLocks(facts, {})[1].health, Health::kSkipped);
}

TEST(DoctorSpace, WhatIsOwedIsToldWithWhoIsInTheWay) {
  EXPECT_EQ(JudgeSpace("C", {}, "y_migrator", {}), Findings{Well("space/C", "none of removed rows is owed")});
  const Administrator here{"psql -d merge"};
  SpaceFacts owed{"0123456789abcdef", "2026-11-29T10:00:00Z", "", "VACUUM a.b", "SELECT done('x')"};
  const Finding waits = JudgeSpace("C", {owed}, "y_migrator", here).at(0);
  EXPECT_EQ(waits.health, Health::kWarning);
  EXPECT_EQ(waits.code, "space.owed");
  EXPECT_THAT(waits.remedy, ::testing::HasSubstr("the password of y_migrator; or psql -d merge -c 'VACUUM a.b'\n"));
  EXPECT_THAT(waits.remedy, ::testing::EndsWith("psql -d merge -c 'SELECT done('\\''x'\\'')'"));
  owed.held_back_by = "process 4711";
  const Finding held = JudgeSpace("C", {owed}, "y_migrator", here).at(0);
  EXPECT_THAT(held.text, ::testing::EndsWith("process 4711 may still see them"));
  EXPECT_THAT(held.remedy, ::testing::Not(::testing::HasSubstr("VACUUM")));
}

}  // namespace
}  // namespace yellow::plan
