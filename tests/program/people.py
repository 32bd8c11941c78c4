"""People who ask for access: system accounts that every Debian has, called by the names of the model."""

import base64
import glob
import hashlib
import hmac
import json
import os
import pwd
import shutil
import signal
import subprocess
import time

import jsonschema

from project import YELLOW, Project, Result

# os:<user> of each; alice has two.
PEOPLE = {
    "alice": (["daemon", "lp"], ["devops"]),
    "bob": (["games"], ["senior_devops"]),
    "carol": (["mail"], ["senior_devops"]),
    "erin": (["news"], ["senior_devops"]),
    "dave": (["proxy"], []),
}
SCOPES = {"dt_write:MaskShop": {"longest": "4h"}, "ws_read:Analysts": {"longest": "8h", "approvers": 2}}


def wrong_clock(by):
    """The environment of a process whose clock is wrong by that much, as `+1h`; its waits are as long as ever."""
    library, = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": library, "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def verifier(password):
    """SCRAM-SHA-256 (RFC 5803), as PostgreSQL stores it."""
    salt = b"0123456789abcdef"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256$4096:{base64.b64encode(salt).decode()}${base64.b64encode(stored).decode()}:{base64.b64encode(server).decode()}"


class Office(Project):
    """The shop with people, scopes and tickets, and a service at work. REQUIRES: ended with `close`; run by root, who may become anybody."""

    def __init__(self):
        super().__init__()
        self.unscheduled()
        self.base.chmod(0o755)
        self.socket = self.base / "access.sock"
        self.program = self.base / "yellow"     # where everybody may start it
        shutil.copy(YELLOW, self.program)
        self.service = None
        self.schemas = {}
        self.reviewers = {name: self.keygen(name) for name in ("bob", "carol")}
        self.declare()
        self.tickets({f"OPS-{number}": {"open": True, "owner": "alice"} for number in range(1, 100)})
        local = self.root / "environments/local.yaml"
        local.write_text(local.read_text() + "tickets: {file: tickets.json}\n")
        done = self.yellow("demo", str(self.root))
        assert done.status == 0, done
        self.start_service()

    def close(self):
        self.stop_service()
        super().close()

    def keygen(self, who):
        """The public key of a reviewer, whose private one is in a file of that name."""
        made = subprocess.run([str(self.program), "access", "keygen", str(self.base / f"{who}.key")], capture_output=True, text=True, check=True)
        return made.stdout.strip()

    def replay(self, who, recording, *options):
        return self.yellow("access", "replay", str(self.root / ".yellow" / recording), "--key", str(self.base / f"{who}.key"), *options)

    def declare(self, people=PEOPLE, scopes=SCOPES):
        document = {"kind": "Ecosystem", "name": "Acme", "scopes": scopes,
                    "people": {name: {"identities": [f"os:{user}" for user in users], "roles": roles,
                                      **({"review_key": self.reviewers[name]} if name in self.reviewers else {})}
                               for name, (users, roles) in people.items()}}
        self.write("model/ecosystem.yaml", json.dumps(document))

    def tickets(self, tickets):
        self.write("tickets.json", json.dumps(tickets))

    def start_service(self, environment=None, wait=True):
        with open(self.base / "serve.log", "ab") as log:
            self.service = subprocess.Popen([self.program, "--project", self.root, "serve", "--socket", self.socket], stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})
        until = time.monotonic() + 30
        while wait and self.access("bob", "list").status == 3 and self.service.poll() is None:
            assert time.monotonic() < until, (self.base / "serve.log").read_text()
            time.sleep(0.05)

    def stop_service(self, how=signal.SIGTERM):
        if self.service is not None and self.service.poll() is None:
            self.service.send_signal(how)
            self.service.wait(60)

    def access(self, who, *arguments, user=None):
        """`yellow access` of a person of the model, by the first of their accounts."""
        account = pwd.getpwnam(user or PEOPLE[who][0][0])
        return Result(subprocess.run([str(self.program), "access", *arguments, "--socket", str(self.socket)], capture_output=True, text=True, timeout=60, cwd="/",
                                     stdin=subprocess.DEVNULL, user=account.pw_uid, group=account.pw_gid, extra_groups=[]))

    def call(self, who, method, path, body=None):
        """The same over HTTP: the status, and what was answered."""
        account = pwd.getpwnam(PEOPLE[who][0][0])
        words = ["curl", "-s", "-w", "\n%{http_code}", "-X", method, "--unix-socket", str(self.socket), f"http://yellow{path}"]
        done = subprocess.run(words + ([] if body is None else ["-d", body]), capture_output=True, text=True, timeout=60, user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    def did(self, who, *arguments):
        """What has come of it; REQUIRES: it is not refused."""
        done = self.access(who, *arguments, "--output", "json")
        assert done.status == 0, done
        document = json.loads(done.out)
        self.schema(arguments[0]).validate(document)
        return document

    def schema(self, command):
        """What `access COMMAND --output json` prints follows."""
        if command not in self.schemas:
            text = subprocess.run([str(self.program), "export", "json-schema", "--of", "access", command], capture_output=True, text=True, check=True).stdout
            self.schemas[command] = jsonschema.Draft202012Validator(json.loads(text))
        return self.schemas[command]

    def ask(self, who="alice", scope="dt_write:MaskShop", duration="1h", ticket="OPS-1", reason="wrong names"):
        return self.did(who, "request", "--scope", scope, "--for", duration, "--ticket", ticket, "--reason", reason)

    def approve(self, request, who="bob"):
        return self.did(who, "approve", request["id"], "--content", request["content"])

    def active(self, **how):
        request = self.ask(**how)
        for who in ("bob", "carol")[:request["approvers"]]:
            self.approve(request, who)
        return self.did("alice", "activate", request["id"])

    def session(self, request, typed, who="alice", timeout=60, program="sql"):
        """A recorded session in which this comes in, by nobody at a terminal. psql goes on after an error."""
        return self.script(request, ("\\set ON_ERROR_STOP 0\n" if program == "sql" else "") + typed, who, timeout, program)

    def script(self, request, typed, who="alice", timeout=60, program="sql", options=()):
        """The same, and psql ends with the first error."""
        account = pwd.getpwnam(PEOPLE[who][0][0])
        return Result(subprocess.run([str(self.program), "access", program, request["id"], "--socket", str(self.socket), *options], input=typed, capture_output=True, text=True,
                                     errors="replace", timeout=timeout, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[]))

    def begin_session(self, request, who="alice", program="sql"):
        """One whose input stays open."""
        account = pwd.getpwnam(PEOPLE[who][0][0])
        return subprocess.Popen([str(self.program), "access", program, request["id"], "--socket", str(self.socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[])

    def facts(self, request):
        """What the audit log has of what was stated."""
        return [json.loads(fact) for fact, in self.sql("MergeDB", f"SELECT details FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.statement' ORDER BY id")]

    def state(self, request):
        return self.sql("MergeDB", f"SELECT state FROM yellow_access.request WHERE id = '{request['id']}'")[0][0]

    def chained(self):
        """All that was recorded is in the chain. The service may be at it, and then this one is not."""
        until = time.monotonic() + 20
        while (done := self.yellow("audit", "chain")).status != 0:
            assert time.monotonic() < until, done
            time.sleep(0.2)

    def over(self, request):
        """Its time is over, by the database's clock."""
        self.sql("MergeDB", f"UPDATE yellow_access.request SET expires_at = clock_timestamp() - interval '1s' WHERE id = '{request['id']}'")

    def wait_for(self, request, state, seconds=15):
        until = time.monotonic() + seconds
        while self.state(request) != state:
            assert time.monotonic() < until, (self.state(request), (self.base / "serve.log").read_text())
            time.sleep(0.05)

    def as_service(self, statement):
        """As Yellow's login for access; returns the rows, or what the database says against it."""
        try:
            return self.sql("MergeDB", f"SET SESSION AUTHORIZATION yellow_access; {statement}")
        except AssertionError as refused:
            return str(refused)

    def audit(self, request):
        return self.sql("MergeDB", f"SELECT person, action FROM yellow_access.audit WHERE request = '{request['id']}' ORDER BY id")
