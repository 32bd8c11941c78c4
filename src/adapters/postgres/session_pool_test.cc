#include "adapters/postgres/session_pool.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>
#include <vector>

#include "adapters/postgres/connector.h"
#include "base/error.h"
#include "testing/postgres_server.h"

namespace yellow::adapters::postgres {
namespace {

class SessionPoolTest : public ::testing::Test {
 protected:
  SessionPoolTest()
      : session_(testing::PostgresServer::Shared().FreshDatabase()),
        target_(testing::PostgresServer::Shared().Target(session_->Execute("SELECT current_database()").Text(0, 0))) {}

  ports::ConnectionTarget Named(const std::string& name) const {
    ports::ConnectionTarget target = target_;
    target.application_name = name;
    return target;
  }

  int64_t Count(const std::string& name) {
    return session_
        ->Execute({"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
                   {name}})
        .Integer(0, 0);
  }

  /// Within ten seconds; what is still being opened or cleaned may change it again.
  bool Becomes(const std::string& name, int64_t count) {
    for (int i = 0; i < 1000; ++i) {
      if (Count(name) == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  const std::unique_ptr<ports::Session> session_;
  const ports::ConnectionTarget target_;
};

TEST_F(SessionPoolTest, AreOpenedAhead) {
  SessionPool connector(MakeConnector());
  connector.Keep(Named("spare"), 2, "SET statement_timeout = '2h'");
  ASSERT_TRUE(Becomes("spare", 2));
  const int64_t oldest =
      session_->Execute("SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'spare'").Integer(0, 0);
  const auto first = connector.Open(Named("first"));
  EXPECT_LE(first->backend_pid(), oldest) << "it was there before";
  EXPECT_EQ(Count("first"), 1);
  EXPECT_EQ(first->Execute("SHOW statement_timeout").Text(0, 0), "2h") << "it was warmed up";
  EXPECT_TRUE(Becomes("spare", 2)) << "another takes its place";
  const auto second = connector.Open(Named("second"));
  EXPECT_NE(second->backend_pid(), first->backend_pid()) << "each is one user's at a time";
  connector.Keep(Named("spare"), 0);
  EXPECT_TRUE(Becomes("spare", 0));
}

TEST_F(SessionPoolTest, AreUsedAgainWithNothingOfTheUseBefore) {
  SessionPool connector(MakeConnector());
  connector.Keep(Named("spare"), 1);
  ASSERT_TRUE(Becomes("spare", 1));
  auto first = connector.Open(Named("first"));
  const int pid = first->backend_pid();
  const std::string timeout = first->Execute("SHOW lock_timeout").Text(0, 0);
  first->ExecuteScript(
      "SET lock_timeout = '1h'; SET TimeZone = 'Asia/Tokyo'; CREATE TEMPORARY TABLE left_over (); LISTEN left_over; "
      "SET ROLE pg_monitor");
  first.reset();
  connector.AwaitQuiet();
  const auto again = connector.Open(Named("again"));
  ASSERT_EQ(again->backend_pid(), pid);
  EXPECT_EQ(again->Execute("SHOW lock_timeout").Text(0, 0), timeout) << "the settings of a new session";
  EXPECT_EQ(again->Execute("SHOW TimeZone").Text(0, 0), "UTC");
  EXPECT_TRUE(again->Execute("SELECT 1 FROM pg_class WHERE relname = 'left_over'").empty());
  EXPECT_TRUE(again->Execute("SELECT pg_listening_channels()").empty());
  EXPECT_EQ(again->Execute("SELECT current_user = session_user").Text(0, 0), "t");
}

TEST_F(SessionPoolTest, AreNotUsedAgainWhenSomethingHasFailedOrIsOpenOrTheyAreOld) {
  const auto next_after = [&](SessionPool& connector, const std::function<void(ports::Session&)>& use) {
    connector.Keep(Named("spare"), 1);
    connector.AwaitQuiet();
    auto first = connector.Open(Named("first"));
    const int pid = first->backend_pid();
    use(*first);
    first.reset();
    connector.AwaitQuiet();
    EXPECT_TRUE(Becomes("first", 0)) << "it is closed, or clean";
    EXPECT_TRUE(Becomes("spare", 1)) << "and no more than wanted wait";
    return connector.Open(Named("next"))->backend_pid() == pid;
  };
  SessionPool connector(MakeConnector()), strict(MakeConnector(), std::chrono::seconds(0));
  EXPECT_TRUE(next_after(connector, [](ports::Session& session) { session.Execute("SELECT 1"); }));
  EXPECT_FALSE(next_after(connector,
                          [](ports::Session& session) { EXPECT_THROW(session.Execute("SELECT 1 / 0"), base::Error); }));
  EXPECT_FALSE(next_after(connector, [](ports::Session& session) { session.Execute("BEGIN"); }));
  connector.Keep(Named("spare"), 0);
  ASSERT_TRUE(Becomes("spare", 0));
  EXPECT_FALSE(next_after(strict, [](ports::Session& session) { session.Execute("SELECT 1"); }));
}

TEST_F(SessionPoolTest, ThoseThatTheServerHasEndedAreNoneMore) {
  SessionPool connector(MakeConnector());
  connector.Keep(Named("spare"), 2);
  ASSERT_TRUE(Becomes("spare", 2));
  session_->Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'spare'");
  const auto session = connector.Open(Named("use"));
  EXPECT_EQ(session->Execute("SELECT 1").Integer(0, 0), 1);
  EXPECT_TRUE(Becomes("spare", 2));
}

TEST_F(SessionPoolTest, NoMoreThanItsShareWaitsHoweverManyComeBack) {
  SessionPool connector(MakeConnector());
  connector.Keep(Named("spare"), 2);
  ASSERT_TRUE(Becomes("spare", 2));
  std::vector<std::unique_ptr<ports::Session>> used;
  for (int i = 0; i < 8; ++i) used.push_back(connector.Open(Named("use")));
  ASSERT_EQ(Count("use"), 8);
  used.clear();
  const auto all = [&] { return Count("use") + Count("busy") + Count("spare"); };
  for (int i = 0; i < 100 && all() > 2; ++i) connector.Open(Named("busy"));  // so that it is never quiet
  EXPECT_LE(all(), 2);
}

TEST_F(SessionPoolTest, OthersAreConnectedAsEver) {
  SessionPool connector(MakeConnector());
  connector.Keep(Named("spare"), 1);
  ASSERT_TRUE(Becomes("spare", 1));
  ports::ConnectionTarget other = Named("other");
  other.database = "postgres";
  EXPECT_EQ(connector.Open(other)->Execute("SELECT current_database()").Text(0, 0), "postgres");
  EXPECT_EQ(Count("spare"), 1);
  other.database = "no_such_database";
  EXPECT_THROW(connector.Open(other), base::Error);
}

TEST_F(SessionPoolTest, AServerThatCannotBeReachedStopsNobody) {
  SessionPool connector(MakeConnector());
  ports::ConnectionTarget nowhere = Named("spare");
  nowhere.database = "no_such_database";
  connector.Keep(nowhere, 3);
  EXPECT_THROW(connector.Open(nowhere), base::Error);
  EXPECT_EQ(connector.Open(Named("use"))->Execute("SELECT 1").Integer(0, 0), 1);
}

}  // namespace
}  // namespace yellow::adapters::postgres
