#include "sql/effect.h"

#include <gmock/gmock.h>

namespace yellow::sql {
namespace {

TEST(EffectOf, NamesWhatAStatementChanges) {
  EXPECT_EQ(EffectOf("INSERT INTO yellow.mark (stream) VALUES ($1)"), "insert yellow.mark");
  EXPECT_EQ(EffectOf("UPDATE \"dp_main\".\"shop__a\" t SET x = 1"), "update dp_main.shop__a");
  EXPECT_EQ(EffectOf("DELETE FROM yellow.mark"), "delete yellow.mark");
  EXPECT_EQ(EffectOf("TRUNCATE \"dp_main\".\"stg__shop__a\""), "truncate dp_main.stg__shop__a");
  EXPECT_EQ(EffectOf("COPY dp_main.stg__shop__a (id) FROM STDIN (FORMAT binary)"), "copy dp_main.stg__shop__a");
  EXPECT_EQ(EffectOf("\nUPDATE yellow.stream SET epoch = 1"), "update yellow.stream");
  EXPECT_EQ(EffectOf("SELECT yellow_sec.run_open($1, $2)"), "call yellow_sec.run_open");
  EXPECT_EQ(EffectOf("SELECT yellow_access.audit_add($1, $2)"), "call yellow_access.audit_add");
  EXPECT_EQ(EffectOf("VACUUM (ANALYZE, FREEZE, INDEX_CLEANUP ON) a.b"), "vacuum");
  EXPECT_EQ(EffectOf("SELECT 1 FROM yellow.stream WHERE key = $1 FOR UPDATE"), "lock yellow.stream");
  EXPECT_EQ(EffectOf("WITH changed AS (UPDATE a.b t SET x = 1 RETURNING x) INSERT INTO a.c SELECT x"), "insert a.c");
  EXPECT_EQ(EffectOf("LOCK TABLE yellow.installation IN SHARE MODE"), "lock yellow.installation");
  EXPECT_EQ(EffectOf("COMMIT /* merge */"), "commit");
}

TEST(EffectOf, LeavesOutWhatOnlyReadsOrSetsSomethingOfTheSession) {
  for (const char* text : {"SELECT 1", "BEGIN /* merge */", "ROLLBACK", "SET lock_timeout = '1s'", "", "SHOW all",
                           "SELECT * FROM yellow_access.audit_head()"})
    EXPECT_EQ(EffectOf(text), "") << text;
}

TEST(Named, IsFoundAgain) {
  EXPECT_EQ(NameIn(Named("BEGIN READ ONLY", "merge")), "merge");
  EXPECT_EQ(NameIn(Named("BEGIN", "")), "");
  EXPECT_EQ(NameIn("COMMIT"), "");
}

}  // namespace
}  // namespace yellow::sql
