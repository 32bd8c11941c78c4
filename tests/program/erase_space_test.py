"""The space of erased rows is given back, whoever is killed meanwhile, once it can be; and that is recorded once."""

import contextlib
import json
import os
import re
import signal
import time
import unittest

import psycopg2

from erase_test import Erasing
from privileges_test import ENVIRONMENT
from project import Project
from server import NamedPostgres

# What lies in the pages of a table and of its indexes, dead or not.
PAGES = """
SELECT (SELECT count(*) FROM generate_series(0, pg_relation_size('{table}') / 8192 - 1) page, heap_page_items(get_raw_page('{table}', page::int)) i
        WHERE position('{canary}'::bytea IN i.t_data) > 0)
     + (SELECT count(*) FROM pg_index x, generate_series(1, pg_relation_size(x.indexrelid) / 8192 - 1) page, bt_page_items(get_raw_page(x.indexrelid::regclass::text, page::int)) i
        WHERE x.indrelid = '{table}'::regclass AND position('{hex}' IN i.data) > 0)"""
POINTS = ("space.connect.before", "space.vacuum.before", "space.vacuum.after", "space.call yellow_access.space_given_back.before",
          "space.call yellow_access.space_given_back.after")


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class EraseSpaceTest(Erasing):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.office.sql("MergeDB", "CREATE EXTENSION pageinspect SCHEMA pg_catalog")
        # So many pages that the server would leave the keys of one of them in the indexes.
        cls.office.sql("ShopDB", "INSERT INTO codes SELECT 'x' || lpad(i::text, 5, '0'), repeat('y', 900) FROM generate_series(1, 1000) i")
        cls.codes = iter(f"c{number:05}" for number in range(1, 99))

    # ---- What there is.

    def lay(self):
        """A row whose key stands in a table and in its index, and some more pages of others."""
        code = next(self.codes)
        self.office.sql("ShopDB", f"INSERT INTO codes VALUES ('{code}', 'of {code}')")
        self.run_all("Till")
        self.office.sql("ShopDB", f"DELETE FROM codes WHERE code = '{code}'")
        self.assertGreater(self.in_pages(code), 1)
        return code

    def in_pages(self, code):
        data = " ".join(f"{byte:02x}" for byte in code.encode())
        return int(self.office.sql("MergeDB", PAGES.format(table="dp_main.till__codes", canary=code, hex=data) + ";")[0][0])

    def space(self, request):
        operation = self.office.did("bob", "show", request["id"])["operation"]
        return operation["space"]

    def given_back(self, request, seconds=30):
        until = time.monotonic() + seconds
        while self.space(request) != "given_back":
            assert time.monotonic() < until, self.log()
            time.sleep(0.1)
        return self.office.did("bob", "show", request["id"])["operation"]["space_given_back_at"]

    def records(self, request):
        return self.office.sql("MergeDB", f"SELECT person, login, details FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.space_given_back'")

    def finding(self, request):
        found = json.loads(self.office.yellow("doctor", "--output", "json").out)
        return next((f for f in found if f["key"] == f"space/MergeDB/{request['id']}"), None)

    def recorded_once(self, request):
        (person, login, details), = self.records(request)
        self.assertEqual((person, login), ("yellow", "yellow_migrator"))
        self.assertIn('"dp_main"."till__codes"', json.loads(details)["tables"])

    # ---- Done.

    def test_it_is_given_back_at_once_and_shown(self):
        code = self.lay()
        request, _ = self.erased("Till.codes", {"code": code})
        self.assertRegex(self.given_back(request), r"^20\d\d-.*Z$")
        self.assertEqual(self.in_pages(code), 0)
        self.recorded_once(request)
        self.assertRegex(self.office.access("bob", "show", request["id"]).out, r"\n  space +given back at 20\d\d-")
        self.assertIsNone(self.finding(request))
        # Of what failed nothing is owed.
        failed = self.begun("Till.codes", {"code": "zz"})
        self.office.wait_for(failed, "in_review", 40)
        self.given_back(failed)

    # ---- Killed.

    def test_killed_at_each_point(self):
        office = self.office
        self.addCleanup(lambda: (office.stop_service(), office.start_service()))
        for point in POINTS:
            with self.subTest(point=point):
                office.stop_service()
                code = self.lay()
                office.start_service({"YELLOW_FAULT": f"kill@{point}:1"})
                request = self.begun("Till.codes", {"code": code})
                self.assertEqual(office.service.wait(40), -signal.SIGKILL)
                self.assertEqual(office.sql("MergeDB", f"SELECT state FROM yellow_access.operation WHERE request = '{request['id']}'"), [("done",)])
                self.assertEqual(len(self.records(request)), 1 if point.endswith("given_back.after") else 0)
                office.start_service()
                self.given_back(request)
                self.assertEqual(self.in_pages(code), 0)
                self.recorded_once(request)

    def test_killed_in_the_middle_of_it(self):
        office = self.office
        self.addCleanup(lambda: (office.stop_service(), office.start_service()))
        code = self.lay()
        with self.vacuum_waits(code) as request:
            office.stop_service(signal.SIGKILL)
            self.assertEqual(self.records(request), [])
            self.assertGreater(self.in_pages(code), 0)
        office.start_service()
        self.assertIn(self.space(request), ("owed", "given_back"))
        self.given_back(request)
        self.assertEqual(self.in_pages(code), 0)
        self.recorded_once(request)

    def test_a_service_that_is_to_stop_does_not_wait_for_it(self):
        office = self.office
        self.addCleanup(lambda: (office.stop_service(), office.start_service()))
        code = self.lay()
        with self.vacuum_waits(code) as request:
            began = time.monotonic()
            office.stop_service()
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(office.service.returncode, 0)
            self.assertNotIn("canceling statement", self.log())
        self.assertEqual(self.records(request), [])
        office.start_service()
        self.given_back(request)
        self.recorded_once(request)

    @contextlib.contextmanager
    def vacuum_waits(self, code):
        """For a lock, after this row was erased."""
        with contextlib.closing(self.superuser()) as other:
            other.cursor().execute("LOCK TABLE dp_main.till__codes IN SHARE UPDATE EXCLUSIVE MODE")
            request, _ = self.erased("Till.codes", {"code": code})
            self.until_vacuum_waits()
            yield request

    def until_vacuum_waits(self):
        until = time.monotonic() + 20
        while not self.office.sql("MergeDB", "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'VACUUM%' AND wait_event_type = 'Lock'"):
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    # ---- In the way.

    def superuser(self):
        info = self.office.server()
        return psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user="yellow_super")

    def test_a_page_that_somebody_is_reading_is_waited_for(self):
        """Whoever reads does not see the row, and keeps the page from being cleared all the same."""
        self.office.sql("ShopDB", "INSERT INTO codes SELECT 'p' || lpad(i::text, 5, '0'), repeat('y', 900) FROM generate_series(1, 3) i")
        self.run_all("Till")
        # On the last page, as of one that is full a reader clears what nobody sees.
        code, place = self.office.sql("MergeDB", "SELECT code, ctid FROM dp_main.till__codes ORDER BY ctid DESC LIMIT 1")[0]
        self.office.sql("ShopDB", f"DELETE FROM codes WHERE code = '{code}'")
        page = place.split(",")[0]
        with contextlib.closing(self.superuser()) as reader, reader.cursor() as cursor:
            with self.vacuum_waits(code) as request:
                cursor.execute("DECLARE resting NO SCROLL CURSOR FOR SELECT ctid FROM dp_main.till__codes")
                for _ in range(10000):
                    cursor.execute("FETCH 1 FROM resting")
                    if cursor.fetchone()[0].startswith(page + ","):
                        break
            time.sleep(3)
            self.assertEqual(self.records(request), [])
            self.assertEqual(self.space(request), "owed")
        self.given_back(request)
        self.assertEqual(self.in_pages(code), 0)
        self.recorded_once(request)

    def test_a_snapshot_that_may_see_it_is_waited_for(self):
        """Also where nothing is cleared by a VACUUM of an administrator meanwhile."""
        code = self.lay()
        with contextlib.closing(self.superuser()) as reader, reader.cursor() as cursor:
            reader.set_session(isolation_level="REPEATABLE READ")
            cursor.execute("SELECT pg_backend_pid() FROM yellow.installation")
            process, = cursor.fetchone()
            request, _ = self.erased("Till.codes", {"code": code})
            until = time.monotonic() + 20
            while f"of request {request['id']}: the space of its rows is given back later; process {process} may still see them" not in self.log():
                assert time.monotonic() < until, self.log()
                time.sleep(0.1)
            self.assertEqual((self.space(request), self.records(request)), ("owed", []))
            self.assertIn("owed: what was removed lies in pages", self.office.access("bob", "show", request["id"]).out)
            found = self.finding(request)
            self.assertEqual((found["state"], found["reason"]["code"]), ("warning", "space.owed"))
            self.assertIn(f"process {process} may still see them", found["reason"]["text"])
            self.office.sql("MergeDB", "VACUUM dp_main.till__codes;")
            self.assertGreater(self.in_pages(code), 0, "the snapshot holds it back")
            self.assertEqual(self.space(request), "owed")
        self.given_back(request)
        self.assertEqual(self.in_pages(code), 0)
        self.recorded_once(request)

    def test_the_password_may_come_later(self):
        secret = self.office.root / ".yellow/secrets/yellow_migrator"
        away = self.office.base / "yellow_migrator"
        code = self.lay()
        secret.rename(away)
        try:
            request, _ = self.erased("Till.codes", {"code": code})
            until = time.monotonic() + 20
            while "the space of removed rows is not given back yet" not in self.log():
                assert time.monotonic() < until, self.log()
                time.sleep(0.1)
            time.sleep(11)
            self.assertEqual(self.log().count("the space of removed rows is not given back yet"), 1)
            self.assertEqual(self.space(request), "owed")
        finally:
            away.rename(secret)
        self.given_back(request)
        self.assertEqual(self.in_pages(code), 0)
        self.recorded_once(request)

    def test_an_administrator_does_what_doctor_says(self):
        secret = self.office.root / ".yellow/secrets/yellow_migrator"
        away = self.office.base / "yellow_migrator"
        code = self.lay()
        secret.rename(away)
        try:
            request, _ = self.erased("Till.codes", {"code": code})
            # Commands of the project would make the login's password again.
            facts, = self.office.sql("MergeDB", f"SELECT tables, held_back_by FROM yellow_access.space_owed() WHERE request = '{request['id']}'")
            self.assertEqual(facts[1], "{}")
            tables = ", ".join(self.office.sql("MergeDB", f"SELECT unnest(tables) FROM yellow_access.space_owed() WHERE request = '{request['id']}'")[i][0] for i in range(5))
            self.assertIn("yellow_access.request", tables)
            self.office.sql("MergeDB", 'VACUUM (ANALYZE, FREEZE, INDEX_CLEANUP ON) yellow_access.request, "dp_main"."till__codes";')
            self.office.sql("MergeDB", f"SELECT yellow_access.space_given_back('{request['id']}');")
            self.office.sql("MergeDB", f"SELECT yellow_access.space_given_back('{request['id']}');")
            self.assertEqual([row[:2] for row in self.records(request)], [("yellow_super", "yellow_super")])
            self.assertEqual(self.space(request), "given_back")
            self.assertEqual(self.in_pages(code), 0)
        finally:
            away.rename(secret)

    def test_only_the_owner_says_that_it_is_done(self):
        for login in ("yellow_engine", "yellow_ingest_out", "yellow_access"):
            with self.assertRaisesRegex(AssertionError, "permission denied"):
                self.office.sql("MergeDB", f"SET SESSION AUTHORIZATION {login}; SELECT yellow_access.space_given_back('0123456789abcdef');")
        self.assertIn("permission denied", self.office.as_service("SELECT yellow_access.space_owe('0123456789abcdef', 'x', '{}')"))



class HeldBackTest(unittest.TestCase):
    """What may still see removed rows, on a server that Yellow does not own: asked by a login that sees nothing of others' sessions."""

    @classmethod
    def setUpClass(cls):
        cls.server = server = NamedPostgres()
        cls.addClassCleanup(server.close)
        administrator = server.give_to_administrator()
        server.psql("postgres", "CREATE ROLE stranger LOGIN")
        server.psql("postgres", "CREATE DATABASE other")
        cls.project = Project()
        cls.addClassCleanup(cls.project.close)
        cls.project.write("environments/prod.yaml", ENVIRONMENT.format(port=server.port))
        for command, secrets in (("bootstrap", administrator), ("apply", {})):
            done = cls.project.yellow("--environment", "prod", command, environment=secrets)
            assert done.status == 0, done
        server.psql("merge", """INSERT INTO yellow_access.request (id, kind, person, scope, seconds, ticket, reason, grants, content_hash, approvers, lapses_at)
                                VALUES ('0123456789abcdef', 'regular', 'alice', 'op:erase:Shop', 60, 'T', 'r', '{}', 'x', 2, now());
                                INSERT INTO yellow_access.operation (request, state, ended_at) VALUES ('0123456789abcdef', 'done', now())""")

    def removed(self):
        """As if rows had just been removed."""
        self.server.psql("merge", "UPDATE yellow_access.operation SET space_tables = '{yellow.event}', space_removed_by = pg_current_xact_id()")

    def held_back_by(self):
        secret = (self.project.root / ".yellow/secrets/acme_engine").read_text()
        return self.server.psql("merge", "SELECT array_to_string(held_back_by, ', ') FROM yellow_access.space_owed()", "acme_engine", secret)

    def connect(self, database="merge"):
        return psycopg2.connect(host="127.0.0.1", port=self.server.port, dbname=database, user="postgres", password=self.server.PASSWORD)

    def snapshot(self, session, statement="SELECT 1"):
        session.set_session(isolation_level="REPEATABLE READ")
        with session.cursor() as cursor:
            cursor.execute(statement)
        return f"process {session.get_backend_pid()}"

    def test_a_snapshot_of_before_and_none_of_after(self):
        with contextlib.closing(self.connect()) as before, contextlib.closing(self.connect()) as after, contextlib.closing(self.connect("other")) as elsewhere:
            process = self.snapshot(before)
            self.snapshot(elsewhere)
            self.removed()
            self.assertEqual(self.held_back_by(), process)
            before.rollback()
            self.assertEqual(self.held_back_by(), "", "another database's sees nothing of it")
            self.snapshot(after)
            self.assertEqual(self.held_back_by(), "")

    def test_who_writes_without_a_snapshot_of_its_own(self):
        with contextlib.closing(self.connect()) as writer, writer.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            self.removed()
            self.assertEqual(self.held_back_by(), f"process {writer.get_backend_pid()}")
            writer.rollback()
            self.assertEqual(self.held_back_by(), "")

    def test_a_prepared_transaction(self):
        self.server.psql("merge", "BEGIN; CREATE TABLE public.held (a int); PREPARE TRANSACTION 'held'")
        self.removed()
        self.assertEqual(self.held_back_by(), "prepared transaction held")
        self.server.psql("merge", "ROLLBACK PREPARED 'held'")
        self.assertEqual(self.held_back_by(), "")

    def test_doctor_says_what_an_administrator_does(self):
        self.removed()
        secret = self.project.root / ".yellow/secrets/acme_migrator"
        away = secret.with_name("away")
        secret.rename(away)
        try:
            found = json.loads(self.project.yellow("--environment", "prod", "doctor", "--output", "json").out)
        finally:
            away.rename(secret)
        finding, = [f for f in found if f["key"] == "space/MergeDB/0123456789abcdef"]
        self.assertEqual((finding["state"], finding["reason"]["code"]), ("warning", "space.owed"))
        statements = re.findall(r"as an administrator of the server: (.*)", finding["remedy"])
        self.assertEqual(statements, ["VACUUM (ANALYZE, FREEZE, INDEX_CLEANUP ON) yellow.event", "SELECT yellow_access.space_given_back('0123456789abcdef')"])
        for statement in statements * 2:
            self.server.psql("merge", statement)
        self.assertEqual(self.server.psql("merge", "SELECT person, login, details FROM yellow_access.audit WHERE action = 'access.space_given_back'"),
                         'postgres|postgres|{"tables": ["yellow.event"]}')
        self.server.psql("merge", "UPDATE yellow_access.operation SET space_given_back_at = NULL")


if __name__ == "__main__":
    unittest.main(verbosity=2)
