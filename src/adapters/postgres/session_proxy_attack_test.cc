#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "adapters/postgres/proxy_startup.h"
#include "adapters/postgres/recorded_session_test.h"
#include "base/error.h"

namespace yellow::adapters::postgres {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr unsigned kNobody = 65534;

std::string Reply(const Connection& connection, const std::string& statement) {
  const Result result(PQexec(connection.get(), statement.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return PQerrorMessage(connection.get());
  std::string values;
  for (int column = 0; column < PQnfields(result.get()); ++column)
    values += std::string(column == 0 ? "" : "|") + PQgetvalue(result.get(), 0, column);
  return values;
}

std::string BigEndian(uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xFF);
  return bytes;
}

/// Names and values, with the end of the list.
std::string Parameters(const std::vector<std::string>& words) {
  std::string bytes;
  for (const std::string& word : words) bytes += word + '\0';
  return bytes + '\0';
}

std::string StartupPacket(uint32_t protocol, const std::string& parameters) {
  return BigEndian(static_cast<uint32_t>(parameters.size()) + 8) + BigEndian(protocol) + parameters;
}

/// What comes on the socket until it is closed, or until that is all for some time.
std::string Heard(int raw, int milliseconds_of_silence) {
  std::string heard;
  char buffer[4096];
  pollfd waiting{raw, POLLIN, 0};
  while (poll(&waiting, 1, milliseconds_of_silence) > 0) {
    const ssize_t count = read(raw, buffer, sizeof buffer);
    if (count <= 0) return heard + "<closed>";
    heard.append(buffer, static_cast<size_t>(count));
  }
  return heard;
}

/// A side that has closed already hears nothing of it.
void Say(int raw, const std::string& bytes) {
  const ssize_t sent = send(raw, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  EXPECT_TRUE(sent == static_cast<ssize_t>(bytes.size()) || errno == EPIPE) << sent;
}

class SessionProxyAttackTest : public RecordedSessionTest {
 protected:
  std::string OutcomeOf(const std::string& bytes, int silence = 500) const {
    const int raw = RawSocket();
    Say(raw, bytes);
    std::string heard = Heard(raw, silence);
    close(raw);
    return heard;
  }
};

TEST_F(SessionProxyAttackTest, WhatTheSinkRefusesHasNotHappened) {
  superuser_->ExecuteScript("DROP TABLE IF EXISTS mark; CREATE TABLE mark (i int); GRANT ALL ON mark TO yellow_tmp_7");
  auto target = RecordedServer::Shared().Temporary();
  target.database = "postgres";
  Start(target);
  const Connection connection = Connect(), other = Connect();
  EXPECT_EQ(Reply(connection, "INSERT INTO mark VALUES (1)"), "");
  sink_.RefuseQueriesWith("VALUES (2)");
  EXPECT_THAT(Reply(connection, "INSERT INTO mark VALUES (2)"),
              HasSubstr("the recorded session has ended: the audit log cannot be written"));
  EXPECT_EQ(proxy_->Ended(), "the audit log cannot be written");
  EXPECT_THAT(Reply(other, "SELECT 1"), HasSubstr("the audit log cannot be written"));
  EXPECT_EQ(RawSocket(), -1);
  EXPECT_TRUE(Soon([&] { return Backends() == 0; }));
  EXPECT_EQ(superuser_->Execute("SELECT string_agg(i::text, ',') FROM mark").Text(0, 0), "1");
}

TEST_F(SessionProxyAttackTest, AStatementIsRecordedBeforeTheServerKnowsOfIt) {
  Start();
  const Connection connection = Connect();
  ASSERT_EQ(PQsendQuery(connection.get(), "SELECT pg_sleep(30)"), 1);
  ASSERT_TRUE(
      Soon([&] { return Count("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)'") == 1; }));
  EXPECT_EQ(sink_.Of<ports::WireQuery>().size(), 1U);
  EXPECT_TRUE(sink_.Of<ports::WireOutcome>().empty());
}

TEST_F(SessionProxyAttackTest, WhenItsTimeIsOverALongStatementEnds) {
  Start(RecordedServer::Shared().Temporary(), milliseconds(700));
  const Connection connection = Connect();
  const auto started = steady_clock::now();
  EXPECT_THAT(Reply(connection, "SELECT pg_sleep(60)"), HasSubstr("the recorded session has ended: its time is over"));
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds(4));
  ASSERT_TRUE(Soon([&] { return !sink_.Of<ports::WireGone>().empty(); }));
  EXPECT_EQ(Backends(), 0);
  EXPECT_EQ(sink_.Of<ports::WireGone>()[0], (ports::WireGone{"its time is over", true}));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/.s.PGSQL.5432"));
}

TEST_F(SessionProxyAttackTest, WhatWasQueuedBehindALongStatementNeverRuns) {
  superuser_->ExecuteScript(
      "DROP TABLE IF EXISTS queued; CREATE TABLE queued (i int); GRANT ALL ON queued TO yellow_tmp_7");
  auto target = RecordedServer::Shared().Temporary();
  target.database = "postgres";
  Start(target);
  const Connection connection = Connect();
  PQenterPipelineMode(connection.get());
  for (const char* statement : {"SELECT pg_sleep(60)", "INSERT INTO queued VALUES (1)"}) {
    PQsendQueryParams(connection.get(), statement, 0, nullptr, nullptr, nullptr, nullptr, 0);
    PQpipelineSync(connection.get());
  }
  ASSERT_TRUE(
      Soon([&] { return Count("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'") == 1; }));
  proxy_->End("revoked by somebody");
  EXPECT_EQ(Backends(), 0);
  EXPECT_EQ(Count("SELECT count(*) FROM queued"), 0);
  EXPECT_EQ(sink_.Of<ports::WireExecute>().size(), 1U);
  proxy_->End("again");
  EXPECT_EQ(proxy_->Ended(), "revoked by somebody");
}

TEST_F(SessionProxyAttackTest, AClientThatDoesNotReadDoesNotDelayTheEnd) {
  Start();
  const Connection connection = Connect();
  PQsendQuery(connection.get(), "SELECT repeat('x', 1000) FROM generate_series(1, 1000000)");
  ASSERT_TRUE(Soon([&] {
    return Count(
               "SELECT count(*) FROM pg_stat_activity WHERE usename = 'yellow_tmp_7' AND wait_event = 'ClientWrite'") ==
           1;
  }));
  const auto started = steady_clock::now();
  proxy_->End("revoked");
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds(4));
  EXPECT_EQ(Backends(), 0);
}

TEST_F(SessionProxyAttackTest, WhoeverVanishesLeavesNothingRunning) {
  Start();
  Connection connection = Connect();
  PQsendQuery(connection.get(), "SELECT pg_sleep(60)");
  ASSERT_TRUE(Soon([&] { return Backends() == 1 && !sink_.Of<ports::WireQuery>().empty(); }));
  shutdown(PQsocket(connection.get()), SHUT_RDWR);
  EXPECT_TRUE(Soon([&] { return Backends() == 0; }));
  EXPECT_TRUE(Soon([&] { return sink_.Of<ports::WireGone>().size() == 1; }));
}

TEST_F(SessionProxyAttackTest, OnlyTheAllowedUserConnects) {
  if (geteuid() != 0) {
    Start(geteuid() + 1 == 0 ? 1 : geteuid());
    EXPECT_NE(RawSocket(), -1);
    return;
  }
  Start(kNobody);
  EXPECT_EQ(Psql({"-c", "SELECT 7"}).output, "7\n");
  const Ran stranger = RunAs(kNobody - 1, {"psql", "-X", "-h", folder_, "-U", "whoever", "-c", "SELECT 7", "whatever"});
  EXPECT_NE(stranger.status, 0);
  EXPECT_THAT(stranger.output, HasSubstr("Permission denied"));
  EXPECT_THAT(OutcomeOf(StartupPacket(196608, Parameters({"user", "a"}))), HasSubstr("<closed>")) << "not even root";
  ASSERT_TRUE(Soon([&] { return sink_.Of<ports::WireGone>().size() == 2; }));
  EXPECT_EQ(sink_.Of<ports::WireGone>()[1].reason, "it is of user 0");
}

TEST_F(SessionProxyAttackTest, TheFolderAndTheSocketAreNobodyElses) {
  Start();
  struct stat found{};
  ASSERT_EQ(lstat((folder_ + "/.s.PGSQL.5432").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode, static_cast<mode_t>(S_IFSOCK | 0600));
  EXPECT_EQ(found.st_uid, allowed_uid_);
  proxy_.reset();
  std::filesystem::permissions(folder_, std::filesystem::perms(0777));
  EXPECT_THROW(Start(), base::Error) << "others could put their socket there";
  std::filesystem::remove_all(folder_);
  std::filesystem::create_symlink("/tmp", folder_);
  EXPECT_THROW(Start(), base::Error);
  std::filesystem::remove(folder_);
  Start();
  ASSERT_EQ(lstat(folder_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode, static_cast<mode_t>(S_IFDIR | 0711));
}

TEST_F(SessionProxyAttackTest, WhatAClientSaysAtItsLoginDecidesNothing) {
  superuser_->Execute("GRANT yellow_other TO yellow_tmp_7");
  Start();
  const Connection connection = Connect(
      "application_name=innocent options='-c role=yellow_other -c search_path=evil -c statement_timeout=1' "
      "client_encoding=SJIS user=postgres dbname=postgres");
  ASSERT_EQ(PQstatus(connection.get()), CONNECTION_OK) << PQerrorMessage(connection.get());
  EXPECT_EQ(Reply(connection,
                  "SELECT session_user, current_user, current_database(), "
                  "current_setting('application_name'), current_setting('search_path'), "
                  "current_setting('client_encoding'), current_setting('statement_timeout')"),
            "yellow_tmp_7|yellow_tmp_7|merge|yellow access 7|\"$user\", public|UTF8|0");
  superuser_->Execute("REVOKE yellow_other FROM yellow_tmp_7");
  EXPECT_THAT(PQerrorMessage(Connect("replication=database").get()), HasSubstr("no replication"));
  EXPECT_THAT(PQerrorMessage(Connect("replication=true").get()), HasSubstr("no replication"));
}

TEST_F(SessionProxyAttackTest, HowValuesLookIsPassedOnAndNothingWithIt) {
  EXPECT_EQ(
      SafeOptions({{"TimeZone", "Europe/Paris"}, {"role", "x"}, {"options", "-c a=b"}, {"DateStyle", "ISO, DMY"}}),
      " -c DateStyle=ISO,\\ DMY -c TimeZone=Europe/Paris");
  EXPECT_EQ(SafeOptions({{"timezone", "UTC -c role=x\\ \t"}}), " -c TimeZone=UTC\\ -c\\ role=x\\\\\\ \\\t");
  Start();
  const std::string parameters =
      Parameters({"user", "a", "TimeZone", "Asia/Tokyo", "role", "yellow_other", "session_authorization", "postgres"});
  const std::string heard = OutcomeOf(StartupPacket(196608, parameters));
  EXPECT_THAT(heard, HasSubstr(Parameters({"TimeZone", "Asia/Tokyo"}).substr(0, 19)));
  EXPECT_THAT(heard, HasSubstr(Parameters({"session_authorization", "yellow_tmp_7"}).substr(0, 34)));
}

TEST_F(SessionProxyAttackTest, ClientsOfANewerProtocolAreTalkedDown) {
  Start();
  const std::string parameters = Parameters({"user", "a", "_pq_.novelty", "on"});
  const std::string heard = OutcomeOf(StartupPacket(196610, parameters));
  EXPECT_EQ(heard[0], 'v');
  EXPECT_EQ(heard.substr(5, 8), BigEndian(196608) + BigEndian(1));
  EXPECT_EQ(heard.substr(13, 13), Parameters({"_pq_.novelty"}).substr(0, 13));
  EXPECT_EQ(heard.substr(heard.size() - 6), "Z" + BigEndian(5) + "I");
  EXPECT_THAT(OutcomeOf(StartupPacket(131072, parameters)), HasSubstr("only protocol 3"));
}

TEST_F(SessionProxyAttackTest, ABadFirstPacketIsRefused) {
  Start();
  const std::string ssl = BigEndian(8) + BigEndian(80877103);
  EXPECT_EQ(OutcomeOf(ssl, 300), "N");
  EXPECT_THAT(OutcomeOf(ssl + ssl + ssl + ssl), HasSubstr("malformed"));
  EXPECT_THAT(OutcomeOf(BigEndian(3)), HasSubstr("malformed"));
  EXPECT_THAT(OutcomeOf(BigEndian(0xFFFFFFFF)), HasSubstr("malformed"));
  EXPECT_THAT(OutcomeOf(StartupPacket(196608, "user")), HasSubstr("malformed"));
  EXPECT_THAT(OutcomeOf(StartupPacket(196608, Parameters({"user", "a"}).substr(0, 7))), HasSubstr("malformed"));
  EXPECT_THAT(OutcomeOf("GET / HTTP/1.1\r\n\r\n"), HasSubstr("malformed"));
  EXPECT_TRUE(sink_.Of<ports::WireConnected>().empty());
  const int slow = RawSocket();
  Say(slow, BigEndian(100));
  const auto started = steady_clock::now();
  EXPECT_EQ(Heard(slow, 20000), "<closed>");
  EXPECT_GT(steady_clock::now() - started, std::chrono::seconds(3));
  EXPECT_LT(steady_clock::now() - started, std::chrono::seconds(9));
  close(slow);
}

TEST_F(SessionProxyAttackTest, WhoDoesNotKnowTheKeyCancelsNothing) {
  Start();
  const Connection connection = Connect();
  ASSERT_EQ(PQsendQuery(connection.get(), "SELECT pg_sleep(1)"), 1);
  const auto process = static_cast<uint32_t>(PQbackendPID(connection.get()));
  OutcomeOf(BigEndian(16) + BigEndian(80877102) + BigEndian(process) + BigEndian(1), 2000);
  EXPECT_EQ(PQresultStatus(Result(PQgetResult(connection.get())).get()), PGRES_TUPLES_OK);
  ASSERT_EQ(sink_.Of<ports::WireCancel>().size(), 1U);
  EXPECT_EQ(sink_.Of<ports::WireCancel>()[0].client, 0);
}

TEST_F(SessionProxyAttackTest, WhatIsNoMessageEndsTheConnection) {
  Start();
  const std::string login = StartupPacket(196608, Parameters({"user", "a"}));
  EXPECT_THAT(OutcomeOf(login + "p" + BigEndian(9) + "guess"), HasSubstr("a message of an unknown type"));
  EXPECT_THAT(OutcomeOf(login + "Q" + BigEndian(8) + "abcd"), HasSubstr("a malformed message"));
  EXPECT_FALSE(proxy_->Ended()) << "but not those of others";
  EXPECT_TRUE(Soon([&] { return Backends() == 0; }));
}

TEST_F(SessionProxyAttackTest, ThePasswordIsInNoEnvironmentAndNoCommandLine) {
  Start();
  const Connection connection = Connect();
  ASSERT_EQ(Reply(connection, "SELECT 1"), "1");
  int looked = 0;
  for (const auto& process : std::filesystem::directory_iterator("/proc")) {
    for (const char* name : {"/environ", "/cmdline"}) {
      std::ifstream file(process.path().string() + name, std::ios::binary);
      const std::string content((std::istreambuf_iterator<char>(file)), {});
      looked += content.empty() ? 0 : 1;
      EXPECT_THAT(content, Not(HasSubstr(kCanary))) << process.path();
    }
  }
  EXPECT_GT(looked, 1);
  for (const ports::WireEvent& event : sink_.Events()) {
    const auto* gone = std::get_if<ports::WireGone>(&event.what);
    EXPECT_TRUE(gone == nullptr || gone->reason.find(kCanary) == std::string::npos);
  }
}

TEST_F(SessionProxyAttackTest, ASettingThatChangesHowTextsAreReadIsSeen) {
  Start();
  const Connection connection = Connect();
  Reply(connection, "SET client_encoding = 'SJIS'");
  Reply(connection, "SET application_name = 'innocent'");
  Reply(connection, "SELECT 1");
  EXPECT_FALSE(sink_.Of<ports::WireQuery>().back().plain_reading);
  std::vector<std::string> names;
  for (const auto& setting : sink_.Of<ports::WireSetting>()) names.push_back(setting.name);
  EXPECT_THAT(names, ::testing::ElementsAre("client_encoding", "application_name"));
}

}  // namespace
}  // namespace yellow::adapters::postgres
