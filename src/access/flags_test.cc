#include "access/flags.h"

#include <gmock/gmock.h>

namespace yellow::access {
namespace {

const FlagRules kRules{{{"dt", "orders"}, {"dt", "customers"}, {"dt", "repair"}}, 1000};

std::string Flags(const SentText& sent) {
  std::string names;
  for (const Flag flag : FlagsOf(sent, kRules)) names += (names.empty() ? "" : " ") + std::string(NameOf(flag));
  return names;
}

std::string Flags(const std::string& text) {
  SentText sent;
  sent.text = text;
  return Flags(sent);
}

TEST(Flags, WhatTheRequestNamesNeedsNone) {
  EXPECT_EQ(Flags("SELECT * FROM dt.orders JOIN dt.customers USING (id)"), "");
  EXPECT_EQ(Flags("BEGIN; WITH gone AS (DELETE FROM dt.orders RETURNING *) SELECT count(*) FROM gone; COMMIT"), "");
  EXPECT_EQ(Flags("SELECT dt.repair(1), now()"), "");
}

TEST(Flags, ObjectsOutsideTheScope) {
  EXPECT_EQ(Flags("SELECT * FROM dt.salaries"), "outside_scope");
  EXPECT_EQ(Flags("SELECT * FROM orders"), "outside_scope") << "which one it is, search_path decides";
  EXPECT_EQ(Flags("SELECT * FROM DT.Orders"), "") << "letters do not matter without quotes";
  EXPECT_EQ(Flags("SELECT * FROM \"DT\".orders"), "outside_scope");
  EXPECT_EQ(Flags("WITH orders AS (SELECT * FROM dt.orders) SELECT * FROM orders"), "");
  EXPECT_EQ(Flags("WITH x AS (INSERT INTO hr.log SELECT * FROM dt.orders) SELECT 1"), "outside_scope");
  EXPECT_EQ(Flags("SELECT dt.orders(1), other.f(2)"), "outside_scope");
  EXPECT_EQ(Flags("DECLARE c CURSOR FOR SELECT * FROM hr.salaries"), "outside_scope");
  EXPECT_EQ(Flags("SELECT 1; SELECT * FROM hr.salaries"), "outside_scope");
  EXPECT_EQ(Flags("PREPARE p AS SELECT * FROM hr.salaries"), "outside_scope");
}

TEST(Flags, TheCatalogHasAFlagOfItsOwn) {
  EXPECT_EQ(Flags("SELECT * FROM pg_roles"), "catalog");
  EXPECT_EQ(Flags("SELECT * FROM pg_catalog.pg_class, information_schema.tables"), "catalog");
  EXPECT_EQ(Flags("SELECT * FROM pg_stat_activity, hr.salaries"), "outside_scope catalog");
}

TEST(Flags, WhatItDoes) {
  EXPECT_EQ(Flags("DROP TABLE dt.orders"), "ddl");
  EXPECT_EQ(Flags("GRANT SELECT ON dt.orders TO x"), "ddl role_command");
  EXPECT_EQ(Flags("GRANT x TO y"), "role_command");
  EXPECT_EQ(Flags("DO $$ BEGIN DELETE FROM hr.salaries; END $$"), "do_block");
  EXPECT_EQ(Flags("/* harmless */ SET ROLE yellow_owner"), "set_role");
  EXPECT_EQ(Flags("SET client_encoding = 'SJIS'"), "changes_reading");
  EXPECT_EQ(Flags("EXECUTE p(1)"), "") << "PREPARE has the flags";
}

TEST(Flags, WhatBecameOfIt) {
  SentText sent;
  sent.text = "SELECT * FROM dt.orders";
  sent.rows = 999;
  EXPECT_EQ(Flags(sent), "");
  sent.rows = 1000;
  EXPECT_EQ(Flags(sent), "many_rows");
  sent.refused = sent.after_expiry = true;
  EXPECT_EQ(Flags(sent), "refused many_rows after_expiry");
}

TEST(Flags, WhatCannotBeJudgedSaysSo) {
  EXPECT_EQ(Flags("SELEC 1"), "unparsable");
  SentText sent;
  sent.text = "SELECT * FROM hr.salaries";
  sent.plain_reading = false;
  EXPECT_EQ(Flags(sent), "outside_scope unparsable") << "what is seen is still said";
  sent.plain_reading = true, sent.whole = false;
  EXPECT_EQ(Flags(sent), "outside_scope unparsable");
}

}  // namespace
}  // namespace yellow::access
