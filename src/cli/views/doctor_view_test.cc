#include "cli/views/doctor_view.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace yellow::cli {
namespace {

using plan::Findings;
using plan::Health;
using plan::Skipped;
using plan::Well;

TEST(DoctorView, AGroupIsALineWhenAllIsWell) {
  const Findings findings = Ordered({Well("sources/S/d"), Well("server/C/version", "PostgreSQL 15.14"),
                                     Well("sources/S/d/a"), Well("server/C/encoding", "UTF8")});
  EXPECT_EQ(DoctorText(findings),
            "ok       server       PostgreSQL 15.14, UTF8\n"
            "ok       sources      2 checks\n"
            "\n"
            "4 checks: all well\n");
}

TEST(DoctorView, WhatIsWrongHasItsRemedyAndOneReasonIsToldOnce) {
  const Findings findings = Ordered({Well("model/files"),
                                     Skipped("sources/S/d", "no login"),
                                     Skipped("sources/S/d/a", "no login"),
                                     Skipped("sources/S/e", "another"),
                                     {"disk/C", Health::kWarning, "disk.low", "low", "make room"},
                                     {"disk/data", Health::kProblem, "disk.full", "full", "make room\nat once"}});
  EXPECT_EQ(DoctorText(findings),
            "ok       model        1 check\n"
            "problem  disk         2 of 2 checks\n"
            "    warning disk/C: low\n"
            "      = make room\n"
            "    problem disk/data: full\n"
            "      = make room\n"
            "        at once\n"
            "skipped  sources      3 of 3 checks\n"
            "    skipped sources/S/d and 1 more: no login\n"
            "    skipped sources/S/e: another\n"
            "\n"
            "6 checks: 1 problem, 1 warning, 3 could not be made\n");
}

TEST(DoctorView, ForPrograms) {
  const nlohmann::json list = DoctorRecord().List(
      Findings{Well("server/C/version", "15.14"), {"disk/C", Health::kWarning, "disk.low", "low", "make room"}});
  EXPECT_EQ(
      list[0],
      (nlohmann::json{
          {"key", "server/C/version"}, {"state", "ok"}, {"reason", nullptr}, {"found", "15.14"}, {"remedy", nullptr}}));
  EXPECT_EQ(list[1]["reason"], (nlohmann::json{{"code", "disk.low"}, {"text", "low"}}));
  EXPECT_EQ(list[1]["state"], "warning");
}

TEST(DoctorView, EachKeyOnce) {
  EXPECT_EQ(Ordered({Well("server/C/version", "first"), Well("server/C/version", "second")}),
            Findings{Well("server/C/version", "first")});
}

}  // namespace
}  // namespace yellow::cli
