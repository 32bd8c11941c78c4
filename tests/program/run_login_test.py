"""The login of a run leaves a record that is part of its opening: who holds the engine's credential tries to have one without."""

import contextlib
import json
import unittest

import psycopg2

from people import verifier
from project import Project

UNKNOWN = "SELECT yellow_sec.run_open('{run}', '{verifier}', clock_timestamp() + interval '1h', '{readers}', '{writers}')"
OTHER = """
kind: Workspace
name: Other
groups: {G: {sinks: [Shop.customers]}}
transformer:
  code: {mask: {customers: {firstname: redact, lastname: redact, dob: "null", email: redact, phone: redact}}}
  output: {datastore: ShopOther, datasets: {customers: {like: Shop.customers}}}
---
kind: Workspace
name: OtherReaders
groups: {G: {sinks: [ShopOther.customers]}}
"""


class RunLoginTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()
        cls.project.write("model/other.yaml", OTHER)
        applied = cls.project.yellow("apply")
        assert applied.status == 0, applied
        cls.runs = iter(f"{number:016x}" for number in range(0xfeed0000, 0xfeedffff))

    # ---- In the engine's place.

    def engine(self):
        info = self.project.connections()["MergeDB"]
        secret = (self.project.root / ".yellow/secrets/yellow_engine").read_text()
        return contextlib.closing(psycopg2.connect(host=info["host"], port=info["port"], dbname=info["database"], user="yellow_engine", password=secret))

    def done(self, *statements):
        """By the engine, each in a transaction of its own."""
        with self.engine() as session, session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                session.commit()

    def refused(self, statement, pattern="permission denied|must be owner|must have"):
        with self.engine() as session, session.cursor() as cursor, self.assertRaisesRegex(psycopg2.Error, pattern, msg=statement):
            cursor.execute(statement)

    def made_up(self, workspace="MaskShop"):
        """A run that nobody has asked for."""
        run = next(self.runs)
        self.done(f"""INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder)
                      SELECT '{run}', t.key, 'preparing', 'full', '', (SELECT max(version) FROM yellow.model), 'none', 'nobody:1:1' FROM yellow.transformer t WHERE workspace = '{workspace}'""")
        self.addCleanup(self.project.sql, "MergeDB", f"SELECT yellow_sec.run_disable('{run}'); SELECT yellow_sec.run_drop('{run}'); DELETE FROM yellow.run WHERE id = '{run}'")
        return run

    def opening(self, run, workspace="MaskShop"):
        return UNKNOWN.format(run=run, verifier=verifier("x"), readers=f"yellow_ws_{workspace.lower()}", writers=f"yellow_dt_{workspace.lower()}")

    # ---- What is there.

    def records(self, run):
        """(login, person, subject, details) of each."""
        rows = self.project.sql("MergeDB", f"SELECT login, person, subject, details FROM yellow_access.audit WHERE action = 'run.login' AND details ->> 'run' = '{run}' ORDER BY id")
        return [(login, person, subject, json.loads(details)) for login, person, subject, details in rows]

    def groups(self, run):
        return [group for group, in self.project.sql("MergeDB", f"""SELECT g.rolname FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles l ON l.oid = a.member
                                                                   WHERE l.rolname = 'yellow_run_{run}' ORDER BY 1""")]

    def finding(self, run):
        findings = json.loads(self.project.yellow("doctor", "--output", "json").out)
        return next((f for f in findings if f["key"].endswith(f"/yellow_run_{run}") and f["key"].startswith("logins/")), None)

    # ---- Runs as they should be.

    def test_each_run_has_one_and_the_chain_has_it(self):
        project = self.project
        self.assertEqual(project.yellow("rebuild", "MaskShop").status, 0)
        done = project.yellow("run", "MaskShop")
        self.assertEqual(done.status, 0, done)
        runs = project.sql("MergeDB", "SELECT id FROM yellow.run WHERE state = 'committed' AND transformer = 'Transform/Main/MaskShop'")
        self.assertGreaterEqual(len(runs), 2)
        for run, in runs:
            (login, person, subject, details), = self.records(run)
            self.assertEqual((login, person, subject), ("yellow_engine", "yellow", "Transform/Main/MaskShop"))
            self.assertEqual((details["workspace"], details["groups"], details["writes"]), ("MaskShop", ["yellow_ws_maskshop", "yellow_dt_maskshop"], True))
            self.assertRegex(details["until"], r"^20\d\d-")
        self.assertEqual(project.yellow("audit", "chain").status, 0)
        self.assertEqual(project.yellow("audit", "verify").status, 0)
        found = json.loads(project.yellow("audit", "search", "--action", "run.login", "--output", "json").out)
        self.assertLessEqual({run for run, in runs}, {record["details"]["run"] for record in found})

    def test_one_of_a_try_has_no_groups(self):
        tried = self.project.yellow("try", "Other")
        self.assertEqual(tried.status, 0, tried)
        run, = self.project.sql("MergeDB", "SELECT details ->> 'run' FROM yellow_access.audit WHERE action = 'transformer.tried' ORDER BY id DESC LIMIT 1")[0]
        (login, person, subject, details), = self.records(run)
        self.assertEqual((login, person, subject, details["groups"], details["writes"]), ("yellow_engine", "yellow", f"yellow_run_{run}", [], False))

    # ---- Attacks.

    def test_a_run_that_is_made_up_leaves_one(self):
        run = self.made_up()
        self.done(self.opening(run))
        self.assertEqual(self.groups(run), ["yellow_dt_maskshop", "yellow_run", "yellow_ws_maskshop"])
        (login, _, subject, details), = self.records(run)
        self.assertEqual((login, subject, details["writes"]), ("yellow_engine", "Transform/Main/MaskShop", True))
        self.done(f"DELETE FROM yellow.run WHERE id = '{run}'")
        self.assertEqual(len(self.records(run)), 1)
        self.assertEqual(self.finding(run)["reason"]["code"], "login.unknown", "no run explains it any more")

    def test_what_is_rolled_back_has_neither_login_nor_record(self):
        run = self.made_up()
        with self.engine() as session, session.cursor() as cursor:
            cursor.execute(self.opening(run))
            session.rollback()
        self.assertEqual((self.groups(run), self.records(run)), ([], []))

    def test_the_record_names_what_was_given_whatever_the_tables_say_then(self):
        """The transformer's workspace is exchanged for the moment of the opening, in one transaction and in several."""
        for apart in (False, True):
            with self.subTest(apart=apart):
                run = self.made_up("Other")
                exchanged = [f"UPDATE yellow.transformer SET workspace = '{to}' WHERE key = 'Transform/Main/Other'" for to in ("MaskShop", "Other")]
                statements = [exchanged[0], self.opening(run), exchanged[1]]
                self.done(*(statements if apart else ["; ".join(statements)]))
                (_, _, subject, details), = self.records(run)
                self.assertEqual((subject, details["workspace"], details["groups"]), ("Transform/Main/Other", "MaskShop", ["yellow_ws_maskshop", "yellow_dt_maskshop"]))
                found = self.finding(run)
                self.assertEqual((found["state"], found["reason"]["code"]), ("problem", "login.groups"), found)
                self.assertIn("yellow_dt_maskshop", found["reason"]["text"])
                self.done(f"UPDATE yellow.run SET state = 'failed', closed_at = clock_timestamp() WHERE id = '{run}'")

    def test_none_is_opened_twice_unseen(self):
        run = self.made_up()
        self.done(self.opening(run))
        ahead = self.opening(run).replace(f"'{verifier('x')}'", "NULL")
        self.refused(ahead, "is gone")
        self.refused(self.opening(run), "already exists")
        self.done(f"SELECT yellow_sec.run_disable('{run}')")
        self.assertEqual(self.groups(run), [])
        self.refused(ahead, "is gone")
        self.refused(self.opening(run), "already exists")
        self.assertEqual(len(self.records(run)), 1)
        # One that was dropped may be made again: that is another record.
        self.done(f"SELECT yellow_sec.run_drop('{run}')", self.opening(run))
        self.assertEqual(len(self.records(run)), 2)

    def test_one_that_is_made_ahead_has_no_groups_and_lets_nobody_in(self):
        run = next(self.runs)
        self.done(f"SELECT yellow_sec.run_prepare('{run}', '{verifier('x')}', clock_timestamp() + interval '1h')")
        self.addCleanup(self.project.sql, "MergeDB", f"SELECT yellow_sec.run_drop('{run}')")
        self.assertEqual((self.groups(run), self.records(run)), (["yellow_run"], []))
        info = self.project.connections()["MergeDB"]
        with self.assertRaisesRegex(psycopg2.OperationalError, "not permitted to log in"):
            psycopg2.connect(host=info["host"], port=info["port"], dbname=info["database"], user=f"yellow_run_{run}", password="x")
        self.refused(f"GRANT yellow_dt_maskshop TO yellow_run_{run}")
        self.refused(f"ALTER ROLE yellow_run_{run} LOGIN")

    def test_nobody_else_writes_changes_or_loses_the_record(self):
        run = self.made_up()
        self.done(self.opening(run))
        for statement in ("SELECT yellow_access.run_opened('x', 'x', 'x', 'x', '{}', now())",
                          "CREATE OR REPLACE FUNCTION yellow_access.run_opened(text, text, text, text, text[], timestamptz) RETURNS void LANGUAGE sql AS ''",
                          "ALTER FUNCTION yellow_access.run_opened(text, text, text, text, text[], timestamptz) RENAME TO gone",
                          "DROP FUNCTION yellow_access.run_opened(text, text, text, text, text[], timestamptz)", "DELETE FROM yellow_access.audit",
                          "UPDATE yellow_access.audit SET details = '{}'", "LOCK TABLE yellow_access.audit IN ACCESS EXCLUSIVE MODE",
                          "CREATE TRIGGER t BEFORE INSERT ON yellow_access.audit FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                          "ALTER FUNCTION yellow_sec.run_open(text, text, timestamptz, text, text) OWNER TO yellow_engine", "SET ROLE yellow_roles",
                          "SET session_replication_role = replica"):
            self.refused(statement)
        # What stands in its way by another name in a schema of its own is not called.
        self.done("CREATE TEMP TABLE audit (x int); CREATE FUNCTION pg_temp.run_opened(text, text, text, text, text[], timestamptz) RETURNS void LANGUAGE sql AS ''")
        self.assertEqual(len(self.records(run)), 1)

    def test_nobody_makes_up_what_others_record(self):
        for action in ("run.login", "access.request", "access.approve", "access.activate", "access.session", "access.statement", "access.accept", "access.fill", "access.read"):
            self.refused(f"SELECT yellow_access.audit_add('bob', '{action}', 'x', '', '{{}}')", f"{action} is not for yellow_engine to record")
        self.assertEqual(self.project.sql("MergeDB", "SELECT 1 FROM yellow_access.audit WHERE person = 'bob'"), [])

    def test_a_program_of_before_goes_on_until_apply(self):
        """The server is prepared by this version, Yellow's own schema is older: nothing is recorded yet, and runs begin."""
        run = self.made_up()
        info = self.project.connections()["MergeDB"]
        with contextlib.closing(psycopg2.connect(host=info["host"], port=info["port"], dbname=info["database"], user="yellow_super")) as session, session.cursor() as cursor:
            cursor.execute("ALTER FUNCTION yellow_access.run_opened(text, text, text, text, text[], timestamptz) RENAME TO not_yet")
            cursor.execute("SET LOCAL SESSION AUTHORIZATION yellow_engine")
            cursor.execute(self.opening(run))
            cursor.execute(f"SELECT pg_has_role('yellow_run_{run}', 'yellow_dt_maskshop', 'MEMBER')")
            self.assertEqual(cursor.fetchone(), (True,))
            session.rollback()
        self.assertEqual((self.groups(run), self.records(run)), ([], []))

    def test_another_runs_record_is_no_excuse(self):
        """Groups of one workspace for a run of another, and a run that is over."""
        run = self.made_up("Other")
        self.refused(self.opening(run, "MaskShop"), "no run of this workspace is to begin")
        self.done(f"UPDATE yellow.run SET state = 'failed', closed_at = clock_timestamp() WHERE id = '{run}'")
        self.refused(self.opening(run, "Other"), "no run of this workspace is to begin")
        self.refused(self.opening("../../../etc", "Other"), "not a run")
        self.assertEqual((self.groups(run), self.records(run)), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
