"""The server's own log as a second witness of what temporary logins ask: whoever goes round the proxy, or takes lines away, is flagged."""

import base64
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import psycopg2

from people import Office, verifier
from project import ROOT, YELLOW, Result
from server import NamedPostgres

TABLE = "dp_main.dt_shopmasked__customers"
LONG = 20

# What psql does not send: prepared statements in a pipeline, a portal that is read in pieces, a call of a function by its number.
EXTENDED = r"""
import os, socket, struct
wire = socket.socket(socket.AF_UNIX)
wire.connect(os.environ["PLACE"] + "/.s.PGSQL.5432")
def text(value): return value.encode() + b"\0"
def send(kind, body): wire.sendall(kind + struct.pack(">i", len(body) + 4) + body)
def until_ready():
    got = b""
    while not got.endswith(b"Z\0\0\0\5I"):
        piece = wire.recv(65536)
        if not piece: raise SystemExit("closed: %r" % got)
        got += piece
start = struct.pack(">i", 196608) + text("user") + text(os.environ["WHO"]) + text("database") + text("merge") + b"\0"
wire.sendall(struct.pack(">i", len(start) + 4) + start)
until_ready()
def parse(name, statement): send(b"P", text(name) + text(statement) + b"\0\0")
def bind(portal, name, *values):
    send(b"B", text(portal) + text(name) + b"\0\0" + struct.pack(">h", len(values)) +
         b"".join(struct.pack(">i", len(v)) + v.encode() for v in values) + b"\0\0")
def execute(portal, most=0): send(b"E", text(portal) + struct.pack(">i", most))
parse("first", "SELECT 1 WHERE $1 = 'canary-1618'"); bind("", "first", "canary-1618"); execute("")
parse("", "SELECT 2"); bind("", ""); execute("")
parse("", "SELECT 1 +"); bind("", ""); execute("")
send(b"S", b""); until_ready()
parse("rows", "SELECT generate_series(1, 9)"); bind("some", "rows"); execute("some", 4); execute("some", 4); execute("some")
send(b"S", b""); until_ready()
send(b"F", struct.pack(">ihhh", 1598, 0, 0, 0)); until_ready()
send(b"X", b"")
"""

EVERY_WAY = f"""SET application_name = '","user":"postgres","line_num":1,"x":"';
SELECT 'canary-2718';
SELECT 3; SELECT 4;
PREPARE p AS SELECT 5;
EXECUTE p;
BEGIN;
DECLARE c CURSOR FOR SELECT lastname FROM {TABLE};
FETCH 3 FROM c;
COMMIT;
COPY (SELECT 'canary-2718') TO STDOUT;
DO $$ BEGIN PERFORM 6; END $$;
SELECT 1/0;
SELECT 1 +;
SELECT 'café';
COPY {TABLE} FROM STDIN;
\\.
"""     # what is typed after a COPY psql has read with its data


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessLogTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 100))

    def active(self):
        return self.office.active(ticket=f"OPS-{next(self.tickets)}")

    def login(self):
        """A request whose password is known to somebody."""
        request = self.active()
        self.office.sql("MergeDB", f"SET SESSION AUTHORIZATION yellow_access; SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')")
        return request

    def connect(self, request, **how):
        info = self.office.server()
        return psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user=f"yellow_tmp_{request['id']}", password="secret", **how)

    def ask(self, request, *statements, **how):
        with contextlib.closing(self.connect(request, **how)) as session, session.cursor() as cursor:
            session.autocommit = True
            for statement in statements:
                cursor.execute(statement)

    def lines(self, request):
        """What the audit log has from the server's log, in order."""
        return [{"session": session, **json.loads(fact)} for session, fact in self.office.sql(
            "MergeDB", f"SELECT subject, details FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.server_line' ORDER BY id")]

    def flags(self, request):
        return {flag for line in self.lines(request) for flag in line["flags"]}

    def wait(self, what, seconds=LONG):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, (self.office.base / "serve.log").read_text()[-2000:])
            time.sleep(0.05)
        return found

    def ended(self, request, sessions=1):
        """The lines, once so many sessions of the log are over."""
        over = ("logged_end", "missing_end", "missing_session")
        self.wait(lambda: sum(line["kind"] in over for line in self.lines(request)) >= sessions)
        return self.lines(request)

    def flagged(self, request, flag):
        self.wait(lambda: flag in self.flags(request))
        self.assertIn(flag, {one["flag"] for one in self.office.did("bob", "show", request["id"])["flags"]})
        self.assertIn(flag, self.office.access("bob", "statements", request["id"]).out)

    def log_files(self):
        return sorted((self.office.cluster() / "log").glob("*.json"), key=lambda path: path.stat().st_mtime)

    def unread(self, request, typed):
        """A session of which the service was killed before it had read anything from the log."""
        info = self.office.server()
        with contextlib.closing(psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user="yellow_super")) as keeper, keeper.cursor() as cursor:
            cursor.execute("LOCK TABLE yellow_access.server_log IN SHARE MODE")
            self.assertEqual(self.office.session(request, typed).status, 0)
            self.wait(lambda: any('"disconnection' in line for line in self.raw(request)))
            self.office.stop_service(signal.SIGKILL)
            # What it has asked of the database still waits there, and would be done.
            cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'yellow server log'")
        self.assertEqual(self.lines(request), [])

    def raw(self, request):
        return [line for path in self.log_files() for line in path.read_text().splitlines() if f'"user":"yellow_tmp_{request["id"]}"' in line]

    def without(self, wrong):
        """The log loses the lines that are `wrong`."""
        lost = 0
        for path in self.log_files():
            lines = path.read_text().splitlines(keepends=True)
            kept = [line for line in lines if not wrong(line)]
            lost += len(lines) - len(kept)
            if lines != kept:
                path.write_text("".join(kept))      # the same file: the server goes on with it
        self.assertGreater(lost, 0)

    def test_both_see_it(self):
        """Whatever way it came, and whatever the client says of itself."""
        request = self.active()
        script = base64.b64encode(EXTENDED.encode()).decode()      # a terminal takes lines of some thousand letters
        pieces = [f"\\! echo {script[at:at + 500]} >> /tmp/extended\n" for at in range(0, len(script), 500)]
        typed = "\\setenv PLACE :HOST\n\\setenv WHO :USER\n" + "".join(pieces) + "\\! base64 -d /tmp/extended | python3 -\n" + EVERY_WAY
        done = self.office.session(request, typed)
        self.assertEqual(done.status, 0, done)
        self.assertNotIn("Traceback", done.out + done.err)
        lines = self.ended(request, 2)
        wire = {fact["sha256"] for fact in self.office.facts(request) if fact["kind"] in ("query", "parse")}
        seen = {line["sha256"] for line in lines if "sha256" in line}
        self.assertEqual(len(wire), 20)
        self.assertEqual(wire - seen, set())
        self.assertEqual(seen - wire, set())
        self.assertEqual(self.flags(request), set(), lines)
        for session in {line["session"] for line in lines}:
            numbers = [line["number"] for line in lines if line["session"] == session]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        kinds = [line["kind"] for line in lines]
        self.assertEqual(kinds.count("logged_execute"), 5, kinds)
        self.assertEqual(kinds.count("logged_function"), 1, kinds)
        self.assertEqual(sorted(line["sqlstate"] for line in lines if line["kind"] == "logged_refusal"), ["22012", "42601", "42601"])
        self.assertIn([TABLE], [line["relations"] for line in lines if "relations" in line])
        self.assertEqual({line["recorded"] for line in lines}, {one["id"] for one in self.office.did("bob", "show", request["id"])["sessions"]})
        # Of what was written there goes no value into the audit log, and of a parameter none to the server's log.
        self.assertNotIn("canary", json.dumps(lines))
        self.assertIn("canary-2718", "".join(self.raw(request)))
        self.assertNotIn('\\"canary-1618', "".join(self.raw(request)))
        self.assertNotRegex("".join(self.raw(request)), "parameters: .*canary-1618")

    def test_round_the_proxy(self):
        """Somebody has the password, and says that they are the service."""
        request = self.login()
        self.ask(request, "SELECT 1", f"DELETE FROM {TABLE} WHERE false", "DO $$ BEGIN END $$", application_name=f"yellow access {request['id']}")
        self.ended(request)
        self.flagged(request, "not_on_the_wire")
        self.flagged(request, "do_block")
        self.assertEqual([line["recorded"] for line in self.lines(request)], [None] * 4)

    def test_round_the_proxy_beside_a_session(self):
        """What is recorded in one session is nothing of another one."""
        request = self.active()
        process = self.office.begin_session(request)
        self.addCleanup(process.stdout.close)
        process.stdin.write(b"SELECT 77;\n")
        process.stdin.flush()
        self.wait(lambda: any(line["kind"] == "logged_query" for line in self.lines(request)))
        self.office.sql("MergeDB", f"ALTER ROLE yellow_tmp_{request['id']} PASSWORD 'secret'")
        self.ask(request, "SELECT 77;")
        process.stdin.close()
        process.wait(LONG)
        lines = self.ended(request, 2)
        self.assertEqual(sorted(bool(line["flags"]) for line in lines if line["kind"] == "logged_query"), [False, True])
        self.flagged(request, "not_on_the_wire")

    def test_a_process_with_the_number_of_another(self):
        """A session beside the proxy, by the same number within the same minute: one of them only is the recorded one."""
        request = self.active()
        self.assertEqual(self.office.session(request, "SELECT 88;\n").status, 0)
        asked = next(line for line in self.ended(request) if line["kind"] == "logged_query")
        began, _, process = asked["session"].partition(".")
        began = int(began, 16) + 1
        forged = {**asked, "session": f"{began:x}.{process}", "request": request["id"], "began": began, "ends": False, "number": 1, "flags": []}
        read = self.office.sql("MergeDB", f"SELECT yellow_access.server_lines('{os.urandom(32).hex()}', 0, 1, '{json.dumps([forged])}')")
        self.assertEqual(read, [("t",)])
        last = self.lines(request)[-1]
        self.assertEqual((last["session"], last["recorded"], last["flags"]), (forged["session"], None, ["not_on_the_wire"]))

    def test_who_is_not_let_in(self):
        request = self.login()
        info = self.office.server()
        with self.assertRaises(psycopg2.OperationalError):
            psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user=f"yellow_tmp_{request['id']}", password="guessed")
        self.flagged(request, "not_on_the_wire")
        self.assertEqual([(line["kind"], line["sqlstate"]) for line in self.lines(request)], [("logged_login", "28P01")])

    def test_the_holder_cannot_stop_it(self):
        request = self.login()
        login = f"yellow_tmp_{request['id']}"
        names = ("log_statement", "log_min_messages", "log_min_error_statement", "log_parameter_max_length", "lc_messages")
        for name in names:
            value = "C" if name == "lc_messages" else "0" if name == "log_parameter_max_length" else "panic" if "min" in name else "none"
            for statement in (f"SET {name} = '{value}'", f"SET LOCAL {name} = '{value}'", f"SELECT set_config('{name}', '{value}', false)", f"RESET {name}",
                              f"ALTER ROLE {login} SET {name} = '{value}'", f"ALTER ROLE {login} IN DATABASE merge SET {name} = '{value}'",
                              f"ALTER ROLE {login} RESET {name}", f"ALTER SYSTEM SET {name} = '{value}'", f"ALTER DATABASE merge SET {name} = '{value}'",
                              f"GRANT SET ON PARAMETER {name} TO {login}", f"UPDATE pg_settings SET setting = '{value}' WHERE name = '{name}'"):
                with contextlib.suppress(psycopg2.Error):
                    self.ask(request, statement)
        for statement in (f"ALTER ROLE {login} RESET ALL", "RESET ALL", "DISCARD ALL", "SET SESSION AUTHORIZATION DEFAULT", "SELECT pg_reload_conf()", "SELECT pg_rotate_logfile()"):
            with contextlib.suppress(psycopg2.Error):
                self.ask(request, statement)
        for options in ("-c log_statement=none", "-c log_min_messages=panic", "-c log_disconnections=off", "-c lc_messages=C"):
            with self.assertRaises(psycopg2.Error, msg=options):
                self.connect(request, options=options)
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY (%s) ORDER BY name", (list(names),))
            self.assertEqual(dict(cursor.fetchall()), {"log_statement": "all", "log_min_messages": "warning", "log_min_error_statement": "error",
                                                       "log_parameter_max_length": "0", "lc_messages": "C"})
            cursor.execute("SELECT 'after all that'")
        self.wait(lambda: "after all that" in "".join(self.raw(request)))

    def test_a_lost_line(self):
        for name, wrong, kind in (("a statement", lambda line: "statement: SELECT 'gone'" in line, "logged_query"),
                                  ("the first", lambda line: "statement: SELECT 'first'" in line, "logged_query"),
                                  ("the end", lambda line: '"disconnection' in line and "yellow_tmp_" in line, "missing_end"),
                                  ("all of them", lambda line: "yellow_tmp_" in line, "missing_session"),
                                  ("in pieces", lambda line: False, "logged_query")):
            with self.subTest(name):
                request = self.active()
                self.unread(request, "SELECT 'first';\nSELECT 'gone';\nSELECT 'last';\n")
                if name == "in pieces":
                    for path in self.log_files():
                        path.write_text(path.read_text().replace("statement: SELECT 'gone'", "statement: SELECT \"gone'"))
                else:
                    self.without(lambda line: f"yellow_tmp_{request['id']}" in line and wrong(line))
                self.office.start_service()
                self.ended(request)
                self.flagged(request, "log_gap")
                self.assertEqual([line["kind"] for line in self.lines(request) if "log_gap" in line["flags"]], [kind])

    def test_the_service_is_killed_while_it_reads(self):
        """Again and again at any moment: each line is there once."""
        request = self.active()
        self.unread(request, "".join(f"SELECT {number};\n" for number in range(300)))
        for moment in range(8):
            self.office.start_service(wait=False)
            time.sleep(0.15 * moment)
            self.office.stop_service(signal.SIGKILL)
        self.office.start_service()
        lines = self.ended(request)
        self.assertEqual([line["number"] for line in lines], list(range(1, 302)))
        self.assertEqual(self.flags(request), set())
        self.office.chained()
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_beyond_its_time(self):
        request = self.login()
        with contextlib.closing(self.connect(request)) as session, session.cursor() as cursor:
            cursor.execute("SELECT 1")
            self.office.stop_service()
            self.office.over(request)
            cursor.execute("SELECT 2")
        self.office.start_service()
        self.ended(request)
        self.flagged(request, "beyond_expiry")

    def test_rotation(self):
        """Nothing is missed, and what was read goes with its file; what is not of a temporary login stays for people."""
        self.addCleanup(self.office.sql, "MergeDB", "ALTER SYSTEM RESET log_filename")
        request = self.active()
        process = self.office.begin_session(request)
        self.addCleanup(process.stdout.close)
        old = []
        for number in range(3):
            process.stdin.write(f"SELECT 'canary-577{number}';\n".encode())
            process.stdin.flush()
            self.wait(lambda: f"canary-577{number}" in "".join(self.raw(request)))
            with self.assertRaises(AssertionError):
                self.office.sql("MergeDB", f"SELECT 1; SELECT 'of others {number}'::int")
            old.append(self.log_files()[-1])
            self.office.sql("MergeDB", f"ALTER SYSTEM SET log_filename = 'turn-{number}-{time.monotonic_ns()}.log'")
            self.office.sql("MergeDB", "SELECT pg_reload_conf()")
            self.wait(lambda: self.log_files()[-1] != old[-1])
        process.stdin.close()
        process.wait(LONG)
        lines = self.ended(request)
        self.assertEqual([line["number"] for line in lines], list(range(1, 5)))
        self.assertEqual(self.flags(request), set())
        self.wait(lambda: not any(path.exists() for path in old))
        kept = (self.office.cluster() / "server.log").read_text()
        self.assertNotIn("canary-577", kept)
        for number in range(3):
            self.assertEqual(len(re.findall(f"ERROR:.*of others {number}", kept)), 1)
        self.assertEqual((self.office.cluster() / "log").stat().st_mode & 0o777, 0o700)


class NamedServerLogTest(unittest.TestCase):
    """A server that Yellow does not own, which packs its log away as it likes."""

    ACTIVE = """SELECT yellow_access.ask('{0}', 'alice', 'dt_write:MaskShop', 3600, 'OPS-1', 'why', '{{yellow_dt_maskshop}}', 'h', 1, 3600, 'regular', '{{}}', '');
SELECT yellow_access.vote('{0}', 'bob', 'h', true, ''); SELECT yellow_access.activate('{0}', 'alice', 'h', '{{bob}}'); SELECT yellow_sec.tmp_open('{0}', '{1}')"""
    ID = "0123456789abcdef"

    def setUp(self):
        self.server = NamedPostgres("-c fsync=off -c logging_collector=on -c log_destination=stderr,jsonlog -c log_directory=log -c log_connections=on -c log_disconnections=on "
                                    "-c log_timezone=Asia/Kolkata -c log_min_messages=error")
        self.addCleanup(self.server.close)
        for name in ("merge", "shop"):
            self.server.psql("postgres", f"CREATE DATABASE {name}")
        self.project = self.server.base / "project"
        shutil.copytree(ROOT / "examples/shop", self.project)
        (self.project / "model/ecosystem.yaml").write_text(json.dumps({"kind": "Ecosystem", "name": "Acme", "scopes": {"dt_write:MaskShop": {"longest": "4h"}},
                                                                      "people": {"alice": {"identities": ["os:daemon"], "roles": ["devops"]},
                                                                                 "bob": {"identities": ["os:games"], "roles": ["senior_devops"]}}}))
        self.declare(f"audit: {{server_log: {self.server.folder / 'data/log'}}}")
        made = self.yellow("bootstrap", PGUSER="postgres", PGPASSWORD=NamedPostgres.PASSWORD)
        self.assertEqual(made.status, 0, made)
        applied = self.yellow("apply")
        self.assertEqual(applied.status, 0, applied)

    def declare(self, audit=""):
        (self.project / "environments/prod.yaml").write_text(f"""
kind: Environment
name: prod
containers: {{MergeDB: {{host: 127.0.0.1, port: {self.server.port}}}, ShopDB: {{host: 127.0.0.1, port: {self.server.port}}}}}
credentials: {{shop_reader: {{env: SHOP}}}}
classes: {{allowed: [pii]}}
{audit}
""")

    def command(self, *arguments):
        return [YELLOW, "--project", str(self.project), "--environment", "prod", *arguments]

    def yellow(self, *arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return Result(subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=120, env={**clean, **environment}))

    def finding(self):
        return next((one["state"], one.get("reason")) for one in json.loads(self.yellow("doctor", "--output", "json").out) if one["key"] == "server_log/MergeDB")

    def test_it_is_read_where_the_environment_says(self):
        self.assertEqual(self.finding()[0], "ok")
        self.server.psql("merge", "SET SESSION AUTHORIZATION yellow_access; " + self.ACTIVE.format(self.ID, verifier("secret")))
        with contextlib.suppress(AssertionError):
            self.server.psql("merge", f"SELECT 'canary-1414'; DELETE FROM {TABLE} WHERE false; SELECT 1/0;", user=f"yellow_tmp_{self.ID}", password="secret")
        with open(self.server.base / "serve.log", "wb") as out:
            service = subprocess.Popen(self.command("serve"), stdout=out, stderr=out)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        read = f"SELECT details FROM yellow_access.audit WHERE request = '{self.ID}' AND action = 'access.server_line' ORDER BY id"
        until = time.monotonic() + LONG
        while len(self.server.psql("merge", read).splitlines()) < 7:
            self.assertLess(time.monotonic(), until, (self.server.base / "serve.log").read_text() + self.server.psql("merge", read))
            time.sleep(0.1)
        lines = [json.loads(line) for line in self.server.psql("merge", read).splitlines()]
        self.assertEqual([line["kind"] for line in lines],
                         ["logged_other", "logged_other", "logged_query", "logged_query", "logged_query", "logged_refusal", "logged_end"])
        self.assertEqual([line["number"] for line in lines], list(range(2, 9)))     # the first was said before anybody knew who it is
        self.assertEqual({flag for line in lines for flag in line["flags"]}, {"not_on_the_wire"})
        self.assertLess(abs(lines[2]["at"] / 1000 - time.time()), 600, "whatever its zone is")
        self.assertNotIn("canary", json.dumps(lines))
        self.assertIn("canary-1414", "".join(path.read_text() for path in (self.server.folder / "data/log").glob("*.json")), "its files are left alone")

    def test_doctor_says_what_is_missing(self):
        self.declare()
        self.assertEqual(self.finding(), ("warning", {"code": "server_log.unknown", "text": "there is no second witness of what temporary logins ask: Yellow's own recording is all there is"}))
        self.declare("audit: {server_log: nowhere}")
        self.assertEqual((self.finding()[0], self.finding()[1]["code"]), ("problem", "server_log.unreadable"))
        self.declare(f"audit: {{server_log: {self.server.folder / 'data/log'}}}")
        for statement, undone, code in (("REVOKE SET ON PARAMETER log_statement FROM yellow_roles", "GRANT SET ON PARAMETER log_statement TO yellow_roles", "server_log.silent"),):
            self.server.psql("merge", statement)
            self.assertEqual((self.finding()[0], self.finding()[1]["code"]), ("problem", code))
            # And people are let in as before.
            self.server.psql("merge", "SET SESSION AUTHORIZATION yellow_access; " + self.ACTIVE.format(self.ID, verifier("secret")))
            self.server.psql("merge", undone)
        self.assertEqual(self.finding()[0], "ok")


if __name__ == "__main__":
    unittest.main(verbosity=2)
