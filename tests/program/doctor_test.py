"""yellow doctor on a server that Yellow does not own: each check is broken on purpose, tells what and what helps, and is well again."""

import contextlib
import json
import os
import shutil
import subprocess
import time
import unittest

from project import PSQL, ROOT, YELLOW, Result
from server import NamedPostgres

SUPERUSER = {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}
READER = {"SHOP_USER": "shop_reader", "SHOP_PASSWORD": "canary-reader-2718"}
ENVIRONMENT = """
kind: Environment
name: prod
containers:
  MergeDB: {{host: 127.0.0.1, port: {port}}}
  ShopDB: {{host: 127.0.0.1, port: {port}}}
credentials: {{shop_reader: {{env: SHOP}}}}
classes: {{allowed: [pii]}}
"""
# A server elsewhere has a disk that is not seen from here.
ALWAYS = {"disk/MergeDB": "skipped"}


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = NamedPostgres(settings="")     # waits for its disk
        cls.addClassCleanup(cls.server.close)
        cls.psql = cls.server.psql
        for text in ("CREATE DATABASE merge", "CREATE DATABASE shop"):
            cls.psql("postgres", text)
        cls.psql("shop", (ROOT / "examples/shop/source.sql").read_text())
        cls.psql("shop", f"CREATE ROLE shop_reader LOGIN PASSWORD '{READER['SHOP_PASSWORD']}'; GRANT SELECT ON customers, addresses TO shop_reader")
        cls.psql("postgres", "CREATE ROLE analysts; CREATE ROLE stranger")
        cls.project = cls.server.base / "project"
        shutil.copytree(ROOT / "examples/shop", cls.project)
        cls.environment = cls.project / "environments/prod.yaml"
        cls.environment.write_text(ENVIRONMENT.format(port=cls.server.port))
        cls.analysts = cls.project / "model/analysts.yaml"
        cls.analysts.write_text(cls.analysts.read_text().replace("priority: high", "priority: high\nreaders: [analysts]"))
        cls.before = cls.doctor()
        for command in (["bootstrap"], ["apply"], ["run"]):
            done = cls.yellow(*command, secrets={**SUPERUSER, **READER})
            assert done.status == 0, done

    @classmethod
    def yellow(cls, *arguments, secrets=READER):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return Result(subprocess.run([YELLOW, "--project", str(cls.project), "--environment", "prod", *arguments], capture_output=True, text=True,
                                     timeout=120, env={**clean, **secrets}))

    @classmethod
    def doctor(cls, secrets=READER):
        """What is not well, by key, with the exit status."""
        done = cls.yellow("doctor", "--output", "json", secrets=secrets)
        found = {f["key"]: f for f in json.loads(done.out)}
        return done.status, {key: f for key, f in found.items() if f["state"] != "ok"}, found

    def assert_found(self, status, findings, secrets=READER):
        """Exactly these are not well; each is (state, code, text, remedy), the last two as regular expressions."""
        seen_status, wrong, _ = self.doctor(secrets)
        self.assertEqual({k: f["state"] for k, f in wrong.items()}, {**ALWAYS, **{k: f[0] for k, f in findings.items()}}, wrong)
        for key, (_, code, text, remedy) in findings.items():
            self.assertEqual(wrong[key]["reason"]["code"], code)
            self.assertRegex(wrong[key]["reason"]["text"], text)
            self.assertRegex(wrong[key]["remedy"] or "", remedy)
        self.assertEqual(seen_status, status)
        return wrong

    @contextlib.contextmanager
    def broken(self, database, breaks, mends):
        self.psql(database, breaks)
        try:
            yield
        finally:
            self.psql(database, mends)

    def assert_breaks(self, database, breaks, mends, findings, status=None):
        """The status follows from the worst of the findings."""
        with self.subTest(breaks=breaks), self.broken(database, breaks, mends):
            worst = 1 if any(f[0] == "problem" for f in findings.values()) else 0
            self.assert_found(worst if status is None else status, findings)

    def session(self, statement, waits=False):
        """The server process of a session that stays after `statement`, or waits in it."""
        program = subprocess.Popen([PSQL, "-X", "-q", "-At", "-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres", "-d", "merge"], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PGPASSWORD": NamedPostgres.PASSWORD, "PGAPPNAME": "psql"})
        self.addCleanup(lambda: (program.kill(), program.communicate()))
        program.stdin.write(f"SELECT pg_backend_pid();\n{statement};\nSELECT 'done';\n")
        program.stdin.flush()
        pid = program.stdout.readline().strip()
        if not waits:
            self.assertEqual(program.stdout.readline().strip(), "done")
        return pid

    # ---- All well, and before anything was there.

    def test_all_is_well(self):
        self.assert_found(0, {})
        text = self.yellow("doctor").out
        self.assertRegex(text, r"(?m)^ok +server +PostgreSQL \d+\.\d+, UTF8, ")
        self.assertRegex(text, r"(?m)^ok +sources +\d+ checks$")
        self.assertRegex(text, r"\n\n\d+ checks: 1 could not be made\n$")

    def test_nothing_is_changed(self):
        state = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1"
        self.psql("merge", "SELECT pg_stat_force_next_flush()")
        before = self.psql("merge", state)
        self.doctor()
        self.psql("merge", "SELECT pg_stat_force_next_flush()")
        self.assertEqual(self.psql("merge", state), before)

    def test_before_bootstrap_every_check_that_can_be_made_is(self):
        status, wrong, found = self.before
        self.assertEqual(status, 3)
        self.assertEqual(wrong["server/MergeDB"]["reason"]["code"], "unreachable")
        for login in ("engine", "ingest_out", "migrator", "access"):
            self.assertIn("yellow bootstrap", wrong[f"credentials/MergeDB/yellow_{login}"]["remedy"])
        self.assertEqual(found["sources/Shop/customers/email"]["state"], "ok")

    # ---- The files.

    def test_files_with_mistakes(self):
        shop = self.project / "model/shop.yaml"
        before = shop.read_text()
        self.addCleanup(shop.write_text, before)
        shop.write_text(before.replace("name: Shop", "nme: Shop"))
        self.assert_found(1, {"model/files": ("problem", "model_errors", r"the files of the model have \d+ errors", "yellow lint")})
        self.assertEqual(self.yellow("status").status, 0, "the applied model is as it was")

    # ---- The server.

    def test_the_server(self):
        self.assert_breaks("merge", "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'merge'",
                           "UPDATE pg_database SET datcollversion = pg_database_collation_actual_version(oid) WHERE datname = 'merge'",
                           {"server/MergeDB/collation": ("warning", "server.collation", r"made with version 0\.1 of the locale",
                                                         r"REINDEX DATABASE \"merge\"\n.*REFRESH COLLATION VERSION")})
        self.assert_breaks("postgres", "ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)", "ALTER SYSTEM RESET fsync; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)",
                           {"server/MergeDB/durability": ("problem", "server.durability", "fsync = off", "ALTER SYSTEM SET fsync = on")})

    def test_locks(self):
        """What waits or holds for ten seconds, all at once."""
        self.psql("merge", "BEGIN; CREATE TABLE public.of_others (); PREPARE TRANSACTION 'it''s left'")
        self.addCleanup(self.psql, "merge", "ROLLBACK PREPARED 'it''s left'")
        self.psql("merge", "CREATE TABLE public.mine (id integer)")
        self.addCleanup(self.psql, "merge", "DROP TABLE public.mine")
        holder = self.session("BEGIN; INSERT INTO public.mine VALUES (1); LOCK TABLE dp_main.shop__customers IN ACCESS EXCLUSIVE MODE")
        waiter = self.session("BEGIN; LOCK TABLE dp_main.shop__customers IN ACCESS SHARE MODE", waits=True)
        until = time.monotonic() + 60
        while sum(key.startswith("locks/") for key in self.doctor()[1]) < 3 and time.monotonic() < until:
            time.sleep(1)
        self.assert_found(0, {
            "locks/MergeDB/waiting": ("warning", "locks.waiting", rf"^pid {waiter}, postgres \(psql\) waits for dp_main.shop__customers since \d+ s, which is held by pid {holder}, "
                                      r"postgres \(psql\)$", rf"SELECT pg_terminate_backend\({holder}\)$"),
            "locks/MergeDB/idle": ("warning", "locks.idle", rf"^pid {holder}, postgres \(psql\) is idle in a transaction since \d+ s, and what was deleted since then cannot be "
                                   "cleaned up", rf"SELECT pg_terminate_backend\({holder}\)$"),
            "locks/MergeDB/prepared": ("warning", "locks.prepared", "^the prepared transaction it's left of postgres keeps its locks since \\d+ s$", "ROLLBACK PREPARED 'it''s left'$")})

    def test_connections(self):
        self.assert_breaks("postgres", "ALTER DATABASE merge CONNECTION LIMIT 12", "ALTER DATABASE merge CONNECTION LIMIT -1",
                           {"connections/MergeDB": ("warning", "connections.few", "database may have 12 connections, and limits.connections of the environment wants 40",
                                                    "raise its CONNECTION LIMIT")})
        self.assert_breaks("postgres", "ALTER ROLE yellow_engine CONNECTION LIMIT 5", "ALTER ROLE yellow_engine CONNECTION LIMIT -1",
                           {"connections/MergeDB": ("warning", "connections.few", "yellow_engine may have 5 connections", "lower limits")})
        before = self.environment.read_text()
        self.environment.write_text(before + "limits: {connections: 400}\n")
        self.addCleanup(self.environment.write_text, before)
        self.assert_found(0, {"connections/MergeDB": ("warning", "connections.few", "the server gives 97 connections, and limits.connections of the environment wants 400",
                                                      "raise max_connections")})

    # ---- Credentials and sources.

    def test_credentials(self):
        skipped = {f"sources/Shop/{what}": ("skipped", "not_seen", "nobody could log in to ShopDB with shop_reader", "^$")
                   for what in ("customers", "addresses", *[f"customers/{c}" for c in ("id", "firstname", "lastname", "email", "phone", "dob")],
                                *[f"addresses/{c}" for c in ("id", "customer_id", "street", "city", "country")])}
        wrong = self.assert_found(1, {**skipped, "credentials/shop_reader/ShopDB": (
            "problem", "credential.refused", 'password authentication failed for user "shop_reader"', "check the credential")}, {**READER, "SHOP_PASSWORD": "canary-wrong"})
        self.assertNotIn("canary", json.dumps(wrong))
        self.assert_found(1, {**skipped, "credentials/shop_reader/ShopDB": ("problem", "credential.refused", "environment variable SHOP_USER", "set SHOP_USER and SHOP_PASSWORD")}, {})
        self.assertIn("skipped sources/Shop/addresses and 12 more: nobody could log in", self.yellow("doctor", secrets={}).out)
        secret = self.project / ".yellow/secrets/yellow_ingest_out"
        right = secret.read_text()
        secret.write_text("canary-wrong")
        self.addCleanup(secret.write_text, right)
        self.assert_found(1, {"credentials/MergeDB/yellow_ingest_out": ("problem", "credential.refused", "password authentication failed", "yellow bootstrap")})
        secret.unlink()
        self.assert_found(1, {"credentials/MergeDB/yellow_ingest_out": ("problem", "credential.refused", "there is no password for the login yellow_ingest_out", "yellow bootstrap")})

    def test_sources(self):
        column = "sources/Shop/customers/email"
        self.assert_breaks("shop", "ALTER TABLE customers RENAME email TO e_mail", "ALTER TABLE customers RENAME e_mail TO email",
                           {column: ("problem", "source.column_missing", r"column email of public.customers is not there; did you mean e_mail\?", "from:")})
        self.assert_breaks("shop", "ALTER TABLE customers ALTER dob TYPE timestamp", "ALTER TABLE customers ALTER dob TYPE date",
                           {"sources/Shop/customers/dob": ("problem", "source.column_unfit", "is timestamp without time zone at the source and date in the model", "yellow apply")})
        others = "id, firstname, lastname, phone, dob"
        self.assert_breaks("shop", f"REVOKE SELECT ON customers FROM shop_reader; GRANT SELECT ({others}) ON customers TO shop_reader",
                           f"REVOKE SELECT ({others}) ON customers FROM shop_reader; GRANT SELECT ON customers TO shop_reader",
                           {column: ("problem", "source.column_forbidden", "may not be read by shop_reader", r'GRANT SELECT \("email"\) ON "public"\."customers" TO "shop_reader"')})
        columns = [f"sources/Shop/addresses/{c}" for c in ("id", "customer_id", "street", "city", "country")]
        self.assert_breaks("shop", "REVOKE SELECT ON addresses FROM shop_reader", "GRANT SELECT ON addresses TO shop_reader",
                           {"sources/Shop/addresses": ("problem", "source.table_forbidden", "public.addresses may not be read by shop_reader", 'GRANT SELECT ON "public"."addresses"'),
                            **{c: ("skipped", "not_seen", "may not be read", "^$") for c in columns}})
        self.assert_breaks("shop", "ALTER TABLE addresses RENAME TO old", "ALTER TABLE old RENAME TO addresses",
                           {"sources/Shop/addresses": ("problem", "source.table_missing", "the table public.addresses is not there", "table:"),
                            **{c: ("skipped", "not_seen", "is not there", "^$") for c in columns}})
        self.assert_breaks("shop", "ALTER TABLE addresses ENABLE ROW LEVEL SECURITY", "ALTER TABLE addresses DISABLE ROW LEVEL SECURITY",
                           {"sources/Shop/addresses": ("warning", "source.rows_hidden", "may hide rows from shop_reader", "BYPASSRLS")})


if __name__ == "__main__":
    unittest.main()
