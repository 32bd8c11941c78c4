"""The temporary login of a request, in the hands of somebody who has its password: each attack must fail."""

import contextlib
import os
import threading
import time
import unittest

import psycopg2

from people import Office, verifier


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessLoginTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 100))

    def login(self, scope="dt_write:MaskShop"):
        request = self.office.active(scope=scope, ticket=f"OPS-{next(self.tickets)}")
        self.assertIsInstance(self.office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')"), list)
        return request

    def connect(self, request, **how):
        info = self.office.server()
        return psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user=f"yellow_tmp_{request['id']}", password=how.pop("password", "secret"), **how)

    def refused(self, request, statement, text="permission denied"):
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            with self.assertRaisesRegex(psycopg2.Error, text, msg=statement):
                cursor.execute(statement)

    def done(self, request, statement):
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            cursor.execute(statement)
            session.commit()
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def end(self, request):
        self.office.over(request)
        self.office.wait_for(request, "in_review")

    def test_what_it_opens(self):
        request = self.login()
        self.assertGreaterEqual(self.done(request, "UPDATE dp_main.dt_shopmasked__customers SET lastname = 'X.' WHERE true"), 0)
        for statement in ("SELECT * FROM dp_main.shop__customers", "SELECT * FROM ws_analysts.now__shopmasked__customers", "TRUNCATE dp_main.dt_shopmasked__customers",
                          "SELECT * FROM yellow.run", "SELECT yellow_access.requests()", "SELECT yellow_op.dt_clear('dp_main', 'dt_shopmasked__customers')"):
            self.refused(request, statement)
        reader = self.login("ws_read:Analysts")
        self.done(reader, "SELECT * FROM ws_analysts.now__shopmasked__customers")
        self.refused(reader, "DELETE FROM ws_analysts.now__shopmasked__customers")
        self.refused(reader, "SELECT * FROM dp_main.dt_shopmasked__customers")
        for one in (request, reader):
            self.end(one)

    def test_what_it_leaves_behind(self):
        request = self.login()
        for statement in ("CREATE TABLE dp_main.x (a int)", "CREATE TABLE public.x (a int)", "CREATE TEMP TABLE x (a int)", "CREATE SCHEMA x",
                          "CREATE FUNCTION dp_main.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                          "GRANT SELECT ON dp_main.dt_shopmasked__customers TO PUBLIC"):
            with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
                try:
                    cursor.execute(statement)
                    session.commit()
                    self.assertIn("GRANT", statement)      # is a warning, and nothing is granted
                except psycopg2.Error as error:
                    self.assertIn("permission denied", str(error), statement)
        for statement in ("CREATE TRIGGER t BEFORE INSERT ON dp_main.dt_shopmasked__customers FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                          "CREATE RULE r AS ON INSERT TO dp_main.dt_shopmasked__customers DO INSTEAD NOTHING", "ALTER TABLE dp_main.dt_shopmasked__customers ENABLE ROW LEVEL SECURITY",
                          "CREATE VIEW public.v AS SELECT * FROM dp_main.dt_shopmasked__customers"):
            self.refused(request, statement, "permission denied|must be owner")
        self.assertEqual(self.office.sql("MergeDB", "SELECT 1 FROM pg_class WHERE relacl::text LIKE '%=r/%' AND relname = 'dt_shopmasked__customers' AND relacl::text LIKE '%,=r/%'"), [])
        self.end(request)

    def test_large_objects_go_with_it(self):
        request = self.login()
        try:
            made = self.done(request, "SELECT lo_from_bytea(0, 'secret')")[0][0]
        except psycopg2.Error as error:
            self.assertIn("permission denied", str(error))
            made = 0
        self.end(request)
        self.assertEqual(self.office.sql("MergeDB", f"SELECT 1 FROM pg_largeobject_metadata WHERE oid = {made}"), [])

    def test_roles_and_settings_of_its_own(self):
        request = self.login()
        login = f"yellow_tmp_{request['id']}"
        for statement in ("CREATE ROLE x", "SET ROLE yellow_owner", "SET SESSION AUTHORIZATION yellow_owner", "ALTER ROLE yellow_engine NOLOGIN",
                          f"GRANT yellow_dt_maskshop TO {login}", "GRANT yellow_dt_maskshop TO yellow_tmp WITH ADMIN OPTION", f"ALTER ROLE {login} VALID UNTIL 'infinity'",
                          f"ALTER ROLE {login} CREATEROLE", f"ALTER ROLE {login} CONNECTION LIMIT -1"):
            self.refused(request, statement, "permission denied|must have|must be")
        # Its password is its own in PostgreSQL; a new one opens nothing that is not open, and ends with it.
        self.done(request, f"ALTER ROLE {login} PASSWORD 'another'")
        self.connect(request, password="another").close()
        self.done_with(request, "another", f"ALTER ROLE {login} SET statement_timeout = 0")
        self.end(request)
        for password in ("secret", "another"):
            with self.assertRaises(psycopg2.OperationalError):
                self.connect(request, password=password)

    def done_with(self, request, password, statement):
        with contextlib.closing(self.connect(request, password=password)) as session, session.cursor() as cursor:
            cursor.execute(statement)
            session.commit()

    def test_nobody_logs_in_after_its_end(self):
        request = self.login()
        self.end(request)
        with self.assertRaises(psycopg2.OperationalError):
            self.connect(request)
        self.assertIn("the request is not active", self.office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')"))

    def test_a_session_that_took_another_role(self):
        """It would keep what it may after every REVOKE."""
        request = self.login()
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            try:
                cursor.execute("SET ROLE yellow_dt_maskshop")
            except psycopg2.Error as error:     # from PostgreSQL 16 on
                self.assertIn("permission denied", str(error))
                session.rollback()
            cursor.execute("SELECT 1")
            self.end(request)
            with self.assertRaises(psycopg2.Error):
                cursor.execute("UPDATE dp_main.dt_shopmasked__customers SET lastname = 'X.'")

    def test_a_long_statement(self):
        request = self.login()
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            threading.Timer(1, self.office.over, [request]).start()
            began = time.monotonic()
            with self.assertRaises(psycopg2.Error):
                cursor.execute("SELECT pg_sleep(600)")
            self.assertLess(time.monotonic() - began, 30)
        self.office.wait_for(request, "in_review")

    def test_who_connects_in_a_loop(self):
        request = self.login()
        over, connected = threading.Event(), []

        def again():
            while not over.is_set():
                began = time.monotonic()
                with contextlib.suppress(psycopg2.Error), contextlib.closing(self.connect(request)):
                    connected.append(began)

        threads = [threading.Thread(target=again) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(0.5)
            self.end(request)
            ended = time.monotonic()
            time.sleep(1)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        self.assertTrue(connected)
        self.assertLess(max(connected), ended)
        self.assertEqual(self.office.sql("MergeDB", f"SELECT 1 FROM pg_stat_activity WHERE usename = 'yellow_tmp_{request['id']}'"), [])

    def test_names_that_are_no_names(self):
        for request in ("0123456789abcde'", "0123456789ABCDEF", "", "x" * 63, "0123456789abcdef; DROP TABLE x"):
            literal = request.replace("'", "''")
            for call in (f"tmp_open('{literal}', 'SCRAM-SHA-256$x')", f"tmp_disable('{literal}')", f"tmp_end('{literal}')", f"tmp_prepared('{literal}')", f"tmp_drop('{literal}')"):
                self.assertIn("not a request", self.office.as_service(f"SELECT yellow_sec.{call}"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
