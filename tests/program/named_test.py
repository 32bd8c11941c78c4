"""A server that Yellow does not own: bootstrap by its administrator, passwords really asked for, secrets from the environment."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import unittest

from project import ROOT, YELLOW, Result

PROGRAMS = os.environ.get("YELLOW_PG_BIN") or "/usr/lib/postgresql/15/bin"
SUPERUSER = {"PGUSER": "postgres", "PGPASSWORD": "canary-super-3141"}
READER = {"SHOP_USER": "shop_reader", "SHOP_PASSWORD": "canary-reader-2718"}


def unprivileged():
    """A server may not run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class NamedServer(unittest.TestCase):
    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-named-"))
        self.addCleanup(shutil.rmtree, self.base, True)
        self.base.chmod(0o755)
        server = self.base / "server"
        server.mkdir()
        if os.geteuid() == 0:
            shutil.chown(server, "postgres", "postgres")
        password = self.base / "password"
        password.write_text(SUPERUSER["PGPASSWORD"])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.server("initdb", "-A", "scram-sha-256", "-U", "postgres", "--pwfile", str(password), "-N", "-D", str(server / "data"))
        self.server("pg_ctl", "-D", str(server / "data"), "-w", "-s", "-l", str(server / "log"), "-o",
                    f"-c listen_addresses=127.0.0.1 -c port={self.port} -c unix_socket_directories={server} -c fsync=off", "start")
        self.addCleanup(self.server, "pg_ctl", "-D", str(server / "data"), "-m", "immediate", "-s", "stop")
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

    def server(self, program, *arguments):
        subprocess.run([f"{PROGRAMS}/{program}", *arguments], check=True, cwd="/", stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                       **unprivileged())

    def psql(self, database, text, user="postgres", password=None):
        environment = {**os.environ, "PGPASSWORD": password or SUPERUSER["PGPASSWORD"]}
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port), "-U", user, "-d", database],
                              input=text, capture_output=True, text=True, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

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
        log = (self.base / "server/log").read_text()
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
        ran = self.yellow("run", "Shop", secrets=READER)
        self.assertEqual(ran.status, 0, ran)
        self.assertEqual(self.psql("merge", "SELECT count(*) FROM ws_analysts.now__shopmasked__customers"), "3000")
        self.assertEqual(self.psql("merge", "SELECT pg_has_role('administrator', 'yellow_owner', 'USAGE')"), "f", "only for as long as it took")

    def test_a_prefix_of_another_installation_is_refused(self):
        self.psql("merge", "CREATE ROLE yellow_owner")
        refused = self.yellow("bootstrap", secrets=SUPERUSER)
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("belongs to another installation", refused.err)


if __name__ == "__main__":
    unittest.main()
