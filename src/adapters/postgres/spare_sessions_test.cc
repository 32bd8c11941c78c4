#include "adapters/postgres/spare_sessions.h"

#include <gtest/gtest.h>

#include <thread>

#include "adapters/postgres/connector.h"
#include "base/error.h"
#include "testing/postgres_server.h"

namespace yellow::adapters::postgres {
namespace {

class SpareSessionsTest : public ::testing::Test {
 protected:
  SpareSessionsTest()
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

  /// Within ten seconds.
  bool Becomes(const std::string& name, int64_t count) {
    for (int i = 0; i < 1000 && Count(name) != count; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return Count(name) == count;
  }

  const std::unique_ptr<ports::Session> session_;
  const ports::ConnectionTarget target_;
};

TEST_F(SpareSessionsTest, AreOpenedAheadAndHandedOutOnce) {
  SpareSessions connector(MakeConnector());
  connector.Keep(Named("spare"), 2, "SET statement_timeout = '2h'");
  ASSERT_TRUE(Becomes("spare", 2));
  const int64_t oldest =
      session_->Execute("SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'spare'").Integer(0, 0);
  const auto first = connector.Open(Named("first"));
  EXPECT_LE(first->backend_pid(), oldest) << "it was there before";
  EXPECT_EQ(Count("first"), 1);
  EXPECT_EQ(first->Execute("SHOW statement_timeout").Text(0, 0), "2h") << "it was warmed up";
  first->Execute("SET statement_timeout = '1h'");
  EXPECT_TRUE(Becomes("spare", 2)) << "another takes its place";
  for (int i = 0; i < 3; ++i) {
    const auto next = connector.Open(Named("next"));
    EXPECT_NE(next->backend_pid(), first->backend_pid());
    EXPECT_NE(next->Execute("SHOW statement_timeout").Text(0, 0), "1h") << "nothing of an earlier use is left";
  }
  connector.Keep(Named("spare"), 0);
  EXPECT_TRUE(Becomes("spare", 0));
}

TEST_F(SpareSessionsTest, ThoseThatTheServerHasEndedAreNoneMore) {
  SpareSessions connector(MakeConnector());
  connector.Keep(Named("spare"), 2);
  ASSERT_TRUE(Becomes("spare", 2));
  session_->Execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'spare'");
  const auto session = connector.Open(Named("use"));
  EXPECT_EQ(session->Execute("SELECT 1").Integer(0, 0), 1);
  EXPECT_TRUE(Becomes("spare", 2));
}

TEST_F(SpareSessionsTest, OthersAreConnectedAsEver) {
  SpareSessions connector(MakeConnector());
  connector.Keep(Named("spare"), 1);
  ASSERT_TRUE(Becomes("spare", 1));
  ports::ConnectionTarget other = Named("other");
  other.database = "postgres";
  EXPECT_EQ(connector.Open(other)->Execute("SELECT current_database()").Text(0, 0), "postgres");
  EXPECT_EQ(Count("spare"), 1);
  other.database = "no_such_database";
  EXPECT_THROW(connector.Open(other), base::Error);
}

TEST_F(SpareSessionsTest, AServerThatCannotBeReachedStopsNobody) {
  SpareSessions connector(MakeConnector());
  ports::ConnectionTarget nowhere = Named("spare");
  nowhere.database = "no_such_database";
  connector.Keep(nowhere, 3);
  EXPECT_THROW(connector.Open(nowhere), base::Error);
  EXPECT_EQ(connector.Open(Named("use"))->Execute("SELECT 1").Integer(0, 0), 1);
}

}  // namespace
}  // namespace yellow::adapters::postgres
