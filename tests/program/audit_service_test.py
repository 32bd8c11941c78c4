"""The audit log through the service: who may read it, that the reading is recorded before, and how much of it there may be."""

import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import time
import unittest

import oidc_test
from people import PEOPLE, SCOPES, Office
from project import Result

AUDRA = "backup"     # the account of the auditor
WITH_AUDRA = {**PEOPLE, "audra": ([AUDRA], ["auditor"])}
COMMANDS = (("tail",), ("search",), ("verify",), ("export", "--to", "/tmp/yellow-never-written.jsonl"))


def as_user(name):
    account = pwd.getpwnam(name)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/", "stdin": subprocess.DEVNULL}


class AuditOffice(Office):
    def __init__(self):
        super().__init__()
        self.people(WITH_AUDRA)
        self.desk = self.base / "audra"     # a folder of hers
        self.desk.mkdir()
        os.chown(self.desk, pwd.getpwnam(AUDRA).pw_uid, -1)

    def people(self, people):
        self.declare(people, SCOPES)
        done = self.yellow("apply")
        assert done.status == 0, done

    def audit_as(self, user, *arguments, environment=None, timeout=120):
        """`yellow audit` of somebody with an account on the machine, from a folder without a project."""
        return Result(subprocess.run([str(self.program), "audit", *arguments], capture_output=True, text=True, timeout=timeout,
                                     env={**os.environ, "YELLOW_SOCKET": str(self.socket), **(environment or {})}, **as_user(user)))

    def audited(self, *arguments, **how):
        done = self.audit_as(AUDRA, *arguments, "--output", "json", **how)
        assert done.status == 0, done
        return json.loads(done.out)

    def reads(self):
        """Who has read the log: person, identity, and how."""
        return [(person, (details := json.loads(text)).get("identity"), details["how"]) for person, text in self.sql(
            "MergeDB", "SELECT person, details FROM yellow_access.audit WHERE action = 'audit.read' ORDER BY id")]


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AuditService(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = AuditOffice()
        cls.addClassCleanup(cls.office.close)

    def tearDown(self):
        self.assertIsNone(self.office.service.poll(), "the service lives on")

    # ---- Who may

    def test_who_is_no_auditor_gets_nothing_and_leaves_no_reading(self):
        before = self.office.reads()
        for user, why in (("daemon", "takes the role auditor or senior_devops"), ("proxy", "takes the role auditor"), ("nobody", "the model knows nobody as os:nobody")):
            for command in COMMANDS:
                with self.subTest(user=user, command=command):
                    refused = self.office.audit_as(user, *command)
                    self.assertEqual((refused.status, refused.out), (1, ""), refused)
                    self.assertIn(why, refused.err)
        self.assertEqual(self.office.reads(), before)
        self.assertFalse(os.path.exists("/tmp/yellow-never-written.jsonl"))

    def test_a_senior_may(self):
        self.assertEqual(self.office.audit_as("games", "tail").status, 0)
        self.assertEqual(self.office.reads()[-1], ("bob", "os:games", "tail"))

    def test_a_demoted_auditor_is_refused_and_follows_no_more(self):
        follower = subprocess.Popen([str(self.office.program), "audit", "tail", "-f", "--socket", str(self.office.socket)], stdout=subprocess.PIPE, text=True, **as_user(AUDRA))
        self.addCleanup(follower.stdout.close)
        follower.stdout.readline()
        self.office.people({**WITH_AUDRA, "audra": ([AUDRA], ["devops"])})
        try:
            self.assertEqual(follower.wait(30), 0)
            before = self.office.reads()
            refused = self.office.audit_as(AUDRA, "search")
            self.assertEqual(refused.status, 1, refused)
            self.assertIn("may not read the audit log", refused.err)
            self.assertEqual(self.office.reads(), before)
        finally:
            follower.kill()
            self.office.people(WITH_AUDRA)

    # ---- What they get

    def test_each_command_gives_what_it_gives_on_the_machine(self):
        self.office.chained()
        found = self.office.audited("search", "--action", "model.*")
        self.assertEqual(found, json.loads(self.office.yellow("audit", "search", "--action", "model.*", "--output", "json").out))
        self.assertTrue(found)
        self.assertEqual(self.office.reads()[-2:], [("audra", f"os:{AUDRA}", "search"), (self.me(), f"os:{self.me()}", "search")])
        text = self.office.audit_as(AUDRA, "search", "--action", "model.*").out
        self.assertEqual(text, self.office.yellow("audit", "search", "--action", "model.*").out)
        self.assertEqual([record["action"] for record in self.office.audited("tail", "-n", "1")], ["audit.read"])
        self.office.chained()
        there, = self.office.audited("verify")
        self.assertEqual((there["state"], there["findings"], there["not_compared"]), ("good", [], []))
        self.assertEqual(self.office.reads()[-1], ("audra", f"os:{AUDRA}", "verify"))
        self.assertIn("error: this is no public key", self.office.audit_as(AUDRA, "verify", "--key", "0").err)
        self.assertEqual(self.office.audit_as(AUDRA, "verify", "--key", "0" * 64, "--to", "1").status, 0)
        self.assertEqual(self.office.audited("search", "--text", "no ünicode & nothing = else"), [])
        self.assertEqual(self.office.audit_as(AUDRA, "search", "--person", "nobody at all").out, "Nothing was found.\n")
        copy = self.office.desk / "copy.jsonl"
        written = self.office.audited("export", "--to", str(copy))
        self.assertEqual((copy.stat().st_mode & 0o777, copy.owner()), (0o600, AUDRA))
        self.assertEqual(written["sha256"], hashlib.sha256(copy.read_bytes()).hexdigest())
        files = sorted((self.office.root / ".yellow/audit").glob("*/*.jsonl"))
        self.assertTrue(b"".join(file.read_bytes() for file in files).startswith(copy.read_bytes()))
        again = self.office.audit_as(AUDRA, "export", "--to", str(copy))
        self.assertEqual(again.status, 2, again)
        nowhere = self.office.audit_as(AUDRA, "export", "--to", "/root/copy.jsonl")
        self.assertEqual(nowhere.status, 3, nowhere)

    @staticmethod
    def me():
        return pwd.getpwuid(os.getuid()).pw_name

    def test_what_is_followed_comes(self):
        follower = subprocess.Popen([str(self.office.program), "audit", "tail", "-f", "-n", "1", "--output", "json", "--socket", str(self.office.socket)],
                                    stdout=subprocess.PIPE, text=True, **as_user(AUDRA))
        self.addCleanup(follower.stdout.close)
        follower.stdout.readline()
        self.assertEqual(self.office.yellow("streams", "pause", "Shop").status, 0)
        self.assertEqual(self.office.yellow("streams", "resume", "Shop").status, 0)
        seen = []
        while "stream.resumed" not in seen:
            seen.append(json.loads(follower.stdout.readline())["action"])
        follower.send_signal(signal.SIGINT)
        self.assertIn(follower.wait(20), (0, 130))

    def test_where_a_command_goes(self):
        """A socket that is named goes before a project, a project that is named before YELLOW_SOCKET; with neither it is said what to do."""
        nowhere = {"YELLOW_SOCKET": "/nowhere.sock"}
        self.assertEqual(self.office.audit_as("root", "tail", "--project", str(self.office.root), environment=nowhere).status, 0)
        self.assertEqual(self.office.audit_as(AUDRA, "tail", "--socket", str(self.office.socket), environment=nowhere).status, 0)
        self.assertEqual(self.office.audit_as("root", "tail", environment=nowhere).status, 3)
        neither = self.office.audit_as(AUDRA, "tail", environment={"YELLOW_SOCKET": ""})
        self.assertEqual(neither.status, 2, neither)
        self.assertIn("--socket", neither.err)
        self.assertIn("--project", neither.err)
        anchored = self.office.audit_as(AUDRA, "verify", "--anchor", "/dev/null")
        self.assertEqual(anchored.status, 2, anchored)
        self.assertIn("yellow audit export --to audit.jsonl", anchored.err)

    def test_a_call_is_read_strictly(self):
        def call(path):
            done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", "--unix-socket", str(self.office.socket), f"http://yellow/v1/audit/{path}"], capture_output=True, text=True, timeout=60, **as_user(AUDRA))
            return int(done.stdout.rpartition("\n")[2])
        before = len(self.office.reads())
        for path, status in (("records?who=alice", 400), ("records?person=a&person=b", 400), ("records?since=yesterday", 400), ("records?since=2026-13-01T00:00:00Z", 400), ("records?until=2026-02-29T00:00:00Z", 400),
                             ("records?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", 400), ("records?person=", 400), ("verify?key=", 400), ("log?container=", 400), ("newest?lines=0", 400), ("newest?lines=10001", 400),
                             ("newest?lines=1x", 400), ("newest?follow=yes", 400), ("verify?key=abc", 400), ("verify?from=-1", 400), ("log?container=Other", 404), ("nothing", 404), ("", 404)):
            with self.subTest(path=path):
                self.assertEqual(call(path), status)
        self.assertEqual(len(self.office.reads()), before)

    def test_no_part_of_an_answer_is_given(self):
        before = len(self.office.reads())
        for asked in ("0-0", "5-9", "0-0,3-4", "99999999-"):
            for path in ("log", "newest?lines=1"):
                with self.subTest(asked=asked, path=path):
                    done = subprocess.run(["curl", "-sS", "-r", asked, "-w", "\n%{http_code}", "--max-time", "20", "--unix-socket", str(self.office.socket), f"http://yellow/v1/audit/{path}"],
                                          capture_output=True, text=True, timeout=60, **as_user(AUDRA))
                    body, _, status = done.stdout.rpartition("\n")
                    self.assertEqual((done.returncode, status, json.loads(body)["error"]["code"]), (0, "400", "call"), done)
        self.assertEqual(len(self.office.reads()), before)

    def test_what_cannot_be_recorded_is_not_given(self):
        function = "yellow_access.audit_add(text, text, text, text, jsonb)"
        self.office.sql("MergeDB", f"ALTER FUNCTION {function} RENAME TO no_audit")
        try:
            for command in COMMANDS:
                with self.subTest(command):
                    failed = self.office.audit_as(AUDRA, *command)
                    self.assertEqual((failed.status, failed.out), (3, ""), failed)
        finally:
            self.office.sql("MergeDB", f"ALTER FUNCTION {function.replace('audit_add', 'no_audit')} RENAME TO audit_add")
        self.assertFalse(os.path.exists("/tmp/yellow-never-written.jsonl"))

    # ---- Which identity it was

    def test_each_record_says_by_which_account(self):
        request = self.office.ask(ticket="OPS-20")
        self.office.approve(request)
        done = Result(subprocess.run([str(self.office.program), "access", "activate", request["id"], "--socket", str(self.office.socket)], capture_output=True, text=True, timeout=60, **as_user("lp")))
        self.assertEqual(done.status, 0, done)    # alice's other account
        self.office.session(request, "SELECT set_config('yellow.identity', 'oidc:eve@example.com', false);\nSELECT yellow_op.dt_fill('dp_main', 'dt_shopmasked__customers');\n")
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        said = {action: (person, identity) for person, action, identity in self.office.sql(
            "MergeDB", f"SELECT person, action, coalesce(details ->> 'identity', '') FROM yellow_access.audit WHERE request = '{request['id']}'")}
        self.assertEqual({action: said[action] for action in ("access.request", "access.approve", "access.activate", "access.session", "access.release", "access.disable", "access.fill")},
                         {"access.request": ("alice", "os:daemon"), "access.approve": ("bob", "os:games"), "access.activate": ("alice", "os:lp"), "access.session": ("alice", "os:daemon"),
                          "access.release": ("alice", "os:daemon"), "access.disable": ("yellow", ""), "access.fill": ("alice", "")})
        # Whoever else is connected is not believed, and what is believed is short and plain.
        for who, identity in (("yellow_engine", None), ("yellow_access", "os:a?b" + "c" * 294)):
            self.office.sql("MergeDB", f"SET SESSION AUTHORIZATION {who}; SET yellow.identity = E'os:a\\nb{'c' * 400}'; SELECT yellow_access.audit_add('x', 'test.identity', '{who}', '', '{{}}')")
            found, = self.office.sql("MergeDB", f"SELECT details ->> 'identity' FROM yellow_access.audit WHERE action = 'test.identity' AND subject = '{who}'")
            self.assertEqual(found[0] or None, identity)

    def test_only_a_few_read_at_once(self):
        """Who takes places and reads nothing keeps no one else from anything but reading the log, and alone not even from that."""
        holders = []

        def hold(user):
            holders.append(subprocess.Popen([str(self.office.program), "audit", "tail", "-f", "--socket", str(self.office.socket)], stdout=subprocess.PIPE, text=True, **as_user(user)))
            holders[-1].stdout.readline()

        def refused(user, why):
            before = len(self.office.reads())
            busy = self.office.audit_as(user, "search")
            self.assertEqual(busy.status, 3, busy)
            self.assertIn(why, busy.err)
            self.assertIn("try again", busy.err)
            self.assertEqual(len(self.office.reads()), before)

        for _ in range(2):
            hold(AUDRA)
        refused(AUDRA, "audra is reading the audit log 2 times")
        self.assertEqual(self.office.audit_as("games", "tail").status, 0)
        for _ in range(2):
            hold("games")
        refused("mail", "4 times the audit log is being read")
        self.assertEqual(self.office.access("bob", "list").status, 0)
        for holder in holders:
            holder.kill()
            holder.wait()
            holder.stdout.close()
        until = time.monotonic() + 20
        while self.office.audit_as(AUDRA, "tail").status != 0:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.2)


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class LongLog(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = AuditOffice()
        cls.addClassCleanup(cls.office.close)

    def memory(self):
        """The most that the service has had in memory, in KiB."""
        return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{self.office.service.pid}/status").read_text())[1])

    def test_more_than_can_be_looked_through_waits(self):
        """Nothing is left out unsaid while nobody puts the records into the chain."""
        folder, = (self.office.root / ".yellow/audit").iterdir()
        before = self.office.reads()
        with open(folder / "lock", "w") as lock:
            until = time.monotonic() + 20
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    self.assertLess(time.monotonic(), until)
            self.office.sql("MergeDB", "INSERT INTO yellow_access.audit (person, action, subject) SELECT 'many', 'test.waits', 'n' || n FROM generate_series(1, 10001) n")
            for command in ("search", "tail"):
                refused = self.office.audit_as(AUDRA, command)
                self.assertEqual((refused.status, refused.out), (1, ""), refused)
                self.assertIn("have no place in the chain yet", refused.err)
            self.assertEqual(self.office.reads(), before)

    def test_a_long_log(self):
        """A hundred thousand records are given while others are answered, in little memory; a service that is killed leaves no half of a copy."""
        self.office.sql("MergeDB", "INSERT INTO yellow_access.audit (person, action, subject, details) SELECT 'many', 'test.many', 'n' || n, "
                                   "jsonb_build_object('text', repeat('x', 200), 'n', n) FROM generate_series(1, 100000) n")
        until = time.monotonic() + 240
        while self.office.sql("MergeDB", "SELECT count(*) FROM yellow_access.audit WHERE sequence IS NULL") != [("0",)]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.5)
        self.office.audit_as(AUDRA, "tail")
        before = self.memory()
        bobs = self.office.base / "bob-audits"
        bobs.mkdir()
        os.chown(bobs, pwd.getpwnam("games").pw_uid, -1)
        copies = [self.office.desk / "long-0.jsonl", self.office.desk / "long-1.jsonl", bobs / "long-2.jsonl"]
        readers = [subprocess.Popen([str(self.office.program), "audit", "export", "--to", str(copy), "--socket", str(self.office.socket)], stdout=subprocess.DEVNULL, **as_user(user))
                   for copy, user in zip(copies, (AUDRA, AUDRA, "games"))]
        readers.append(subprocess.Popen([str(self.office.program), "audit", "verify", "--socket", str(self.office.socket)], stdout=subprocess.DEVNULL, **as_user("games")))
        answered = 0
        while any(reader.poll() is None for reader in readers):
            began = time.monotonic()
            self.assertEqual(self.office.access("bob", "list").status, 0)
            self.assertLess(time.monotonic() - began, 5)
            answered += 1
        self.assertEqual([reader.returncode for reader in readers], [0] * 4)
        self.assertGreater(answered, 0)
        found = self.office.audit_as(AUDRA, "search", "--action", "test.many", "--text", "\"n\":99999", "--output", "json")
        self.assertEqual([record["subject"] for record in json.loads(found.out)], ["n99999"], found.err)
        size = copies[0].stat().st_size
        self.assertGreater(size, 40 << 20)
        grown = self.memory() - before
        print(f"{size >> 20} MiB of audit log given three times, searched and verified: {answered} others answered, the service grew by {grown} KiB")
        self.assertLess(grown, 80 << 10)
        self.stopped_while_somebody_reads_slowly()
        self.killed_while_it_gives(size)

    def stopped_while_somebody_reads_slowly(self):
        """Who takes a little now and then keeps the service from nothing."""
        before = len(self.office.reads())
        reader = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "--limit-rate", "1k", "--unix-socket", str(self.office.socket), "http://yellow/v1/audit/log"], **as_user(AUDRA))
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        until = time.monotonic() + 20
        while len(self.office.reads()) == before:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.1)
        time.sleep(1)
        self.assertIsNone(reader.poll())
        began = time.monotonic()
        self.office.stop_service()
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.office.service.returncode, 0)
        reader.kill()
        self.office.start_service()

    def killed_while_it_gives(self, size):
        copy = self.office.desk / "killed.jsonl"
        for _ in range(50):
            reader = subprocess.Popen([str(self.office.program), "audit", "export", "--to", str(copy), "--socket", str(self.office.socket)], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, **as_user(AUDRA))
            while reader.poll() is None and not any(part.stat().st_size > 0 for part in self.office.desk.glob("killed.jsonl-*")):
                pass
            reader.send_signal(signal.SIGSTOP)
            if reader.poll() is None and all(part.stat().st_size < size - (8 << 20) for part in self.office.desk.glob("killed.jsonl-*")):
                break
            reader.send_signal(signal.SIGCONT)
            reader.communicate(timeout=60)
            copy.unlink(missing_ok=True)
        self.office.stop_service(signal.SIGKILL)
        reader.send_signal(signal.SIGCONT)
        _, told = reader.communicate(timeout=60)
        self.assertEqual(reader.returncode, 3, told)
        self.assertIn("has not given the whole file", told)
        self.assertEqual([path.name for path in self.office.desk.glob("killed*")], [])
        self.office.start_service()


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class ByToken(unittest.TestCase):
    """Over TCP, by a token of the issuer."""

    @classmethod
    def setUpClass(cls):
        cls.issuer = oidc_test.Issuer()
        cls.addClassCleanup(cls.issuer.close)
        cls.rsa = oidc_test.RsaKey("rsa-1")
        cls.issuer.keys = [cls.rsa]
        cls.office = office = AuditOffice()
        cls.addClassCleanup(office.close)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        ecosystem = office.root / "model/ecosystem.yaml"
        document = json.loads(ecosystem.read_text())
        for name in ("alice", "audra"):
            document["people"][name]["identities"].append(f"oidc:{name}@example.com")
        ecosystem.write_text(json.dumps(document))
        environment = office.root / "environments/local.yaml"
        settings = {"listen": f"127.0.0.1:{cls.port}", "issuer": cls.issuer.url, "audience": "yellow"}
        environment.write_text(environment.read_text() + f"access: {json.dumps(settings)}\n")
        assert (done := office.yellow("apply")).status == 0, done
        office.stop_service()
        office.start_service()

    def token(self, name):
        now = int(time.time())
        claims = {"iss": self.issuer.url, "aud": "yellow", "sub": "7", "iat": now, "exp": now + 300, "email": f"{name}@example.com", "email_verified": True}
        signed = f"{oidc_test.part({'alg': 'RS256', 'kid': 'rsa-1'})}.{oidc_test.part(claims)}"
        return f"{signed}.{oidc_test.part(self.rsa.sign(signed.encode()))}"

    def get(self, path, name=None, token=None):
        token = token or (self.token(name) if name else None)
        words = ["curl", "-sS", "-o", "-", "-w", "\n%{http_code}", *(("-H", f"Authorization: Bearer {token}") if token else ()), f"http://127.0.0.1:{self.port}/v1/audit/{path}"]
        done = subprocess.run(words, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        body, _, status = done.stdout.rpartition(b"\n")
        return int(status), body

    def test_no_token_or_not_an_auditors(self):
        before = self.office.reads()
        for path in ("records", "newest", "verify", "log"):
            self.assertEqual(self.get(path)[0], 401)
            self.assertEqual(self.get(path, token="a.b.c")[0], 401)
            status, body = self.get(path, "alice")
            self.assertEqual((status, json.loads(body)["error"]["code"]), (403, "not_auditor"))
            self.assertEqual(self.get(path, "nobody")[0], 403)
        self.assertEqual(self.get("newest?follow=true", "audra")[0], 403)
        self.assertEqual(self.office.reads(), before)

    def test_each_call_is_answered_and_recorded_as_the_tokens(self):
        status, body = self.get("records?action=model.*", "audra")
        self.assertEqual((status, [json.loads(line)["action"] for line in body.splitlines() if line.strip()]), (200, ["model.applied"] * 3))
        self.assertEqual(self.office.reads()[-1], ("audra", "oidc:audra@example.com", "search"))
        status, body = self.get("newest?lines=3", "audra")
        self.assertEqual((status, len([line for line in body.splitlines() if line.strip()])), (200, 3))
        status, body = self.get("verify", "audra")
        self.assertEqual((status, json.loads(body)[0]["state"]), (200, "good"))
        status, body = self.get("log", "audra")
        self.assertEqual(status, 200)
        files = sorted((self.office.root / ".yellow/audit").glob("*/*.jsonl"))
        self.assertTrue(body and b"".join(file.read_bytes() for file in files).startswith(body))
        self.assertEqual([read[1:] for read in self.office.reads()[-3:]], [("oidc:audra@example.com", how) for how in ("tail", "verify", "export")])

    def test_no_part_of_the_log_is_given(self):
        """Two calls on one connection: the answer of the first ends where it says."""
        before = self.office.reads()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(connection.close)
        headers = {"Authorization": f"Bearer {self.token('audra')}"}
        for asked in ("bytes=0-0", "bytes=0-0,3-4", "bytes=99999999-"):
            connection.request("GET", "/v1/audit/log", headers={**headers, "Range": asked})
            answer = connection.getresponse()
            self.assertEqual((answer.status, json.loads(answer.read())["error"]["code"]), (400, "call"))
            kept = connection.sock
            self.assertIsNotNone(kept)
        self.assertEqual(self.office.reads(), before)
        connection.request("GET", "/v1/audit/newest?lines=1", headers=headers)
        self.assertIs(connection.sock, kept)
        answer = connection.getresponse()
        self.assertEqual((answer.status, len(answer.read().splitlines()) > 0), (200, True))


if __name__ == "__main__":
    unittest.main()
