#include "adapters/postgres/session.h"

#include <gtest/gtest.h>

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
