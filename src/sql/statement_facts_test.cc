#include "sql/statement_facts.h"

#include <gmock/gmock.h>

namespace yellow::sql {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// What holds of a text, in one line: `ddl role hides sets-role sets-reading`, then the relations.
std::string Facts(const std::string& text) {
  const StatementFacts facts = FactsOf(text);
  if (!facts.problem.empty()) return "unparsable";
  std::string shown;
  const auto add = [&](bool holds, const std::string& word) {
    if (holds) shown += (shown.empty() ? "" : " ") + word;
  };
  add(facts.ddl, "ddl");
  add(facts.role_command, "role");
  add(facts.hides_statements, "hides");
  add(facts.sets_role, "sets-role");
  add(facts.sets_reading, "sets-reading");
  for (const NamedRelation& relation : facts.relations) add(true, relation.schema + "." + relation.name);
  for (const NamedRelation& routine : facts.routines) add(true, routine.schema + "." + routine.name + "()");
  return shown;
}

TEST(StatementFacts, NamesTheRelationsWhereverTheyStand) {
  EXPECT_EQ(Facts("SELECT 1"), "");
  EXPECT_EQ(Facts("SELECT * FROM a.t JOIN b USING (id) WHERE EXISTS (TABLE c.u)"), ".b a.t c.u");
  EXPECT_EQ(Facts("/* a.x */ SELECT 'a.y', $$a.z$$ -- a.q\n FROM \"A\".\"t\"\"u\""), "A.t\"u");
  EXPECT_EQ(Facts("INSERT INTO a.t SELECT * FROM b.u; DELETE FROM a.v USING c.w"), "a.t a.v b.u c.w");
  EXPECT_EQ(Facts("COPY a.t TO STDOUT; COPY (SELECT * FROM b.u) TO STDOUT"), "a.t b.u");
  EXPECT_EQ(Facts("DECLARE c CURSOR FOR SELECT * FROM a.t; FETCH c; EXPLAIN ANALYZE UPDATE b.u SET i = 1"), "a.t b.u");
  EXPECT_EQ(Facts("PREPARE p AS DELETE FROM a.t; EXECUTE p"), "a.t");
  EXPECT_EQ(Facts("LOCK a.t; TRUNCATE b.u; VACUUM c.v"), "a.t b.u c.v");
  EXPECT_EQ(Facts("MERGE INTO a.t USING b.u ON true WHEN MATCHED THEN DELETE"), "a.t b.u");
  EXPECT_THAT(FactsOf("SELECT 1; WITH x AS (DELETE FROM a.t RETURNING *) SELECT 1").kinds,
              ElementsAre("DeleteStmt", "SelectStmt"));
}

TEST(StatementFacts, ACommonTableExpressionHidesATableOnlyWhereItIsKnown) {
  EXPECT_EQ(Facts("WITH t AS (SELECT 1) SELECT * FROM t"), "");
  EXPECT_EQ(Facts("WITH t AS (SELECT 1) SELECT * FROM a.t"), "a.t");
  EXPECT_EQ(Facts("WITH t AS (SELECT * FROM t) SELECT * FROM t"), ".t") << "its own name is not known in it";
  EXPECT_EQ(Facts("WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT * FROM t) SELECT * FROM t"), "");
  EXPECT_EQ(Facts("WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b"), ".b");
  EXPECT_EQ(Facts("SELECT * FROM t WHERE i IN (WITH t AS (SELECT 1) SELECT * FROM t)"), ".t") << "nor outside";
  EXPECT_EQ(Facts("WITH t AS (SELECT 1) SELECT 1; SELECT * FROM t"), ".t");
  EXPECT_EQ(Facts("WITH t AS (DELETE FROM a.u RETURNING *) INSERT INTO t SELECT * FROM t"), ".t a.u");
}

TEST(StatementFacts, WhatChangesTheCatalogIsDdl) {
  for (const char* text :
       {"CREATE TEMP TABLE x (i int)", "CREATE TABLE x AS SELECT 1", "SELECT 1 INTO x", "create/**/view x as select 1",
        "ALTER TABLE x OWNER TO y", "COMMENT ON TABLE x IS 'y'", "CREATE EXTENSION dblink",
        "EXPLAIN CREATE TABLE x AS SELECT 1", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "BEGIN; DROP FUNCTION f(); COMMIT", "ALTER SYSTEM SET a = 1",
        "CREATE TRIGGER x AFTER INSERT ON t EXECUTE FUNCTION f()",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x"})
    EXPECT_TRUE(FactsOf(text).ddl) << text;
  for (const char* text : {"SELECT 'CREATE TABLE x'", "SELECT 1 -- DROP TABLE x", "BEGIN", "FETCH c",
                           "SET search_path = a", "NOTIFY x", "SELECT create_table FROM a.t", "CALL a.p()"})
    EXPECT_FALSE(FactsOf(text).ddl) << text;
  EXPECT_EQ(Facts("DROP TABLE a.t, u"), "ddl .u a.t");
}

TEST(StatementFacts, RoleCommands) {
  for (const char* text :
       {"CREATE USER x", "ALTER ROLE x SET role = y", "DROP ROLE x", "GRANT x TO y", "REVOKE ALL ON a.t FROM x",
        "DROP OWNED BY x", "REASSIGN OWNED BY x TO y", "ALTER ROLE x RENAME TO y", "ALTER SCHEMA x OWNER TO y",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x", "ALTER USER CURRENT_USER PASSWORD 'x'"})
    EXPECT_TRUE(FactsOf(text).role_command) << text;
  EXPECT_FALSE(FactsOf("SELECT 'GRANT x TO y'").role_command);
}

TEST(StatementFacts, EveryWayToAnotherRole) {
  for (const char* text :
       {"SET ROLE x", "set/**/local Role = 'x'", "SET \"ROLE\" = x", "SET SESSION AUTHORIZATION x", "RESET ROLE",
        "RESET session_authorization", "DISCARD ALL", "SELECT set_config('role', 'x', false)",
        "SELECT pg_catalog.set_config('ROLE', 'x', false)", "SELECT set_config('ro' || 'le', 'x', false)",
        "UPDATE pg_settings SET setting = 'x' WHERE name = 'role'",
        "SELECT * FROM (SELECT \"set_config\"(name, 'x', true) FROM n) AS s"})
    EXPECT_TRUE(FactsOf(text).sets_role) << text;
  for (const char* text : {"SET search_path = role", "SELECT 'SET ROLE x'", "SELECT set_config('a.b', 'role', true)"})
    EXPECT_FALSE(FactsOf(text).sets_role) << text;
}

TEST(StatementFacts, WhatChangesHowTextsAreRead) {
  for (const char* text : {"SET NAMES 'SJIS'", "SET client_encoding = SJIS", "SET standard_conforming_strings = off",
                           "SELECT set_config('Client_Encoding', 'SJIS', false)", "SELECT set_config($1, $2, false)"})
    EXPECT_TRUE(FactsOf(text).sets_reading) << text;
  EXPECT_FALSE(FactsOf("SET TimeZone = 'UTC'").sets_reading);
}

TEST(StatementFacts, WhatHidesStatements) {
  for (const char* text :
       {"DO $$ BEGIN END $$", "do language plpgsql 'begin end'", "SELECT query_to_xml('SELECT 1', true, true, '')",
        "SELECT * FROM public.dblink('x', 'SELECT 1') AS t(i int)", "COPY a.t FROM PROGRAM 'id'",
        "COPY a.t TO '/tmp/x'", "SELECT table_to_xml('a.t', true, true, '')"})
    EXPECT_TRUE(FactsOf(text).hides_statements) << text;
  for (const char* text : {"SELECT 'DO $$ $$'", "COPY a.t FROM STDIN", "SELECT count(*) FROM a.t"})
    EXPECT_FALSE(FactsOf(text).hides_statements) << text;
  EXPECT_EQ(Facts("CALL b.p(); SELECT c.f(1), pg_catalog.now(), g()"), "b.p() c.f()");
}

TEST(StatementFacts, WhatCannotBeParsedSaysSo) {
  EXPECT_EQ(FactsOf("SELEC 1").problem, "syntax error at or near \"SELEC\"");
  EXPECT_NE(FactsOf(std::string_view("SELECT 1;\0DROP TABLE x", 22)).problem, "");
  EXPECT_NE(FactsOf("SELECT '\x81\x5c'").problem, "");
  std::string deep = "SELECT 1";
  for (int i = 0; i < 20000; ++i) deep += "+1";
  EXPECT_EQ(FactsOf(deep).problem, "it is nested too deeply");
  EXPECT_NE(FactsOf("SELECT " + std::string(30000, '(') + "1").problem, "");
  EXPECT_EQ(FactsOf("").problem, "");
  EXPECT_EQ(FactsOf(" -- nothing").problem, "");
  EXPECT_THAT(FactsOf("SELECT 1; SELEC 2").kinds, IsEmpty());
}

}  // namespace
}  // namespace yellow::sql
