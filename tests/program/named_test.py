"""A server that Yellow does not own: bootstrap by its administrator, passwords really asked for, secrets from the environment."""

import getpass
import os
import shutil
import subprocess
import time
import unittest

from people import verifier
from project import ROOT, YELLOW, Result
from server import NamedPostgres

SUPERUSER = {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}
# Leaves behind what would lock its output for ever, and could be committed by anybody with its login.
PREPARES = """
kind: Workspace
name: Prepares
groups: {In: {sinks: [ShopMasked.customers]}}
transformer:
  code: {source: prepares/, command: [python3, main.py]}
  output: {datastore: Prepared, datasets: {people: {key: [id], columns: {id: varchar(20)}}}}
---
kind: Workspace
name: PreparedReader
groups: {Now: {sinks: [Prepared.people]}}
"""
PREPARES_PY = """
import os, subprocess
target = os.environ["YELLOW_OUTPUT__PEOPLE"]
for text in (f"INSERT INTO {target} VALUES ('good')", f"BEGIN; INSERT INTO {target} VALUES ('bad'); PREPARE TRANSACTION 'it''s left'",
             "BEGIN; CREATE TABLE mine (); PREPARE TRANSACTION 'mine'"):
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", text], check=True)
"""
READER = {"SHOP_USER": "shop_reader", "SHOP_PASSWORD": "canary-reader-2718"}


class NamedServer(unittest.TestCase):
    def setUp(self):
        self.server = NamedPostgres()
        self.addCleanup(self.server.close)
        self.base, self.port, self.psql = self.server.base, self.server.port, self.server.psql
        self.psql("postgres", "CREATE DATABASE merge")
        self.psql("postgres", "CREATE DATABASE shop")
        self.psql("shop", (ROOT / "examples/shop/source.sql").read_text())
        self.psql("shop", f"CREATE ROLE shop_reader LOGIN PASSWORD '{READER['SHOP_PASSWORD']}'; GRANT SELECT ON customers, addresses TO shop_reader")
        self.project = self.base / "project"
        shutil.copytree(ROOT / "examples/shop", self.project)
        (self.project / "environments/prod.yaml").write_text(f"""
kind: Environment
name: prod
containers:
  MergeDB: {{host: 127.0.0.1, port: {self.port}}}
  ShopDB: {{host: 127.0.0.1, port: {self.port}}}
credentials: {{shop_reader: {{env: SHOP}}}}
classes: {{allowed: [pii]}}
""")

    def yellow(self, *arguments, secrets=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return Result(subprocess.run([YELLOW, "--project", str(self.project), "--environment", "prod", *arguments], capture_output=True, text=True,
                                     timeout=120, env={**clean, **(secrets or {})}))

    def test_from_bootstrap_to_masked_rows(self):
        self.assertEqual(self.yellow("plan").status, 3, "not bootstrapped yet")
        refused = self.yellow("bootstrap")
        self.assertEqual(refused.status, 2, refused)
        self.assertIn("bootstrap --print", refused.err)
        self.assertIn("CREATE SCHEMA IF NOT EXISTS yellow", self.yellow("bootstrap", "--print").out)
        outputs = []
        for _ in range(2):
            outputs.append(self.yellow("bootstrap", secrets=SUPERUSER))
            self.assertEqual(outputs[-1].status, 0, outputs[-1])
        outputs.append(self.yellow("apply"))
        self.assertEqual(outputs[-1].status, 0, outputs[-1])
        outputs.append(self.yellow("run", secrets={**READER, "SHOP_PASSWORD": "wrong"}))
        self.assertEqual(outputs[-1].status, 1)
        self.assertIn("password authentication failed", outputs[-1].out)
        outputs.append(self.yellow("run", "Shop", secrets=READER))
        self.assertEqual(outputs[-1].status, 0, outputs[-1])
        self.assertEqual(self.psql("merge", "SELECT count(*) FROM ws_analysts.now__shopmasked__customers"), "3000")
        self.assertEqual(self.yellow("sql", "-w", "Analysts").status, 3, "nobody has standing access")
        log = self.server.log.read_text()
        for secret in (SUPERUSER["PGPASSWORD"], READER["SHOP_PASSWORD"], *[p.read_text() for p in (self.project / ".yellow/secrets").iterdir()]):
            self.assertNotIn(secret, log + "".join(o.out + o.err for o in outputs))

    def test_an_administrator_without_superuser(self):
        self.psql("postgres", "CREATE ROLE administrator LOGIN CREATEROLE PASSWORD 'canary-admin-1618'; ALTER DATABASE merge OWNER TO administrator")
        if int(self.psql("postgres", "SHOW server_version_num")) >= 160000:
            self.psql("postgres", "GRANT pg_signal_backend TO administrator WITH ADMIN OPTION")
        for _ in range(2):
            made = self.yellow("bootstrap", secrets={"PGUSER": "administrator", "PGPASSWORD": "canary-admin-1618"})
            self.assertEqual(made.status, 0, made)
            self.assertIn("administrator is no superuser", made.out)
        self.assertEqual(self.yellow("apply").status, 0)
        # Both came before there was an audit log, and are the first that it has.
        recorded = self.psql("merge", "SELECT string_agg(format('%s %s %s %s', id, action, person, details ->> 'login'), ',' ORDER BY id) FROM yellow_access.audit WHERE id < 3")
        me = getpass.getuser()
        self.assertEqual(recorded, f"1 installation.bootstrapped {me} administrator,2 installation.bootstrapped {me} administrator")
        ran = self.yellow("run", "Shop", secrets=READER)
        self.assertEqual(ran.status, 0, ran)
        self.assertEqual(self.psql("merge", "SELECT count(*) FROM ws_analysts.now__shopmasked__customers"), "3000")
        doctor = self.yellow("doctor", secrets=READER).out
        for what in (r"(?m)^ok +roles ", "could take advisory locks and fill large objects", "skipped locks/MergeDB/idle: what other sessions do is not shown"):
            self.assertRegex(doctor, what, "doctor shows what is lost")
        self.assertEqual(self.psql("merge", "SELECT pg_has_role('administrator', 'yellow_owner', 'USAGE')"), "f", "only for as long as it took")

    def test_prepared_transactions_of_a_run_are_rolled_back(self):
        (self.project / "model/prepares").mkdir()
        (self.project / "model/prepares.yaml").write_text(PREPARES)
        (self.project / "model/prepares/main.py").write_text(PREPARES_PY)
        self.psql("merge", "BEGIN; CREATE TABLE of_others (); PREPARE TRANSACTION 'of others'")
        self.assertEqual(self.yellow("bootstrap", secrets=SUPERUSER).status, 0)
        ran = self.yellow("run", "--apply", secrets=READER)
        self.assertEqual(ran.status, 0, ran)
        self.assertEqual(self.psql("merge", "SELECT id FROM ws_preparedreader.now__prepared__people"), "good")
        self.assertEqual(self.psql("merge", "SELECT gid FROM pg_prepared_xacts"), "of others")
        self.assertEqual(self.psql("merge", "SELECT rolname FROM pg_roles WHERE rolname ~ '^yellow_run_.'"), "")

    def test_prepared_transactions_of_a_temporary_login_are_rolled_back(self):
        """And the login is dropped, on a server that is somebody else's, too."""
        for command, secrets in (("bootstrap", SUPERUSER), ("apply", READER)):
            done = self.yellow(command, secrets=secrets)
            self.assertEqual(done.status, 0, done)
        request, login = "0123456789abcdef", "yellow_tmp_0123456789abcdef"
        self.psql("merge", f"""
            INSERT INTO yellow_access.request (id, kind, person, scope, seconds, ticket, reason, grants, content_hash, approvers, state, lapses_at, expires_at)
            VALUES ('{request}', 'regular', 'alice', 'dt_write:MaskShop', 3600, 'OPS-1', 'x', '{{yellow_dt_maskshop}}', 'x', 1, 'active', now() + '1 day', now() + '1 hour');
            SET SESSION AUTHORIZATION yellow_access; SELECT yellow_sec.tmp_open('{request}', '{verifier('secret')}')""")
        self.psql("merge", "BEGIN; UPDATE dp_main.dt_shopmasked__customers SET lastname = 'X.'; PREPARE TRANSACTION 'it''s left'", user=login, password="secret")
        self.assertEqual(self.psql("merge", "SELECT count(*) FROM pg_prepared_xacts"), "1")
        self.psql("merge", f"UPDATE yellow_access.request SET expires_at = now() WHERE id = '{request}'")
        serving = subprocess.Popen([YELLOW, "--project", str(self.project), "--environment", "prod", "serve"], env={**os.environ, **READER}, stdout=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 30
            while self.psql("merge", f"SELECT state FROM yellow_access.request WHERE id = '{request}'") != "in_review":
                self.assertLess(time.monotonic(), until)
                time.sleep(0.1)
        finally:
            serving.terminate()
            serving.wait(60)
        self.assertEqual(self.psql("merge", f"SELECT (SELECT count(*) FROM pg_prepared_xacts), (SELECT count(*) FROM pg_roles WHERE rolname = '{login}')"), "0|0")

    def test_a_prefix_of_another_installation_is_refused(self):
        self.psql("merge", "CREATE ROLE yellow_owner")
        refused = self.yellow("bootstrap", secrets=SUPERUSER)
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("belongs to another installation", refused.err)


if __name__ == "__main__":
    unittest.main()
