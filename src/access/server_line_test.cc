#include "access/server_line.h"

#include <gmock/gmock.h>

#include "base/digest.h"

namespace yellow::access {
namespace {

using LineKind = ServerLine::Kind;
using testing::HasSubstr;
using testing::Not;

/// A line as PostgreSQL 15 writes it.
std::string Line(const std::string& message, const std::string& rest = R"("error_severity":"LOG")",
                 const std::string& zone = "UTC", const std::string& start_zone = "UTC") {
  return R"({"timestamp":"2026-11-29 14:15:12.861 )" + zone +
         R"(","user":"yellow_tmp_68230cea656d172f","dbname":"merge","pid":23905,"remote_host":"[local]",)" +
         R"("session_id":"6b0c3370.5d61","line_num":2,"ps":"idle","session_start":"2026-11-29 14:15:10 )" + start_zone +
         R"(",)" + rest + R"(,"message":")" + message + R"(","application_name":"psql","query_id":0})";
}

ServerLine Read(const std::string& line) {
  const auto read = ReadServerLine(line);
  EXPECT_TRUE(read) << line;
  return read.value_or(ServerLine{});
}

TEST(ServerLine, WhoAndWhere) {
  const ServerLine read = Read(Line("statement: SELECT 1;"));
  EXPECT_EQ(read.user, "yellow_tmp_68230cea656d172f");
  EXPECT_EQ(read.session, "6b0c3370.5d61");
  EXPECT_EQ(read.process, 23905);
  EXPECT_EQ(read.number, 2);
  EXPECT_EQ(read.began, 0x6b0c3370);
  EXPECT_EQ(read.at, INT64_C(0x6b0c3370) * 1000 + 2861);
}

TEST(ServerLine, TimeInAnyZone) {
  EXPECT_EQ(Read(Line("statement: SELECT 1;")).at, Read(Line("statement: SELECT 1;", R"("x":1)", "IST", "IST")).at);
  EXPECT_EQ(Read(Line("statement: SELECT 1;", R"("x":1)", "-03", "-03")).at, INT64_C(0x6b0c3370) * 1000 + 2861);
  EXPECT_FALSE(Read(Line("statement: SELECT 1;", R"("x":1)", "CEST", "CET")).at) << "the clock was put forward";
}

TEST(ServerLine, WhatWasAsked) {
  const auto asked = [](const std::string& message) {
    const ServerLine read = Read(Line(message));
    return std::pair(read.kind, read.text.value_or("none"));
  };
  EXPECT_EQ(asked("statement: SELECT 'a: b';"), std::pair(LineKind::kQuery, std::string("SELECT 'a: b';")));
  EXPECT_EQ(asked("statement: "), std::pair(LineKind::kQuery, std::string()));
  EXPECT_EQ(asked("execute <unnamed>: SELECT 1"), std::pair(LineKind::kExecute, std::string("SELECT 1")));
  EXPECT_EQ(asked("execute a/b: SELECT '\\n: '"), std::pair(LineKind::kExecute, std::string("SELECT '\n: '")));
  EXPECT_EQ(asked("execute fetch from a/b: SELECT 1"), std::pair(LineKind::kExecute, std::string("SELECT 1")));
  EXPECT_EQ(asked("disconnection: session time: 0:00:00.650 user=x"), std::pair(LineKind::kEnd, std::string("none")));
  EXPECT_EQ(asked("duration: 1.0 ms  statement: SELECT 1"), std::pair(LineKind::kOther, std::string("none")));
  const ServerLine call = Read(Line("fastpath function call: \\\" (OID 7)\\\" (OID 1598)"));
  EXPECT_EQ(call.kind, LineKind::kFunction);
  EXPECT_EQ(call.function, "1598");
}

/// A name of a prepared statement that looks like the end of another message never hides a part of the text.
TEST(ServerLine, NamesThatLie) {
  EXPECT_EQ(Read(Line("execute a: SELECT 1; --: DELETE FROM t")).text, "SELECT 1; --: DELETE FROM t");
  EXPECT_EQ(Read(Line("execute fetch from : DELETE FROM t")).text, "DELETE FROM t");
}

TEST(ServerLine, Refusals) {
  const ServerLine refused =
      Read(Line("division by zero", R"("error_severity":"ERROR","state_code":"22012","statement":"SELECT 1/0;")"));
  EXPECT_EQ(refused.kind, LineKind::kRefused);
  EXPECT_EQ(refused.text, "SELECT 1/0;");
  const auto login = [](const std::string& severity, const std::string& code) {
    return Read(Line("no", R"("error_severity":")" + severity + R"(","state_code":")" + code + '"')).kind;
  };
  EXPECT_EQ(login("FATAL", "28P01"), LineKind::kLogin);
  EXPECT_EQ(login("FATAL", "42501"), LineKind::kLogin) << "the database does not let it in";
  EXPECT_EQ(login("FATAL", "53300"), LineKind::kRefused) << "there was no room";
  EXPECT_EQ(login("FATAL", "57P01"), LineKind::kRefused) << "it was ended";
  EXPECT_EQ(login("ERROR", "42501"), LineKind::kRefused);
  EXPECT_EQ(login("WARNING", "01000"), LineKind::kOther);
}

TEST(ServerLine, ApplicationNameIsNotBelieved) {
  std::string line = Line("statement: SELECT 1;");
  const std::string name = R"("application_name":"psql")";
  line.replace(
      line.find(name), name.size(),
      R"("application_name":"\",\"user\":\"postgres\",\"message\":\"disconnection: \",\"line_num\":9,\"x\":\"")");
  EXPECT_EQ(Read(line), Read(Line("statement: SELECT 1;")));
}

TEST(ServerLine, WhatIsNone) {
  const std::string good = Line("statement: SELECT 1;");
  for (const auto& [part, instead] :
       std::vector<std::pair<std::string, std::string>>{{R"("user":"yellow_tmp_68230cea656d172f",)", ""},
                                                        {R"("line_num":2)", R"("line_num":0)"},
                                                        {R"("line_num":2)", R"("line_num":"2")"},
                                                        {R"("pid":23905)", R"("pid":23906)"},
                                                        {"6b0c3370.5d61", "6b0c33705d61"},
                                                        {"6b0c3370.5d61", "16b0c3370.5d61"},
                                                        {"6b0c3370.5d61", "x.5d61"},
                                                        {R"("query_id":0})", ""}}) {
    std::string bad = good;
    bad.replace(bad.find(part), part.size(), instead);
    EXPECT_FALSE(ReadServerLine(bad)) << bad;
  }
  EXPECT_FALSE(ReadServerLine(""));
  for (size_t length = 0; length < good.size(); ++length) EXPECT_FALSE(ReadServerLine(good.substr(0, length)));
}

TEST(ServerLine, NoTextAndNoValueIsKept) {
  const std::string fact =
      FactOf(Read(Line("statement: DELETE FROM dt.orders WHERE name = 'Smith';")), "68230cea656d172f");
  EXPECT_THAT(fact, Not(HasSubstr("Smith")));
  EXPECT_THAT(fact, HasSubstr(R"("relations":["dt.orders"])"));
  EXPECT_THAT(fact, HasSubstr(base::Sha256Hex("DELETE FROM dt.orders WHERE name = 'Smith';")));
  const std::string refused =
      FactOf(Read(Line("duplicate key: Smith",
                       R"("error_severity":"ERROR","state_code":"23505","detail":"Smith","statement":"SELECT 1")")),
             "68230cea656d172f");
  EXPECT_THAT(refused, Not(HasSubstr("Smith")));
  EXPECT_THAT(refused, HasSubstr(R"("sqlstate":"23505")"));
  EXPECT_THAT(FactOf(Read(Line("statement: DO $$ BEGIN END $$")), ""), HasSubstr(R"("flags":["do_block"])"));
}

TEST(ServerLine, WhatEndsASession) {
  const auto ends = [](const std::string& line) { return FactOf(Read(line), ""); };
  EXPECT_THAT(ends(Line("disconnection: session time: 1")), HasSubstr(R"("ends":true)"));
  EXPECT_THAT(ends(Line("terminating", R"("error_severity":"FATAL","state_code":"57P01")")),
              HasSubstr(R"("ends":true)"));
  EXPECT_THAT(ends(Line("statement: SELECT 1;")), HasSubstr(R"("ends":false)"));
}

TEST(ServerLine, ForPeople) {
  EXPECT_EQ(PlainLine(Line("no space left", R"("error_severity":"ERROR")")),
            "2026-11-29 14:15:12.861 UTC [23905] ERROR:  no space left\n");
  EXPECT_EQ(PlainLine(Line("disconnection: session time: 1")), "");
  EXPECT_EQ(PlainLine("{"), "");
}

}  // namespace
}  // namespace yellow::access
