"""A credential in a vault: a server that speaks its HTTP API, asked for each run; the secret appears nowhere else."""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import threading
import time
import unittest

from project import YELLOW, Project

TOKEN = "canary-vault-token-1729"


class Vault:
    """REQUIRES: ended with `close`. `secrets`: path to fields of the newest version; None: it was deleted. `says`: the status that it answers with to everything."""

    def __init__(self):
        self.secrets, self.asked, self.says = {}, [], None
        vault = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                vault.asked.append((handler.path, handler.headers.get("X-Vault-Token"), handler.headers.get("X-Vault-Namespace")))
                path = handler.path.removeprefix("/v1/")
                fields = vault.secrets.get(path)
                status = vault.says or (403 if handler.headers.get("X-Vault-Token") != TOKEN else 404 if fields is None else 200)
                document = {"data": {"data": fields, "metadata": {"version": 3}} if "/data/" in path else fields} if path in vault.secrets and status != 403 else {"errors": []}
                body = json.dumps(document).encode()
                handler.send_response(status)
                if status == 302:
                    handler.send_header("Location", "/v1/secret/data/shop")
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(handler, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class VaultTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()
        cls.local = cls.project.root / "environments/local.yaml"
        cls.before = cls.local.read_text()
        cls.password = (cls.project.root / ".yellow/secrets/shop_reader").read_text().strip().partition(":")[2]
        cls.at("secret/data/shop")

    @classmethod
    def at(cls, path):
        cls.local.write_text(cls.before.replace("{file: .yellow/secrets/shop_reader}", f"{{vault: {path}}}"))
        assert cls.project.yellow("apply").status == 0

    def setUp(self):
        self.vault = Vault()
        self.addCleanup(self.vault.close)
        self.vault.secrets["secret/data/shop"] = {"username": "shop_reader", "password": self.password}

    def run_shop(self, **environment):
        return self.project.yellow("run", "Shop", environment={"VAULT_ADDR": self.vault.address, "VAULT_TOKEN": TOKEN, **environment})

    def refused(self, text, **environment):
        done = self.run_shop(**environment)
        self.assertEqual(done.status, 1, done)
        self.assertIn("the secret of credential shop_reader cannot be read from the vault, secret/data/shop: " + text, done.out)
        for secret in (TOKEN, self.password):
            self.assertNotIn(secret, done.out + done.err)

    def test_both_versions_of_the_store(self):
        self.assertEqual(self.run_shop(VAULT_NAMESPACE="acme/shop").status, 0)
        self.assertIn(("/v1/secret/data/shop", TOKEN, "acme/shop"), self.vault.asked)
        self.addClassCleanup(self.at, "secret/data/shop")
        self.at("kv/shop")
        self.vault.secrets["kv/shop"] = self.vault.secrets["secret/data/shop"]
        self.assertEqual(self.run_shop().status, 0)
        self.at("secret/data/shop")

    def test_a_token_that_an_agent_renews(self):
        file = self.project.base / "token"
        file.write_text(TOKEN + "\n")
        self.assertEqual(self.run_shop(VAULT_TOKEN_FILE=str(file), VAULT_TOKEN="old").status, 0)

    def test_the_password_is_rotated(self):
        """By a pair: the old one works until the new one is in the vault, and each run asks anew."""
        self.assertEqual(self.run_shop().status, 0)
        self.project.sql("ShopDB", "CREATE ROLE shop_reader_b LOGIN PASSWORD 'canary-rotated'; GRANT shop_reader TO shop_reader_b")
        self.vault.secrets["secret/data/shop"] = {"username": "shop_reader_b", "password": "canary-rotated"}
        self.assertEqual(self.run_shop().status, 0)
        self.vault.secrets["secret/data/shop"] = {"username": "shop_reader_b", "password": "wrong"}
        self.assertEqual(self.run_shop().status, 1)

    def test_what_is_in_the_way(self):
        self.refused("neither VAULT_TOKEN nor VAULT_TOKEN_FILE is set", VAULT_TOKEN="")
        self.refused("no token stands in /nowhere", VAULT_TOKEN_FILE="/nowhere")
        self.refused("VAULT_ADDR is not set", VAULT_ADDR="")
        self.refused("VAULT_ADDR is not https://", VAULT_ADDR="http://vault.example.com:8200")
        self.refused("the token may not read it", VAULT_TOKEN="another")
        self.vault.says = 302
        self.refused("it has answered with status 302")
        self.vault.says = None
        del self.vault.secrets["secret/data/shop"]
        self.refused("it is not there")
        self.vault.secrets["secret/data/shop"] = None
        self.refused("its newest version was deleted")
        for fields in ({}, {"password": "x"}, {"username": 7}):
            self.vault.secrets["secret/data/shop"] = fields
            self.refused("it has neither username nor token")

    def test_a_path_that_is_none(self):
        self.addCleanup(self.at, "secret/data/shop")
        for path in ("/secret/data/shop", "secret/../sys/seal", "secret//x", "secret/data/shop?version=1", ""):
            self.local.write_text(self.before.replace("{file: .yellow/secrets/shop_reader}", f'{{vault: "{path}"}}'))
            done = self.project.yellow("lint")
            self.assertEqual(done.status, 1, done)
            self.assertIn("this is not a path of a vault", done.out + done.err)


ROTATED = """
kind: Datastore
name: Ledger
capture: {sql_snapshot: {container: ShopDB, credential: source, schedule: "0 0 1 1 *", guards: {may_become_empty: [entries]}}}
datasets: {entries: {key: [id], columns: {id: integer}}}
---
kind: Workspace
name: Worker
groups: {In: {sinks: [Ledger.entries]}}
transformer:
  credentials: [source]
  code: {source: worker/, command: [sh, run.sh]}
  output: {datastore: Work, datasets: {entries: {key: [id], columns: {id: integer}}}, guards: {may_become_empty: [entries]}}
---
kind: Workspace
name: Reader
groups: {Now: {sinks: [Work.entries]}}
"""
# It has what it was started with, and logs in with that only after the secret has changed.
SLOW = """
echo there
sleep 2
PGUSER=$YELLOW_CREDENTIAL__SOURCE__USER PGPASSWORD=$YELLOW_CREDENTIAL__SOURCE__PASSWORD psql -X -At -d shop -c 'SELECT current_user'
"""


class Places:
    """Where a secret may stand: `says` is what the environment says of it, `put` puts another one there as whoever rotates it does."""

    def __init__(self, base, vault):
        self.base, self.vault, self.variables = base, vault, {"VAULT_ADDR": vault.address, "VAULT_TOKEN": TOKEN}
        self.mount = pathlib.Path("/run/yellow/secrets", base.name.lower().replace("_", "-"))
        self.says = {"env": "{env: ROTATED}", "file": f"{{file: {base}/line}}", "folder": f"{{file: {base}/folder}}", "vault": "{vault: secret/data/source}",
                     **({"kubernetes": f"{{kubernetes: {self.mount.name}}}"} if os.geteuid() == 0 else {})}

    def put(self, kind, user, password):
        if kind == "env":
            self.variables.update(ROTATED_USER=user, ROTATED_PASSWORD=password)
        elif kind == "file":
            (self.base / "new").write_text(f"{user}:{password}\n")
            (self.base / "new").rename(self.base / "line")
        elif kind == "vault":
            self.vault.secrets["secret/data/source"] = {"username": user, "password": password}
        else:
            self.mounted(self.mount if kind == "kubernetes" else self.base / "folder", user, password)

    @staticmethod
    def mounted(folder, user, password):
        """As a kubelet does it: the names lead through ..data, which leads to another folder from one moment to the next."""
        folder.mkdir(parents=True, exist_ok=True)
        newest = folder / f"..{user}"
        newest.mkdir(exist_ok=True)
        for name, value in (("username", user), ("password", password)):
            (newest / name).write_text(value)
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"..data/{name}")
        (folder / "..new").symlink_to(newest.name)
        (folder / "..new").rename(folder / "..data")

    def close(self):
        shutil.rmtree(self.mount, ignore_errors=True)


class RotationTest(unittest.TestCase):
    """By a pair: what is under way goes on with the login that it has, what begins has the new one, and then nobody needs the old one."""

    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()
        cls.vault = Vault()
        cls.addClassCleanup(cls.vault.close)
        cls.places = Places(cls.project.base, cls.vault)
        cls.addClassCleanup(cls.places.close)
        cls.project.sql("ShopDB", "CREATE TABLE entries (id integer); CREATE ROLE sources; GRANT CONNECT ON DATABASE shop TO sources; GRANT SELECT ON entries TO sources")
        cls.project.write("model/ledger.yaml", ROTATED)
        cls.project.write("model/worker/run.sh", SLOW)
        shared = cls.project.root / "model/ecosystem.yaml"
        shared.write_text(shared.read_text() + "credentials: {source: {type: user_password}}\n")
        cls.local = cls.project.root / "environments/local.yaml"
        cls.before = cls.local.read_text()

    def yellow(self, *arguments):
        return self.project.yellow(*arguments, environment=self.places.variables)

    def done(self, *arguments):
        result = self.yellow(*arguments)
        self.assertEqual(result.status, 0, result)
        return result

    def make(self, user):
        self.project.sql("ShopDB", f"CREATE ROLE {user} LOGIN PASSWORD 'canary-{user}' IN ROLE sources")

    def put(self, kind, user):
        self.places.put(kind, user, f"canary-{user}")

    def logs(self):
        return set((self.project.root / ".yellow").glob("runs/*/output.log"))

    def newest_log(self):
        run = json.loads(self.yellow("runs", "list", "--output", "json").out)[0]
        return run["state"], (self.project.root / f".yellow/runs/{run['id']}/output.log").read_text()

    def test_while_code_runs_that_has_the_old_one(self):
        for kind, says in self.places.says.items():
            with self.subTest(kind):
                self.rotate(kind, says)

    def rotate(self, kind, says):
        old, new = f"{kind}_a", f"{kind}_b"
        self.make(old)
        self.put(kind, old)
        self.local.write_text(self.before.replace("credentials:\n", f"credentials:\n  source: {says}\n"))
        self.done("apply")
        self.project.sql("ShopDB", f"INSERT INTO entries VALUES ({1 + list(self.places.says).index(kind)})")
        before = self.logs()
        running = subprocess.Popen([YELLOW, "--project", self.project.root, "run", "Ledger"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, **self.places.variables})
        try:
            until = time.monotonic() + 30
            while not any("there" in log.read_text() for log in self.logs() - before):
                self.assertLess(time.monotonic(), until)
                self.assertIsNone(running.poll())
                time.sleep(0.02)
            self.make(new)
            self.put(kind, new)
            out, _ = running.communicate(timeout=60)
        finally:
            running.kill()
            running.wait()
            running.stdout.close()
        self.assertEqual(running.returncode, 0, out)
        self.assertEqual(self.newest_log(), ("committed", f"there\n{old}\n"))
        self.project.sql("ShopDB", f"DROP ROLE {old}")
        self.done("rebuild", "Worker")
        self.done("run", "Worker")
        self.assertEqual(self.newest_log(), ("committed", f"there\n{new}\n"))
        self.done("run", "Ledger")


if __name__ == "__main__":
    unittest.main(verbosity=2)
