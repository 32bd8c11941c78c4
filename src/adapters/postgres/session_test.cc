#include "adapters/postgres/session.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "testing/postgres_server.h"

namespace yellow::adapters::postgres {
namespace {

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() { dynamic_cast<LibpqSession&>(*session_).PrepareRepeated(); }

  int64_t Prepared() { return session_->Execute("SELECT count(*) FROM pg_prepared_statements").Integer(0, 0); }

  const std::unique_ptr<ports::Session> session_ = testing::PostgresServer::Shared().FreshDatabase();
};

TEST_F(SessionTest, PreparesWhatHasParametersAndComesAgain) {
  const sql::Statement sum{"SELECT $1::int + $2::int", {"1", "2"}};
  EXPECT_EQ(session_->Execute(sum).Integer(0, 0), 3);
  EXPECT_EQ(Prepared(), 0);
  EXPECT_EQ(session_->Execute(sum).Integer(0, 0), 3);
  EXPECT_EQ(session_->Execute({sum.text, {"5", std::nullopt}}).IsNull(0, 0), true) << "with other parameters";
  EXPECT_EQ(Prepared(), 1);
  for (int i = 0; i < 3; ++i) session_->Execute("SELECT 1");
  EXPECT_EQ(Prepared(), 1) << "without parameters it is planned for the data of the moment";
}

TEST_F(SessionTest, PreparesNothingUnasked) {
  const auto other = testing::PostgresServer::Shared().FreshDatabase();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(other->Execute({"SELECT $1::int", {"1"}}).Integer(0, 0), 1);
  EXPECT_TRUE(other->Execute("SELECT 1 FROM pg_prepared_statements").empty());
}

TEST_F(SessionTest, PreparesNoMoreThanItsShare) {
  for (int i = 0; i < 300; ++i) {
    const sql::Statement one{"SELECT $1::int AS c" + std::to_string(i), {"1"}};
    for (int again = 0; again < 2; ++again) EXPECT_EQ(session_->Execute(one).Integer(0, 0), 1);
  }
  EXPECT_EQ(Prepared(), 200);
}

TEST_F(SessionTest, SaysThatWhatItHasPreparedMayBeTriedAgainWhenATypeHasChanged) {
  session_->ExecuteScript("CREATE TABLE t (a int); INSERT INTO t VALUES (7)");
  const sql::Statement read{"SELECT a FROM t WHERE $1", {"t"}};
  for (int i = 0; i < 2; ++i) EXPECT_EQ(session_->Execute(read).Text(0, 0), "7");
  session_->Execute("ALTER TABLE t ALTER a TYPE text USING 'now ' || a");
  try {
    session_->Execute(read);
    FAIL() << "the server plans anew by itself now";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.sqlstate, "0A000");
    EXPECT_TRUE(error.retryable);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(session_->Execute(read).Text(0, 0), "now 7");
}

TEST_F(SessionTest, SendsManyStatementsAndReceivesWhatEachReturned) {
  std::vector<sql::Statement> statements{"CREATE TEMPORARY TABLE t (i int)"};
  for (int i = 0; i < 150; ++i) statements.push_back({"INSERT INTO t VALUES ($1) RETURNING i", {std::to_string(i)}});
  statements.emplace_back("SELECT count(*) FROM t");
  const std::vector<ports::Rows> results = session_->ExecuteAll(std::move(statements));
  ASSERT_EQ(results.size(), 152U);
  for (int i = 0; i < 150; ++i) ASSERT_EQ(results[static_cast<size_t>(i) + 1].Integer(0, 0), i);
  EXPECT_EQ(results.back().Integer(0, 0), 150);
  EXPECT_TRUE(session_->ExecuteAll({}).empty());
  EXPECT_EQ(Prepared(), 1) << "what comes again is prepared here, too";
}

TEST_F(SessionTest, OfManyStatementsNoneIsExecutedAfterOneThatFails) {
  session_->ExecuteScript("CREATE TEMPORARY TABLE t (i int PRIMARY KEY)");
  const auto insert = [](const char* value) { return sql::Statement{"INSERT INTO t VALUES ($1)", {value}}; };
  for (const bool begun : {false, true}) {
    try {
      std::vector<sql::Statement> statements{insert("1"), insert("1"), insert("nonsense"), insert("2")};
      if (begun) {
        ports::Transaction transaction(*session_, "", "", std::move(statements));
        transaction.Received();
      } else {
        session_->ExecuteAll(std::move(statements));
      }
      FAIL() << "the key was there twice";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.sqlstate, "23505") << "the first failure is the one that is told";
    }
    EXPECT_FALSE(session_->in_transaction());
    EXPECT_EQ(session_->Execute("SELECT count(*) FROM t").Integer(0, 0), 0);
  }
}

TEST_F(SessionTest, AStatementThatTheServerQuotesShowsNoVerifier) {
  const std::string verifier = MakeScramVerifier(base::Secret("canary"));
  try {
    session_->ExecuteScript("DO $$ BEGIN EXECUTE 'CREATE ROLE ' || current_user || $q$ PASSWORD '" + verifier +
                            "' VALID UNTIL 'infinity'$q$; END $$");
    FAIL() << "the role was there twice";
  } catch (const base::Error& error) {
    const std::string told = base::Describe(error);
    EXPECT_NE(told.find("PASSWORD 'SCRAM-SHA-256$***' VALID UNTIL 'infinity'"), std::string::npos) << told;
    EXPECT_EQ(told.find(verifier.substr(14)), std::string::npos) << told;
  }
}

TEST_F(SessionTest, WhatCouldNotBePreparedIsPreparedWhenItCan) {
  const sql::Statement read{"SELECT i FROM later WHERE $1 = 'x'", {"x"}};
  EXPECT_THROW(session_->Execute(read), base::Error);
  EXPECT_THROW(session_->ExecuteAll({read}), base::Error) << "the second time it is to be prepared";
  EXPECT_THROW(session_->Execute(read), base::Error);
  session_->ExecuteScript("CREATE TABLE later (i int); INSERT INTO later VALUES (7)");
  EXPECT_EQ(session_->Execute(read).Integer(0, 0), 7);
  EXPECT_EQ(session_->ExecuteAll({read}).at(0).Integer(0, 0), 7);
  EXPECT_EQ(Prepared(), 1);
}

TEST_F(SessionTest, ACommitThatRollsBackIsAFailureAmongOthersToo) {
  for (const bool together : {false, true}) {
    session_->Execute("BEGIN");
    EXPECT_THROW(session_->Execute("SELECT 1 / 0"), base::Error);
    try {
      if (together) {
        session_->ExecuteAll({"COMMIT"});
      } else {
        session_->Execute("COMMIT");
      }
      FAIL() << "nothing was committed";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.sqlstate, "25P02");
    }
    EXPECT_EQ(session_->Execute("SELECT 1").Integer(0, 0), 1);
  }
}

TEST_F(SessionTest, TheServerWorksOnWhatWasSentMeanwhile) {
  const auto other = testing::PostgresServer::Shared().connector().Open(
      testing::PostgresServer::Shared().Target(session_->Execute("SELECT current_database()").Text(0, 0)));
  session_->Execute("SELECT pg_advisory_lock(1)");
  other->Send({"SELECT pg_advisory_lock_shared(1)", "SELECT 7"});
  const auto waits = [&] {
    return session_->Execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").Integer(0, 0);
  };
  for (int i = 0; i < 1000 && waits() == 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(waits(), 1);
  session_->Execute("SELECT pg_advisory_unlock(1)");
  EXPECT_EQ(other->Receive().back().Integer(0, 0), 7);
}

TEST_F(SessionTest, WhatIsNeverReceivedIsInNobodysWay) {
  session_->Send({"SELECT 1", "SELECT 1 / 0"});
  EXPECT_EQ(session_->Execute("SELECT 2").Integer(0, 0), 2);
  session_->Send({"SELECT 3"});
  session_->Send({"SELECT 4"});
  EXPECT_EQ(session_->Receive().at(0).Integer(0, 0), 4);
  {
    const ports::Transaction transaction(*session_, "", "", {"SELECT 5"});
  }
  EXPECT_FALSE(session_->in_transaction());
}

TEST_F(SessionTest, ALostConnectionIsToldOfWhatWasSent) {
  const auto lost = [](const auto& act) {
    try {
      act();
    } catch (const base::Error& error) {
      return error.code == "connection_lost" && error.retryable;
    }
    return false;
  };
  const auto other = testing::PostgresServer::Shared().FreshDatabase();
  const sql::Statement end{"SELECT pg_terminate_backend($1, 10000)", {std::to_string(session_->backend_pid())}};
  session_->Send({"SELECT pg_sleep(60)", "SELECT 1"});
  other->Execute(end);
  EXPECT_TRUE(lost([&] { session_->Receive(); }));
  EXPECT_TRUE(lost([&] { session_->ExecuteAll({"SELECT 1", "SELECT 2"}); }));
  EXPECT_TRUE(lost([&] { session_->Execute("SELECT 1"); }));
}

TEST_F(SessionTest, TellsThatATransactionIsOpen) {
  EXPECT_FALSE(session_->in_transaction());
  session_->Execute("BEGIN");
  EXPECT_TRUE(session_->in_transaction());
  EXPECT_THROW(session_->Execute("SELECT 1 / 0"), base::Error);
  EXPECT_TRUE(session_->in_transaction()) << "it has failed, and is not over";
  session_->Execute("ROLLBACK");
  EXPECT_FALSE(session_->in_transaction());
}

}  // namespace
}  // namespace yellow::adapters::postgres
