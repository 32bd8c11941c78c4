"""A day with secrets that the test knows, and then everything is searched for them that Yellow has written, shown, sent or started."""

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import unittest

import vault_test
from canaries import Canaries, Processes, forms
from mail_server import ELSEWHERE, MailServer, made_certificate
from notify_test import Receiver
from oidc_test import ALICE, Issuer, RsaKey, part
from people import Office, verifier
from project import PSQL
from tickets_test import TicketServer

MODEL = """
kind: Datastore
name: Ledger
capture: {sql_snapshot: {container: ShopDB, credential: ledger, schedule: "0 0 1 1 *", guards: {may_become_empty: [entries]}}}
datasets: {entries: {key: [id], columns: {id: integer}}}
---
kind: Datastore
name: Vaulted
capture: {sql_snapshot: {container: ShopDB, credential: vaulted, schedule: "0 0 1 1 *"}}
datasets: {entries: {key: [id], columns: {id: integer}}}
---
kind: Datastore
name: Away
capture: {sql_snapshot: {container: AwayDB, credential: ledger, schedule: "0 0 1 1 *"}}
datasets: {entries: {key: [id], columns: {id: integer}}}
---
kind: Workspace
name: Clerk
groups: {G: {sinks: ["Ledger.*", "Vaulted.*", "Away.*"]}}
---
kind: Workspace
name: Worker
groups: {In: {sinks: [Ledger.entries]}}
transformer:
  credentials: [worker]
  code: {image: worker, source: worker/, command: [python3, run.py]}
  output: {datastore: Work, datasets: {entries: {key: [id], columns: {id: integer}}}, guards: {may_become_empty: [entries]}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.entries]}}
"""
# The same elsewhere, for manifests that nobody applies here.
CLUSTER = """
kind: Environment
name: cluster
containers: {MergeDB: {host: merge.example.com}, ShopDB: {host: shop.example.com}, AwayDB: {host: away.example.com}}
credentials: {shop_reader: {kubernetes: shop-reader}, ledger: {env: LEDGER}, vaulted: {vault: secret/data/ledger}, worker: {env: WORKER}, mailer: {env: MAIL}, ticketer: {env: TICKETS}}
classes: {allowed: [pii]}
launcher: {kubernetes: {namespace: code, database_networks: ["10.20.0.0/16"]}}
images: {worker: "registry.example.com/worker@sha256:1111111111111111111111111111111111111111111111111111111111111111"}
notify:
  hook: {webhook: {env: HOOK}}
  ops: {mail: {server: "smtps://mail.example.com", from: yellow@example.com, to: [ops@example.com], credential: mailer}}
"""
# Code that prints its whole environment in every form that comes to mind; the password of its login, which nobody else knows, so that the test alone can read it.
CODE = """
import base64, json, os, sys, urllib.parse
print("login:" + bytes(b ^ 0x5a for b in os.environ["PGPASSWORD"].encode()).hex())
for name, value in os.environ.items():
    print(name, value)
    print(json.dumps({name: value}), urllib.parse.quote(value, safe=""), value.encode().hex(), value.encode().hex().upper())
    for before in ("", "x", "xy"):
        print(base64.b64encode((before + value).encode()).decode(), base64.urlsafe_b64encode((before + value).encode()).decode())
print("Authorization: " + os.environ["YELLOW_CREDENTIAL__WORKER__TOKEN"], file=sys.stderr)
sys.exit(STATUS)
"""
# Files whose purpose is to keep one secret: a path of the data folder or the person's, and the secret that may stand in it. All are for their owner alone.
KEEPERS = ".yellow/secrets/"
OF_THE_TEST = {"ledger", "wrong", "worker", "vault token", "webhook", "mail", "tickets"}     # by variables of the processes that the test starts


def canary(name):
    """Unlike in every encoding."""
    return f"{name}-{secrets.token_hex(12)}'\"/+&ü%"


class Day(Office):
    """The office, whose every word is kept."""

    def __init__(self):
        self.said, self.variables = [], {}
        super().__init__()

    def keep(self, what, result):
        self.said.append((" ".join(map(str, what)), f"{result.out}\n{result.err}"))
        return result

    def yellow(self, *arguments, environment=None, timeout=120):
        return self.keep(arguments, super().yellow(*arguments, environment={**self.variables, **(environment or {})}, timeout=timeout))

    def access(self, who, *arguments, user=None):
        return self.keep(("access", *arguments), super().access(who, *arguments, user=user))

    def session(self, request, typed, who="alice", timeout=60):
        return self.keep(("access", "sql"), super().session(request, typed, who, timeout))


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class CanaryTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.canaries, cls.processes = Canaries(), Processes()
        cls.processes.start()
        cls.addClassCleanup(cls.processes.stop)
        cls.vault, cls.receiver, cls.issuer, cls.ticket_system = vault_test.Vault(), Receiver(), Issuer(), TicketServer()
        for server in (cls.vault, cls.receiver, cls.issuer, cls.ticket_system):
            cls.addClassCleanup(server.close)
        cls.day = Day()
        cls.addClassCleanup(cls.day.close)
        cls.declare()
        cls.play()
        cls.processes.stop()

    # ---- The day -------------------------------------------------------------------------------------------------------

    @classmethod
    def declare(cls):
        day, add = cls.day, cls.canaries.add
        ledger, vaulted = add("ledger", canary("ledger")), add("vaulted", canary("vaulted"))
        vault_test.TOKEN = add("vault token", "hvs." + secrets.token_hex(16))
        cls.vault.secrets["secret/data/ledger"] = {"username": "vaulted", "password": vaulted}
        ca, context = made_certificate(day.root, "ca")
        mail = add("mail", canary("mail"))
        cls.mails = MailServer(host=ELSEWHERE, starttls=context, login=("yellow", mail))
        cls.addClassCleanup(cls.mails.close)
        hook = add("webhook", secrets.token_hex(16))
        day.variables = {"LEDGER_USER": "ledger", "LEDGER_PASSWORD": ledger, "WORKER_TOKEN": add("worker", canary("worker")), "VAULT_ADDR": cls.vault.address,
                         "VAULT_TOKEN": vault_test.TOKEN, "HOOK": f"http://127.0.0.1:{cls.receiver.server.server_port}/{hook}", "MAIL_USER": "yellow", "MAIL_PASSWORD": mail,
                         "TICKETS_TOKEN": add("tickets", "tickets" + secrets.token_hex(16))}
        add("wrong", canary("wrong"))
        for role, password in (("ledger", ledger), ("vaulted", vaulted)):
            day.sql("ShopDB", f"CREATE ROLE {role} LOGIN PASSWORD '{verifier(password)}'")
        day.sql("ShopDB", "GRANT CONNECT ON DATABASE shop TO ledger, vaulted; CREATE TABLE entries (id integer); GRANT SELECT ON entries TO ledger, vaulted; INSERT INTO entries VALUES (1)")
        cls.key = RsaKey("rsa-1")
        cls.issuer.keys = [cls.key]
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            cls.port = free.getsockname()[1]
        ecosystem = day.root / "model/ecosystem.yaml"
        document = json.loads(ecosystem.read_text())
        document["people"]["alice"]["identities"].append(f"oidc:{ALICE}")
        document["credentials"] = {name: {"type": "user_password"} for name in ("ledger", "vaulted", "mailer")} | {name: {"type": "token"} for name in ("worker", "ticketer")}
        document["containers"] = {"AwayDB": {"postgres": {"database": "away"}}}
        ecosystem.write_text(json.dumps(document))
        day.write("model/more.yaml", MODEL)
        day.write("environments/cluster.yaml", CLUSTER)
        local = day.root / "environments/local.yaml"
        local.write_text(local.read_text().replace("tickets: {file: tickets.json}\n", "").replace("containers:\n", "containers:\n  AwayDB: {host: 127.0.0.1, port: 1}\n").replace(
            "credentials:\n", "credentials:\n  ledger: {env: LEDGER}\n  vaulted: {vault: secret/data/ledger}\n  worker: {env: WORKER}\n  mailer: {env: MAIL}\n  ticketer: {env: TICKETS}\n") + f"""
limits: {{retry: 1s}}
notify:
  hook: {{webhook: {{env: HOOK}}}}
  ops: {{mail: {{server: "{cls.mails.address}", from: yellow@example.com, to: [ops@example.com], credential: mailer, ca: ca.pem}}}}
tickets: {{http: {{url: "{cls.ticket_system.url}/{{ticket}}", credential: ticketer, state: /state, open: [open], owner: /owner}}}}
access: {{listen: "127.0.0.1:{cls.port}", issuer: "{cls.issuer.url}", audience: yellow}}
audit: {{anchors: [{{file: anchors.jsonl}}]}}
""")
        cls.ticket_system.says("/OPS-1", {"state": "open", "owner": "alice"})

    @classmethod
    def done(cls, *arguments, status=0, **how):
        result = cls.day.yellow(*arguments, **how)
        assert result.status == status, (arguments, result)
        return result

    @classmethod
    def play(cls):
        day = cls.day
        day.stop_service()
        cls.code(3)
        for command in (("lint",), ("plan",), ("plan", "--output", "json"), ("apply",), ("graph",), ("doctor",), ("doctor", "--output", "json")):
            day.yellow(*command)
        cls.done("run", "Ledger", status=1, environment={"LEDGER_PASSWORD": cls.canaries.secrets["wrong"]})
        cls.done("run", "Vaulted", status=1, environment={"VAULT_ADDR": "http://127.0.0.1:1"})
        cls.done("run", "Away", status=1)
        cls.done("run", "Vaulted", status=1)             # and Worker waits
        cls.done("run", "Ledger", status=1)     # and Worker, whose code fails
        cls.look()
        day.yellow("try", "Worker")
        cls.code(0)
        cls.done("apply")
        cls.done("run", "Worker")
        cls.done("runs", "list", "--output", "json")
        day.stop_service()
        day.start_service(day.variables)
        cls.serve()
        cls.look()
        for command in (("init", str(day.base / "other")), ("render", "systemd"), ("render", "kubernetes", "--environment", "cluster", "--image", "example.com/y@sha256:" + "0" * 64),
                        ("export", "json-schema"), ("sql", "-w", "WorkReader", "-c", "SELECT 1"), ("test",)):
            cls.done(*command)
        day.yellow("render", "airflow")
        day.service.send_signal(signal.SIGKILL)
        day.service.wait()
        day.start_service(day.variables)
        day.stop_service()
        for command in (("audit", "chain", "--close"), ("audit", "verify"), ("audit", "search", "--output", "json"), ("audit", "export", "--to", str(day.base / "audit.jsonl"))):
            cls.done(*command)
        for name in ("bob", "carol"):
            cls.canaries.add(f"{name}'s review key", (day.base / f"{name}.key").read_text().strip().rpartition(":")[2])
        for keeper in (day.root / KEEPERS).iterdir():
            if not keeper.name.startswith("bootstrapped_"):
                cls.canaries.add(f"secret {keeper.name}", keeper.read_text().strip().rpartition(":")[2])
        logs = "".join(path.read_text(errors="replace") for path in (day.root / ".yellow/runs").glob("*/output.log"))
        told = sorted(set(re.findall("^login:([0-9a-f]+)$", logs + "".join(text for _, text in day.said), re.M)))
        assert len(told) >= 3, told    # a run that has failed, a try, a run that has not
        for number, password in enumerate(told):
            cls.canaries.add(f"login of run {number}", bytes(byte ^ 0x5a for byte in bytes.fromhex(password)).decode())

    @classmethod
    def code(cls, status):
        cls.day.write("model/worker/run.py", CODE.replace("STATUS", str(status)))

    @classmethod
    def look(cls):
        for command in (("status",), ("status", "--output", "json"), ("runs", "list"), ("batches", "list", "--output", "json")):
            cls.day.yellow(*command)
        for node in ("Ledger", "Vaulted", "Away", "Worker"):
            cls.day.yellow("explain", node)
        for run in json.loads(cls.day.yellow("runs", "list", "--output", "json").out):
            if run["key"] == "Transform/Main/Worker":
                cls.day.yellow("runs", "show", run["id"])
                cls.day.yellow("runs", "logs", run["id"])

    @classmethod
    def serve(cls):
        """Requests for access on every way, a session, its replay, a report."""
        day = cls.day
        now = int(time.time())
        claims = {"iss": cls.issuer.url, "aud": "yellow", "sub": "7", "iat": now, "exp": now + 300, "email": ALICE, "email_verified": True}
        text = f"{part({'alg': 'RS256', 'typ': 'JWT', 'kid': 'rsa-1'})}.{part(claims)}"
        token = cls.canaries.add("token", f"{text}.{part(cls.key.sign(text.encode()))}")
        cls.canaries.add("token's signature", token.rpartition(".")[2])
        for path, bearer, status in (("/v1/access/scopes", token, 200), ("/v1/access/scopes", token + "x", 401), (f"/v1/access/{token}", token, 404)):
            connection = http.client.HTTPConnection("127.0.0.1", cls.port, timeout=30)
            connection.request("GET", path, headers={"Authorization": f"Bearer {bearer}"})
            answer = connection.getresponse()
            assert answer.status == status, (path, answer.status)
            day.said.append((f"over TCP: {status}", answer.read().decode()))
            connection.close()
        request = day.active()
        day.session(request, "TABLE dp_main.dt_work__entries;\nTABLE dp_main.ledger__entries;\n")
        session = day.session(request, "SELECT current_setting('is_superuser');\n\\conninfo\n\\! env\n\\! cat /proc/*/environ /proc/*/cmdline\n")
        assert session.status == 0, session
        for recording in sorted((day.root / ".yellow/recordings").iterdir()):
            cls.done("access", "replay", str(recording), "--key", str(day.base / "carol.key"), *(["--cast"] if ".statements." in recording.name else []))
        day.did("alice", "release", request["id"])
        day.wait_for(request, "in_review")
        day.did("bob", "accept", request["id"], "all well")
        day.access("bob", "report", "--from", "2020-01-01", "--to", "2099-12-31")
        day.access("bob", "statements", request["id"])

    # ---- What may hold one -----------------------------------------------------------------------------------------------

    def kept_in(self, path):
        """The secret that this file is there to keep."""
        if path.parent == self.day.root / KEEPERS and not path.name.startswith("bootstrapped_"):    # a mark, which keeps none
            return f"secret {path.name}"
        return f"{path.stem}'s review key" if path.parent == self.day.base and path.suffix == ".key" else None

    def files(self):
        for folder in (self.day.base, self.day.cluster()):
            for place, _, names in os.walk(folder):
                for name in names:
                    path = type(folder)(place, name)
                    if path.is_file() and not path.is_symlink() and path != self.day.program:
                        yield path

    def in_files(self, only=None):
        found = {}
        for path in self.files():
            if only not in (None, path):
                continue
            kept = self.kept_in(path)
            if leaks := self.canaries.found_in(path.read_bytes(), but=(kept,)):
                found[str(path)] = leaks
        return found

    def dump(self):
        """All databases of the server, Yellow's own and those of the sources."""
        server = self.day.server()
        done = subprocess.run([PSQL.replace("psql", "pg_dumpall"), "-h", server["host"], "-p", str(server["port"]), "-U", "yellow_super"], capture_output=True, check=True)
        self.assertIn(b"yellow_access.audit", done.stdout)
        return done.stdout

    def in_processes(self, seen):
        """Command lines have none. An environment has what the test itself has given to a process that it has started, and code has its own."""
        started = {command for (_, command), (_, parent) in seen.items() if parent == os.getpid()}
        found = {}
        for (_, command), (environment, parent) in seen.items():
            if leaks := self.canaries.found_in(command):
                found["argv: " + repr(command)] = leaks
            may = OF_THE_TEST if command in started else ()
            if b"YELLOW_RUN_ID=" in environment:
                may = {"worker", *(name for name in self.canaries.secrets if name.startswith("login of run"))}
            if leaks := self.canaries.found_in(environment, but=may):
                found["environment of " + repr(command)] = leaks
        return found

    def sent(self):
        """(what, bytes, secrets that are its own) of all that receivers got."""
        for headers, body, _ in self.receiver.posts:
            yield "webhook", f"{headers}{json.dumps(body)}{json.dumps(body, ensure_ascii=False)}", ()
        for (_, text, _, _), mail in zip(self.mails.mails, self.mails.read()):
            yield "mail", text, ()
            yield "mail", mail.get_content(), ()
        for path, headers in self.ticket_system.asked:
            yield "ticket system", f"{path}{headers}", ("tickets",)
        for path, token, space in self.vault.asked:
            yield "vault", f"{path}{token}{space}", ("vault token",)
        for path in self.issuer.asked:
            yield "issuer", path, ()

    # ---- Where they are looked for -----------------------------------------------------------------------------------------

    def test_no_file_has_one(self):
        self.assertEqual(self.in_files(), {})
        names = {str(path.relative_to(self.day.base)) for path in self.files() if path.is_relative_to(self.day.base)}
        for place in ("/output.log", ".cast.sealed", ".statements.sealed", ".jsonl", "serve.log"):
            self.assertTrue(any(name.endswith(place) for name in names), (place, names))

    def test_files_that_keep_one_are_for_their_owner(self):
        keepers = {path: self.kept_in(path) for path in self.files() if self.kept_in(path)}
        self.assertEqual(sorted(path.name for path in keepers), ["audit_key", "bob.key", "carol.key", "shop_reader", "yellow_access", "yellow_engine", "yellow_ingest_out", "yellow_migrator"])
        for path in keepers:
            self.assertEqual((oct(path.stat().st_mode & 0o777), path.stat().st_uid), ("0o600", os.geteuid()), path)
        self.assertEqual((self.day.root / KEEPERS).stat().st_mode & 0o777, 0o700)

    def test_no_table_has_one(self):
        self.assertEqual(self.canaries.found_in(self.dump()), [])

    def test_nothing_that_was_shown_has_one(self):
        self.assertGreater(len(self.day.said), 50)
        self.assertEqual({what: leaks for what, text in self.day.said if (leaks := self.canaries.found_in(text))}, {})

    def test_no_process_has_one_in_its_command_line_or_a_foreign_one_in_its_environment(self):
        self.assertEqual(self.in_processes(self.processes.seen), {})
        commands = b"\n".join(command for _, command in self.processes.seen)
        for program in (b"postgres", b"psql", b"run.py", b"serve"):
            self.assertIn(program, commands, "the watch has not seen it")

    def test_no_receiver_got_one(self):
        sent = list(self.sent())
        self.assertEqual({what for what, *_ in sent}, {"webhook", "mail", "ticket system", "vault", "issuer"})
        self.assertEqual([(what, leaks) for what, text, own in sent if (leaks := self.canaries.found_in(text, but=own))], [])

    # ---- The search finds what is there ------------------------------------------------------------------------------------

    def test_each_in_each_form_is_found_wherever_it_is_planted(self):
        planted = self.day.root / ".yellow/runs/planted.bin"
        self.addCleanup(planted.unlink, missing_ok=True)
        self.assertGreaterEqual(len(self.canaries.secrets), 17)
        for name, secret in self.canaries.secrets.items():
            for form, pattern in forms(secret).items():
                text = b"\x00before " + pattern + b" behind"
                self.assertIn(name, {found for found, _ in self.canaries.found_in(text)}, (name, form))
        everything = b"\n".join(pattern for secret in self.canaries.secrets.values() for pattern in forms(secret).values())
        planted.write_bytes(everything)
        self.assertEqual({name for name, _ in self.in_files(planted)[str(planted)]}, set(self.canaries.secrets))
        planted.unlink()
        keeper = self.day.root / KEEPERS / "planted"
        self.addCleanup(keeper.unlink, missing_ok=True)
        keeper.write_bytes(everything)
        self.assertIn(str(keeper), self.in_files(keeper), "a keeper keeps its own secret and no other")
        keeper.unlink()
        of_its_own = Canaries()
        secret = of_its_own.add("planted", canary("planted"))
        self.day.sql("MergeDB", "CREATE TABLE public.planted (t text); INSERT INTO public.planted VALUES ('" + secret.replace("'", "''") + "')")
        self.addCleanup(self.day.sql, "MergeDB", "DROP TABLE public.planted")
        self.assertIn("planted", {name for name, _ in of_its_own.found_in(self.dump())})

    def test_a_process_that_has_one_is_seen(self):
        watch = Processes()
        watch.start()
        sleeper = "import time, subprocess, sys, os\nif len(sys.argv) > 1: subprocess.run([sys.executable, '-c', 'import time; time.sleep(1)', os.environ['TAKE']], env={'LEAK': os.environ['TAKE']})\n"
        subprocess.run([sys.executable, "-c", sleeper, "x"], env={"TAKE": self.canaries.secrets["ledger"]}, check=True)
        watch.stop()
        found = self.in_processes(watch.seen)
        self.assertTrue(any(what.startswith("argv") for what in found), found)
        self.assertTrue(any(what.startswith("environment") for what in found), found)


if __name__ == "__main__":
    unittest.main(verbosity=2)
