"""Transformer code that fails, hangs, lies or reaches for what is not its own: consumers keep the last good data, the reason is shown,
and the database refuses the rest. Every transformer here is a process with the run's login."""

import json
import re
import time
import unittest

from project import PSQL, Project

MODEL = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  timeout: LIMIT
  retries: 50
  output:
    datastore: Work
    datasets: {people: {key: [id], columns: {id: varchar(20), initial: varchar(2) not null}}}
    guards: {max_deleted: 90%}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""

COMMON = """
import os, subprocess, sys, time
SOURCE, TARGET = os.environ["YELLOW_INPUT__IN__SHOP__CUSTOMERS"], os.environ["YELLOW_OUTPUT__PEOPLE"]
def sql(text, check=True):
    done = subprocess.run(["@PSQL@", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="")
    if check and done.returncode: sys.exit(4)
    return done
GOOD = f"INSERT INTO {TARGET} SELECT id, left(firstname, 1) FROM {SOURCE}"
"""

# Everything that a login can do to an object that is not PostgreSQL's own, as that login sees it.
RIGHTS = """
SELECT 'schema ' || nspname || ' ' || p FROM pg_namespace, unnest(ARRAY['USAGE', 'CREATE']) p
 WHERE has_schema_privilege(oid, p) AND nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'table ' || c.oid::regclass || ' ' || p FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p
 WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f', 'S') AND c.relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
 AND has_schema_privilege(c.relnamespace, 'USAGE') AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'USAGE') AND p = 'SELECT' ELSE has_table_privilege(c.oid, p) END
UNION ALL SELECT 'function ' || oid::regprocedure || ' EXECUTE' FROM pg_proc
 WHERE pronamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
 AND has_schema_privilege(pronamespace, 'USAGE') AND has_function_privilege(oid, 'EXECUTE')
UNION ALL SELECT 'function ' || proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
 AND (proname ~ '^pg_(try_)?advisory' OR proname ~ '^lo_' OR proname IN ('loread', 'lowrite', 'pg_read_file', 'pg_ls_dir')) AND has_function_privilege(oid, 'EXECUTE')
UNION ALL SELECT 'database ' || datname || ' ' || p FROM pg_database, unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) p
 WHERE datallowconn AND datname NOT LIKE 'template%' AND datname <> 'postgres' AND has_database_privilege(oid, p)
UNION ALL SELECT 'role ' || rolname FROM pg_roles WHERE pg_has_role(oid, 'MEMBER') AND rolname <> current_user
ORDER BY 1
"""


class Misbehaviour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()
        (cls.project.root / "model/worker").mkdir()
        cls.step = 0
        cls.good = cls.run_code("sql(GOOD)")
        assert cls.good.status == 0, cls.good
        cls.before = cls.output()
        assert len(cls.before) > 2900, "the good run wrote the output"

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    @classmethod
    def run_code(cls, body, limit="40s"):
        """A changed file is a changed definition, so that the code runs at once."""
        cls.step += 1
        (cls.project.root / "model/worker.yaml").write_text(MODEL.replace("LIMIT", limit))
        (cls.project.root / "model/worker/main.py").write_text(f"# {cls.step}\n" + COMMON.replace("@PSQL@", PSQL) + body)
        return cls.project.yellow("run", "--apply", timeout=90)

    @classmethod
    def output(cls):
        return cls.project.sql("MergeDB", "SELECT * FROM ws_workreader.now__work__people ORDER BY id")

    def last_run(self):
        listed = json.loads(self.project.yellow("runs", "list", "Worker", "--output", "json").out)
        return listed[0], self.project.yellow("runs", "logs", listed[0]["id"]).out

    def assert_refused(self, body, reason_code, text="", limit="40s"):
        result = self.run_code(body, limit)
        self.assertEqual(result.status, 1, result)
        run, log = self.last_run()
        self.assertEqual(run["reason"]["code"], reason_code, run)
        self.assertIn(text, run["reason"]["text"] + log)
        self.assertEqual(self.output(), self.before, "consumers see the last good data")
        self.assertEqual(self.project.broken_invariants(), {})
        shown = self.project.yellow("explain", "Worker").out
        self.assertIn(run["reason"]["text"].splitlines()[0], shown)
        self.assertIn(f"What it printed: yellow runs logs {run['id']}", shown)
        self.assertEqual(self.project.yellow("runs", "logs", "Worker").out, log, "the newest run of a transformer goes by its name")
        status = self.project.yellow("status").out
        self.assertRegex(status, rf"(?m)^Work +\w+ .*{re.escape(run['reason']['text'].splitlines()[0])}   yellow explain Worker$")
        self.assertRegex(status, r"(?m)^ShopMasked +ok ", "others go on")

    def test_exit_status(self):
        self.assert_refused("sql(GOOD); print('SUCCESS: committed'); sys.exit(3)", "exit_status", "exit status 3")

    def test_killed_in_mid_write(self):
        self.assert_refused("sql(GOOD); os.kill(os.getpid(), 9)", "exit_status", "signal 9")

    def test_hang(self):
        self.assert_refused("sql(GOOD)\ntime.sleep(1000)", "timeout", "longer than 3 s", "3s")

    def test_wrote_nothing(self):
        self.assert_refused("print('all is well')", "emptied", "now none")
        self.assertEqual(self.project.yellow("batches", "reject", "Work").status, 0)

    def test_null_key(self):
        self.assert_refused('sql(f"INSERT INTO {TARGET} VALUES (NULL, \'a\')")', "exit_status", "not-null")

    def test_too_long(self):
        self.assert_refused('sql(f"INSERT INTO {TARGET} VALUES (\'x\', \'abc\')")', "exit_status", "too long")

    def test_a_flood_of_output_is_capped(self):
        result = self.run_code("sql(GOOD)\nfor _ in range(100): sys.stdout.write('x' * 1000000)\nsys.stdout.flush()")
        self.assertEqual(result.status, 0, result)
        _, log = self.last_run()
        self.assertLessEqual(len(log), (1 << 20) + 1)

    def test_sessions_that_are_left_open_end_with_the_run(self):
        body = """
sql(GOOD)
subprocess.Popen(["setsid", "psql", "-X", "-q", "-c", f"SELECT pg_sleep(3); INSERT INTO {TARGET} VALUES ('late', 'x')"], stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
time.sleep(0.5)
"""
        result = self.run_code(body)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.broken_invariants(), {})
        time.sleep(3.5)
        rows = self.project.sql("MergeDB", "SELECT count(*) FROM dp_main.dt_work__people")
        self.assertEqual(rows, [("0",)], "the late INSERT did not happen; what was merged is gone from here")
        self.assertEqual(self.output(), self.before)

    def test_everything_else_is_refused(self):
        attempts = [
            "SELECT * FROM dp_main.shop__customers", "SELECT * FROM dp_main.shopmasked__customers", "DELETE FROM {SOURCE}",
            "SELECT * FROM yellow.stream", "UPDATE yellow.run SET state = 'committed'", "TRUNCATE {TARGET}", "DROP TABLE {TARGET}",
            "ALTER TABLE {TARGET} ADD COLUMN x text", "CREATE TABLE public.t ()", "CREATE TABLE dp_main.t ()", "CREATE ROLE r",
            "CREATE TRIGGER t BEFORE INSERT ON {TARGET} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "SELECT pg_advisory_lock(1)", "SELECT lo_creat(-1)", "SET ROLE yellow_owner", "SET ROLE yellow_engine", "SET SESSION AUTHORIZATION yellow_super",
            "SELECT yellow_sec.run_drop('00000000')", "SELECT yellow_op.dt_clear('dp_main', 'dt_work__people')",
            "COPY {TARGET} TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/passwd')", "SELECT * FROM ws_analysts.now__shopmasked__customers",
            "SELECT rolpassword FROM pg_authid", "LOCK TABLE dp_main.shop__customers",
        ]
        body = f"for text in {attempts!r}:\n    done = sql(text.format(SOURCE=SOURCE, TARGET=TARGET), check=False)\n" \
               "    print('ALLOWED: ' + text if done.returncode == 0 else 'refused')\nsql(GOOD)"
        result = self.run_code(body)
        self.assertEqual(result.status, 0, result)
        _, log = self.last_run()
        self.assertNotIn("ALLOWED", log)
        self.assertEqual(log.count("refused"), len(attempts), log)

    def test_rights_of_a_run_are_exactly_these(self):
        result = self.run_code(f"done = sql({RIGHTS!r})\nsql(GOOD)")
        self.assertEqual(result.status, 0, result)
        run, log = self.last_run()
        scratch = f"scratch_{run['id']}"
        expected = sorted(
            ["database merge CONNECT", "database merge TEMPORARY", "role yellow_dt_worker", "role yellow_run", "role yellow_ws_worker",
             "schema dp_main USAGE", f"schema {scratch} CREATE", f"schema {scratch} USAGE", "schema ws_worker USAGE",
             "table ws_worker.in__shop__customers SELECT", "table ws_worker.yellow_batches SELECT"]
            + [f"table dp_main.dt_work__people {p}" for p in ("DELETE", "INSERT", "SELECT", "UPDATE")])
        seen = sorted(line for line in log.splitlines() if line.split(" ")[0] in ("database", "role", "schema", "table", "function"))
        self.assertEqual(seen, expected)

    def test_what_it_may_do(self):
        body = f"""
sql("CREATE TEMPORARY TABLE t AS SELECT 1; SELECT * FROM t")
sql(f"CREATE TABLE work AS SELECT * FROM {{SOURCE}}; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f()")
sql(f"BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{{os.environ['YELLOW_SNAPSHOT']}}'; {{GOOD}}; COMMIT")
assert os.environ["YELLOW_MODE"] == "full" and "YELLOW_DATABASE_URL" in os.environ and os.environ["TRACEPARENT"].startswith("00-")
assert not [name for name in os.environ if name.startswith("CANARY")]
"""
        result = self.project.yellow("status", environment={"CANARY": "secret"})
        result = self.run_code(body)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.sql("MergeDB", "SELECT nspname FROM pg_namespace WHERE nspname ~ '^scratch_'"), [])


if __name__ == "__main__":
    unittest.main()
