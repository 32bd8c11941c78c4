#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <thread>

#include "adapters/postgres/recorded_session_test.h"
#include "base/digest.h"

namespace yellow::adapters::postgres {
namespace {

using ports::WireEnd;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Value(PGresult* raw) {
  const Result result(raw);
  if (PQresultStatus(raw) == PGRES_TUPLES_OK && PQntuples(raw) > 0) return PQgetvalue(raw, 0, 0);
  return PQresultStatus(raw) == PGRES_COMMAND_OK ? PQcmdStatus(raw) : PQresultErrorMessage(raw);
}

std::string Ask(const Connection& connection, const std::string& statement) {
  return Value(PQexec(connection.get(), statement.c_str()));
}

#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kMostGrowth = 512L * 1024;  // the sanitizer keeps what is freed
#else
constexpr int64_t kMostGrowth = 16L * 1024;
#endif

/// Most memory that this program has had, in KiB.
int64_t MostMemory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

class SessionProxyTest : public RecordedSessionTest {
 protected:
  std::vector<std::string> Queries() const {
    std::vector<std::string> texts;
    for (const auto& query : sink_.Of<ports::WireQuery>()) texts.push_back(query.text.text);
    return texts;
  }
  ports::WireOutcome LastOutcome() const {
    const auto outcomes = sink_.Of<ports::WireOutcome>();
    return outcomes.empty() ? ports::WireOutcome{} : outcomes.back();
  }
};

TEST_F(SessionProxyTest, APersonsPsqlIsTheTemporaryLoginAndIsRecorded) {
  Start();
  const Ran ran = Psql({"-c", "SELECT session_user, current_database(), current_setting('application_name')", "-c",
                        "SELECT 1/0", "-c", "SELECT generate_series(1, 3); SELECT 4"});
  EXPECT_THAT(ran.output, HasSubstr("yellow_tmp_7|merge|yellow access 7\n"));
  EXPECT_THAT(ran.output, HasSubstr("division by zero"));
  ASSERT_TRUE(Soon([&] { return !sink_.Of<ports::WireGone>().empty(); }));
  EXPECT_EQ(sink_.Of<ports::WireGone>()[0], (ports::WireGone{"the client has ended it", true}));
  EXPECT_EQ(sink_.Of<ports::WireConnected>().size(), 1U);
  EXPECT_EQ(sink_.Of<ports::WireTerminate>().size(), 1U);
  EXPECT_EQ(Queries().size(), 3U);
  const auto outcomes = sink_.Of<ports::WireOutcome>();
  ASSERT_EQ(outcomes.size(), 4U);
  EXPECT_EQ(outcomes[1].sqlstate, "22012");
  EXPECT_EQ(outcomes[2].rows, 3);
  EXPECT_EQ(outcomes[3].tag, "SELECT 1");
  EXPECT_EQ(outcomes[3].of, outcomes[2].of);
  EXPECT_EQ(Backends(), 0);
}

TEST_F(SessionProxyTest, EventsOfAClientAreNumberedWithoutGaps) {
  Start();
  Psql({"-c", "SELECT 1"});
  Psql({"-c", "SELECT 2"});
  ASSERT_TRUE(Soon([&] { return sink_.Of<ports::WireGone>().size() == 2; }));
  std::map<int64_t, int64_t> last;
  for (const ports::WireEvent& event : sink_.Events()) EXPECT_EQ(event.number, ++last[event.client]);
  EXPECT_EQ(last.size(), 2U);
}

TEST_F(SessionProxyTest, WhatIsPreparedAndExecutedIsRecordedWithItsValues) {
  Start();
  const Connection connection = Connect();
  ASSERT_EQ(PQstatus(connection.get()), CONNECTION_OK) << PQerrorMessage(connection.get());
  Value(PQprepare(connection.get(), "add", "SELECT $1::int + $2::int", 0, nullptr));
  const char* values[] = {"1", "41"};
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(Value(PQexecPrepared(connection.get(), "add", 2, values, nullptr, nullptr, 0)), "42");
  const auto parses = sink_.Of<ports::WireParse>();
  ASSERT_EQ(parses.size(), 1U);
  EXPECT_EQ(parses[0].text.text, "SELECT $1::int + $2::int");
  const auto binds = sink_.Of<ports::WireBind>();
  ASSERT_EQ(binds.size(), 2U);
  EXPECT_EQ(binds[1].parameters[1].value.text, "41");
  EXPECT_EQ(binds[1].parse, binds[0].parse);
  EXPECT_EQ(LastOutcome().rows, 1);
}

TEST_F(SessionProxyTest, OfAPipelineEachStatementHasItsOutcome) {
  Start();
  const Connection connection = Connect();
  PGconn* const raw = connection.get();
  PQenterPipelineMode(raw);
  for (const char* statement : {"SELECT 1", "SELECT 1/0", "SELECT 2"})
    PQsendQueryParams(raw, statement, 0, nullptr, nullptr, nullptr, nullptr, 0);
  PQpipelineSync(raw);
  PQsendQueryParams(raw, "SELECT 3", 0, nullptr, nullptr, nullptr, nullptr, 0);
  PQpipelineSync(raw);
  std::vector<ExecStatusType> results;
  while (std::count(results.begin(), results.end(), PGRES_PIPELINE_SYNC) < 2) {
    if (PGresult* result = PQgetResult(raw)) results.push_back(PQresultStatus(result)), PQclear(result);
  }
  EXPECT_THAT(results, ElementsAre(PGRES_TUPLES_OK, PGRES_FATAL_ERROR, PGRES_PIPELINE_ABORTED, PGRES_PIPELINE_SYNC,
                                   PGRES_TUPLES_OK, PGRES_PIPELINE_SYNC));
  std::vector<WireEnd> ends;
  for (const auto& outcome : sink_.Of<ports::WireOutcome>()) ends.push_back(outcome.end);
  // The second is refused when it is bound or executed, as the server plans it.
  EXPECT_EQ(std::count(ends.begin(), ends.end(), WireEnd::kComplete), 2);
  EXPECT_EQ(std::count(ends.begin(), ends.end(), WireEnd::kRefused), 1);
  EXPECT_GE(std::count(ends.begin(), ends.end(), WireEnd::kSkipped), 3);
  EXPECT_EQ(PQexitPipelineMode(raw), 1);
  EXPECT_EQ(Ask(connection, "SELECT 4"), "4");
}

TEST_F(SessionProxyTest, CursorsAndBlocksAreStatementsLikeOthers) {
  Start();
  const Connection connection = Connect();
  EXPECT_EQ(Ask(connection, "BEGIN; DECLARE c CURSOR FOR SELECT generate_series(1, 10)"), "DECLARE CURSOR");
  EXPECT_EQ(Ask(connection, "FETCH 4 FROM c"), "1");
  EXPECT_EQ(LastOutcome().rows, 4);
  EXPECT_EQ(Ask(connection, "COMMIT"), "COMMIT");
  EXPECT_EQ(Ask(connection, "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$"), "DO");
  EXPECT_EQ(Ask(connection, ""), "");
  EXPECT_EQ(LastOutcome().end, WireEnd::kEmpty);
  EXPECT_EQ(Queries().size(), 5U);
}

TEST_F(SessionProxyTest, OfACopyTheSizeAndTheDigestAreRecorded) {
  Start();
  const Ran ran = Psql({}, "CREATE TEMP TABLE t (a text);\nCOPY t FROM STDIN;\none\ntwo\n\\.\nCOPY t TO STDOUT;\n");
  EXPECT_EQ(ran.output, "one\ntwo\n");
  const auto in = sink_.Of<ports::WireCopyIn>();
  ASSERT_EQ(in.size(), 1U);
  // Older versions of psql send the line that ends the data, too.
  const std::string sent = in[0].data.bytes == 8 ? "one\ntwo\n" : "one\ntwo\n\\.\n";
  EXPECT_EQ(in[0].data, (ports::WireCopy{static_cast<int64_t>(sent.size()), base::Sha256Hex(sent)}));
  EXPECT_FALSE(in[0].given_up);
  EXPECT_EQ(LastOutcome().copied_out, (ports::WireCopy{8, base::Sha256Hex("one\ntwo\n")}));
  EXPECT_EQ(LastOutcome().tag, "COPY 2");
}

TEST_F(SessionProxyTest, ACopyOfAPreparedStatementEndsAsItShould) {
  Start();
  const Connection connection = Connect();
  Ask(connection, "CREATE TEMP TABLE t (a int)");
  for (const char* line : {"1\n", "nonsense\n", "2\n"}) {
    PQclear(PQexecParams(connection.get(), "COPY t FROM STDIN", 0, nullptr, nullptr, nullptr, nullptr, 0));
    EXPECT_EQ(PQputCopyData(connection.get(), line, static_cast<int>(std::strlen(line))), 1);
    EXPECT_EQ(PQputCopyEnd(connection.get(), nullptr), 1);
    while (PGresult* result = PQgetResult(connection.get())) PQclear(result);
  }
  EXPECT_EQ(Ask(connection, "SELECT sum(a) FROM t"), "3");
  EXPECT_EQ(sink_.Of<ports::WireCopyIn>().size(), 3U);
}

TEST_F(SessionProxyTest, ALargeResultWaitsForASlowReaderInBoundedMemory) {
  Start();
  const Connection connection = Connect();
  const int64_t before = MostMemory();
  PQclear(PQexec(connection.get(), "COPY (SELECT repeat('x', 999) FROM generate_series(1, 100000)) TO STDOUT"));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  int64_t bytes = 0;
  char* buffer = nullptr;
  for (int length = 0; (length = PQgetCopyData(connection.get(), &buffer, 0)) > 0;) {
    bytes += length;
    PQfreemem(buffer);
  }
  while (PGresult* result = PQgetResult(connection.get())) PQclear(result);
  EXPECT_EQ(bytes, 100000000);
  EXPECT_EQ(LastOutcome().copied_out->bytes, bytes);
  EXPECT_LT(MostMemory() - before, kMostGrowth);
}

TEST_F(SessionProxyTest, ALongStatementGoesThroughWhole) {
  Start();
  const Connection connection = Connect();
  const std::string text = "SELECT length('" + std::string(3000000, 'y') + "')";
  EXPECT_EQ(Ask(connection, text), "3000000");
  const auto query = sink_.Of<ports::WireQuery>()[0].text;
  EXPECT_EQ(query.text.size(), 64U * 1024);
  EXPECT_EQ(query.size, static_cast<int64_t>(text.size()));
  EXPECT_EQ(query.sha256, base::Sha256Hex(text));
}

TEST_F(SessionProxyTest, CtrlCInPsqlCancelsAndIsRecorded) {
  Start();
  const auto started = std::chrono::steady_clock::now();
  const Ran ran = Psql({"-c", "SELECT pg_sleep(60)", "-c", "SELECT 'after'"}, "", 700);
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(20));
  EXPECT_THAT(ran.output, HasSubstr("canceling statement due to user request"));
  ASSERT_EQ(sink_.Of<ports::WireCancel>().size(), 1U);
  EXPECT_EQ(sink_.Of<ports::WireCancel>()[0].client, 1);
  EXPECT_EQ(sink_.Of<ports::WireOutcome>()[0].sqlstate, "57014");
}

TEST_F(SessionProxyTest, EightClientsHaveASessionAtATimeAndEachIsItsOwn) {
  Start();
  std::vector<Connection> connections;
  for (int i = 0; i < 8; ++i) connections.push_back(Connect());
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(Ask(connections[static_cast<size_t>(i)], "SELECT " + std::to_string(i)), std::to_string(i));
  const Connection ninth = Connect();
  EXPECT_THAT(PQerrorMessage(ninth.get()), HasSubstr("no more than 8 connections"));
  connections.pop_back();
  EXPECT_TRUE(Soon([&] { return PQstatus(Connect().get()) == CONNECTION_OK; }));
}

TEST_F(SessionProxyTest, TheServerIsReachedOverTls) {
  Start(RecordedServer::Shared().TemporaryOverTls());
  const Connection connection = Connect();
  ASSERT_EQ(PQstatus(connection.get()), CONNECTION_OK) << PQerrorMessage(connection.get());
  EXPECT_EQ(Ask(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"), "t");
  EXPECT_EQ(Ask(connection, "SELECT length('" + std::string(5000000, 'y') + "')"), "5000000");
  EXPECT_EQ(Ask(connection, "SELECT repeat('z', 8000000)"), std::string(8000000, 'z'));
  EXPECT_EQ(LastOutcome().bytes, 8000006);
  PQsendQuery(connection.get(), "SELECT pg_sleep(60)");
  std::unique_ptr<PGcancel, void (*)(PGcancel*)> cancel(PQgetCancel(connection.get()), &PQfreeCancel);
  char reason[256];
  ASSERT_TRUE(Soon([&] { return Queries().size() == 4; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(PQcancel(cancel.get(), reason, sizeof reason), 1);
  EXPECT_THAT(Value(PQgetResult(connection.get())), HasSubstr("canceling statement"));
  proxy_->End("revoked");
  EXPECT_EQ(Backends(), 0);
}

TEST_F(SessionProxyTest, ALoginThatFailsIsToldAndRecorded) {
  auto target = RecordedServer::Shared().Temporary();
  target.password = base::Secret("wrong");
  Start(target);
  const Connection connection = Connect();
  EXPECT_THAT(PQerrorMessage(connection.get()), HasSubstr("password authentication failed"));
  ASSERT_TRUE(Soon([&] { return !sink_.Of<ports::WireGone>().empty(); }));
  EXPECT_THAT(sink_.Of<ports::WireGone>()[0].reason, HasSubstr("password authentication failed"));
}

TEST_F(SessionProxyTest, AServerThatEndsASessionEndsItsClient) {
  Start();
  const Connection connection = Connect();
  const std::string process = Ask(connection, "SELECT pg_backend_pid()");
  EXPECT_EQ(process, std::to_string(PQbackendPID(connection.get())));
  superuser_->Execute("SELECT pg_terminate_backend(" + process + ", 10000)");
  Ask(connection, "SELECT 1");
  EXPECT_THAT(PQerrorMessage(connection.get()), HasSubstr("terminating connection due to administrator command"));
  ASSERT_TRUE(Soon([&] { return !sink_.Of<ports::WireGone>().empty(); }));
  EXPECT_EQ(LastOutcome().sqlstate, "57P01");
  EXPECT_FALSE(proxy_->Ended());
}

}  // namespace
}  // namespace yellow::adapters::postgres
