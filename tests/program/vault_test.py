"""A credential in a vault: a server that speaks its HTTP API, asked for each run; the secret appears nowhere else."""

import http.server
import json
import threading
import unittest

from project import Project

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
                status = vault.says or (403 if handler.headers.get("X-Vault-Token") != TOKEN else 200 if path in vault.secrets else 404)
                fields = vault.secrets.get(path)
                document = {"data": {"data": fields, "metadata": {"version": 3}} if "/data/" in path else fields} if status == 200 else {"errors": []}
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
