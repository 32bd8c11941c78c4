"""`yellow access shell`: a recorded shell under an approved request; what tries to outlive it, to get past the proxy or to go unseen must fail."""

import json
import os
import pathlib
import pty
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest

from people import SCOPES
from sessions import Sessions

TABLE = "dp_main.dt_shopmasked__customers"
# Each starts something that has nothing of its shell any more, and writes down that it is there.
ESCAPES = {
    "background": "while :; do echo beat >>{mark}; sleep 0.1; done &",
    "nohup": "nohup sh -c 'while :; do echo beat >>{mark}; sleep 0.1; done' >/dev/null 2>&1 &",
    "setsid": "setsid sh -c 'while :; do echo beat >>{mark}; sleep 0.1; done' </dev/null >/dev/null 2>&1 &",
    "double fork": "( ( setsid sh -c 'trap \"\" HUP TERM INT; while :; do echo beat >>{mark}; sleep 0.1; done' </dev/null >/dev/null 2>&1 & ) & )",
    "nested shells": "bash -c \"sh -c 'bash -c \\\"disown -a; setsid sh -c \\\\\\\"while :; do echo beat >>{mark}; sleep 0.1; done\\\\\\\" </dev/null >/dev/null 2>&1 &\\\"'\"",
    "a client of the database": "setsid psql -c 'SELECT pg_sleep(600)' </dev/null >/dev/null 2>&1 &",
}


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessShellTest(Sessions, unittest.TestCase):
    def run_in(self, request, typed, **how):
        return self.office.session(request, typed, program="shell", **how)

    def begin(self, request, typed, program="shell"):
        return super().begin(request, typed, program)

    def enclosed(self):
        """Processes of users that nobody has, as sessions run, which were told where the database of this service is."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/status"):
            try:
                user = int(re.search(r"^Uid:\s+(\d+)", path.read_text(), re.M)[1])
                told = str(self.office.root).encode() in path.with_name("environ").read_bytes()
            except (OSError, TypeError):
                continue
            if 61184 <= user <= 65519 and told:
                found.append(int(path.parent.name))
        return found

    def nothing_is_left(self, request):
        self.wait(lambda: not self.enclosed())
        self.wait(lambda: self.office.sql("MergeDB", f"SELECT 1 FROM pg_stat_activity WHERE usename = 'yellow_tmp_{request['id']}'") == [])

    def test_clients_of_the_database_are_recorded(self):
        request = self.active()
        done = self.run_in(request, f"""psql -c "UPDATE {TABLE} SET lastname = 'Secretname.' WHERE false"
for i in 1 2 3; do psql -qAtc "SELECT pg_sleep(1), 'client $i'" >/tmp/$i & done; wait; cat /tmp/1 /tmp/2 /tmp/3
pg_dump --data-only -t {TABLE} | grep -c COPY
echo "home $HOME, database $PGDATABASE"; env | grep -ci password
""")
        self.assertIn("UPDATE 0", done.out)
        self.assertIn("home /tmp, database merge", done.out)
        for number in "123":
            self.assertIn(f"|client {number}", done.out)
        session = self.over(request)
        self.assertEqual(session["end_reason"], "ended")
        typed, shown = self.read(session)
        self.assertIn("pg_dump --data-only", typed)
        self.assertIn("UPDATE 0", shown)
        facts = self.office.facts(request)
        self.assertGreaterEqual(len({fact["client"] for fact in facts if fact["kind"] == "connected"}), 5)
        whole = self.office.replay("bob", session["recording"].replace(".cast.", ".statements."), "--cast").out
        for number in "123":
            self.assertIn(f"'client {number}'", whole)
        self.assertTrue([fact for fact in facts if "copied_out" in fact])
        self.assertNotIn("Secretname", json.dumps(facts))
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_three_clients_at_once(self):
        """They wait for each other, which they could not one after the other."""
        request = self.active()
        wait = "DO $$ BEGIN WHILE (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user) < 3 LOOP PERFORM pg_stat_clear_snapshot(), pg_sleep(0.05); END LOOP; PERFORM pg_sleep(1); END $$"
        done = self.run_in(request, f"for i in 1 2 3; do psql -qc '{wait}' -c \"SELECT 'met ' || $i\" >/tmp/$i & done; wait; cat /tmp/1 /tmp/2 /tmp/3\n")
        for number in "123":
            self.assertIn(f" met {number}", done.out)

    def test_input_is_run_to_its_end_and_the_status_is_the_last_one(self):
        request = self.active()
        self.assertEqual(self.run_in(request, "psql -qAtc 'SELECT 6 * 7'\ntrue").status, 0)
        self.assertEqual(self.run_in(request, "sleep 1; false\n").status, 1)
        self.assertEqual(self.run_in(request, "exec sh\necho nested; sh -c 'exit 3'; exit 4\n").status, 1)

    def test_a_script_that_comes_in(self):
        """Nothing of it is shown again, there is no prompt, and all of it is recorded."""
        request = self.active()
        done = self.run_in(request, "tty; test -t 1; echo on-one-$?\nread word\nthis-is-read\necho got-$word\nfalse\nexit 2")
        self.assertEqual((done.status, done.out), (1, "not a tty\non-one-0\ngot-this-is-read\n"), done)
        typed, shown = self.read(self.over(request))
        self.assertIn("read word\nthis-is-read\n", typed)
        self.assertEqual(shown, done.out)

    def test_only_what_was_approved_is_within_reach(self):
        request = self.active()
        info = self.office.server()
        secrets = self.office.root / ".yellow"
        done = self.run_in(request, f"""id -u; ls {secrets} {self.office.root} {self.office.cluster()} /root /var /home
cat /proc/*/environ | tr '\\0' '\\n' | grep -i -e PASSWORD -e SECRET
PGPASSWORD=x psql -h {info['host']} -p {info['port']} -c "SELECT 'past ' || 'it'"
psql -U yellow_access -c "SELECT 'as ' || session_user"
psql -c "SELECT rolpassword FROM pg_authid"
(echo >/dev/tcp/127.0.0.1/{info['port']}) && echo connected
curl -s --unix-socket {self.office.socket} http://yellow/v1/access/requests && echo called
kill -9 -1; echo "sent $?"
ps -e | wc -l
""")
        self.assertNotIn("postmaster.pid", done.out)
        self.assertNotIn("past it", done.out)
        self.assertNotIn("as yellow_access", done.out.replace('psql -U yellow_access -c "SELECT \'as', ""))
        self.assertNotIn("SCRAM-SHA-256$", done.out)
        self.assertNotRegex(done.out, r"(?m)^(connected|called)")
        self.assertIsNone(self.office.service.poll())
        self.assertNotRegex(done.out, r"(?m)^0\r?$")
        self.assertIn("refused", {flag for fact in self.office.facts(request) for flag in fact.get("flags", [])})

    def test_whatever_is_started_dies_with_the_session(self):
        for name, line in ESCAPES.items():
            with self.subTest(name):
                request = self.active()
                done = self.run_in(request, line.replace("{mark}", "/tmp/mark") + "\nsleep 1; ls /tmp; ps -ef | tail -5\nexit 0\n")
                self.assertEqual(done.status, 0, done)
                if "mark" in line:
                    self.assertRegex(done.out, r"(?m)^mark\b")  # it was there
                self.assertEqual(self.over(request)["end_reason"], "ended")
                self.nothing_is_left(request)
                self.office.did("alice", "release", request["id"])

    def test_its_time_is_over_during_a_command(self):
        for name, line in {**ESCAPES, "in front": "trap '' HUP INT TERM; while :; do :; done"}.items():
            with self.subTest(name):
                request = self.active()
                process = self.begin(request, line.replace("{mark}", "/tmp/mark") + "\nsleep 600\n")
                self.wait(self.enclosed)
                self.wait(lambda: self.shown(request)["sessions"])
                time.sleep(0.5)
                self.office.over(request)
                process.wait(20)
                self.assertNotEqual(process.returncode, 0)
                session = self.over(request)
                self.assertEqual(session["end_reason"], "its time is over")
                self.nothing_is_left(request)
                self.office.wait_for(request, "in_review")
                self.assertIn("sleep 600", self.read(session)[0])

    def test_revoked(self):
        request = self.active()
        process = self.begin(request, "setsid nohup sleep 600 &\npsql -c 'SELECT pg_sleep(600)'\n")
        self.wait(lambda: [fact for fact in self.office.facts(request) if fact["kind"] == "query"])
        self.office.did("carol", "revoke", request["id"], "--reason", "wrong ticket")
        process.wait(20)
        self.assertEqual(self.over(request)["end_reason"], "wrong ticket")
        self.nothing_is_left(request)
        self.office.wait_for(request, "in_review")
        self.assertEqual(self.run_in(request, "echo again\n").status, 1)

    def test_the_person_goes(self):
        request = self.active()
        process = self.begin(request, "setsid sh -c 'trap \"\" HUP; sleep 600' &\ntrap '' HUP; sleep 600\n")
        self.wait(self.enclosed)
        process.kill()
        self.over(request)
        self.nothing_is_left(request)

    def test_the_service_is_killed(self):
        request = self.active()
        process = self.begin(request, "setsid nohup sleep 600 >/dev/null 2>&1 &\nsetsid psql -c 'SELECT pg_sleep(600)' &\nsleep 600\n")
        self.wait(lambda: [fact for fact in self.office.facts(request) if fact["kind"] == "query"])
        self.office.stop_service(signal.SIGKILL)
        process.wait(20)
        self.wait(lambda: not self.enclosed())
        self.office.start_service()
        self.assertEqual(self.over(request)["end_reason"], "its service was killed")
        self.nothing_is_left(request)
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_what_is_typed_unseen_is_recorded_too(self):
        """A shell without echo looks like one that asks for a password."""
        request = self.active()
        terminal, other = pty.openpty()
        self.addCleanup(os.close, terminal)
        process = subprocess.Popen([str(self.office.program), "access", "shell", request["id"], "--socket", str(self.office.socket)], stdin=other, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, cwd="/", user="daemon", extra_groups=[])
        os.close(other)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.wait(lambda: self.enclosed())
        os.write(terminal, b"stty -echo; exec sh\n")
        time.sleep(1)
        os.write(terminal, b": typed-in-the-dark\nexit\n")
        process.wait(20)
        self.assertIn("shown or not", process.stdout.read())
        typed, _ = self.read(self.over(request))
        self.assertIn(": typed-in-the-dark", typed)

    def test_random_bytes_and_a_flood(self):
        """Whatever is shown is recorded whole, and what comes after it, too."""
        request = self.active()
        done = self.run_in(request, "head -c 2000000 /dev/urandom; head -c 100000000 /dev/zero | tr '\\0' 'x' | fold -w 4000; echo the-end-$((40 + 2))\nexit 0\n", timeout=300)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("the-end-42", done.out[-2000:])
        self.assertGreaterEqual(done.out.count("x"), 100_000_000)
        session = self.over(request)
        self.assertEqual(session["end_reason"], "ended")
        replayed = self.office.replay("bob", session["recording"], "--cast")
        self.assertEqual(replayed.status, 0, replayed.err)
        self.assertGreaterEqual(replayed.out.count("x"), 100_000_000)
        self.assertIn("the-end-42", replayed.out[-5000:])

    def test_a_recording_that_cannot_be_written_ends_it(self):
        """The recorder is killed: what it has shown is kept, and nothing goes on without it."""
        request = self.active()
        process = self.begin(request, "setsid sleep 600 &\nsleep 600\n")
        self.wait(self.enclosed)
        recorder = self.wait(lambda: subprocess.run(["pgrep", "-x", "-P", str(self.office.service.pid), "yellow-recorder"], capture_output=True, text=True).stdout.split())
        os.kill(int(recorder[0]), signal.SIGKILL)
        process.wait(20)
        self.over(request)
        self.nothing_is_left(request)

    def serve_as(self, *unit):
        """With the capabilities and the mask of the unit that is rendered with these options, and without new privileges."""
        text = self.office.yellow("render", "systemd", *unit).out
        left = " ".join(re.findall(r"^CapabilityBoundingSet=(.+)$", text, re.M)).lower().replace("cap_", "+").split()
        self.office.stop_service()
        self.addCleanup(lambda: (self.office.stop_service(), self.office.start_service()))
        program, bare = self.office.program, self.office.base / "bare"
        bare.write_text(f"#!/bin/sh\numask 077\nexec setpriv --no-new-privs --bounding-set=-all,{','.join(left)} --inh-caps=-all -- {program} \"$@\"\n")
        bare.chmod(0o755)
        self.office.program = bare
        try:
            self.office.start_service()
        finally:
            self.office.program = program

    def test_what_the_unit_for_sessions_leaves_is_enough(self):
        request = self.active()
        self.serve_as("--sessions")
        done = self.run_in(request, "psql -qAtc \"SELECT 'by ' || session_user\"; id -u\nexit 0\n")
        self.assertEqual(done.status, 0, done)
        self.assertIn(f"by yellow_tmp_{request['id']}", done.out)
        self.assertNotIn("/dev/null", done.out)
        self.assertNotRegex(done.out, r"(?m)^0\r?$")
        self.nothing_is_left(request)

    def test_an_enclosure_that_cannot_be_had(self):
        """Under the unit that is rendered without sessions: it is refused and told, and nothing has run."""
        request = self.active()
        self.serve_as()
        done = self.run_in(request, "echo it-has-run >/tmp/x; cat /tmp/x\n")
        self.assertNotEqual(done.status, 0)
        self.assertIn("cannot enclose the session", done.out + done.err)
        self.assertIn("CAP_SYS_ADMIN", done.out + done.err)
        self.assertNotIn("it-has-run", done.out)
        self.assertIn("cannot enclose", self.over(request)["end_reason"])
        self.assertEqual(self.enclosed(), [])

    def scoped(self, **scope):
        """An active request for a shell without database, of a model that declares it so."""
        self.addCleanup(lambda: (self.office.declare(), self.office.yellow("apply")))
        self.office.declare(scopes={**SCOPES, "shell": {"longest": "1h", **scope}})
        applied = self.office.yellow("apply")
        self.assertEqual(applied.status, 0, applied)
        return self.active(scope="shell")

    def test_a_shell_for_looking_into_folders(self):
        folder = self.office.base / "logs"
        folder.mkdir()
        folder.chmod(0o777)     # what keeps it as it is must be the enclosure
        self.addCleanup(shutil.rmtree, folder)
        (folder / "app.log").write_text("line-of-a-log\n")
        (folder / "app.log").chmod(0o666)
        hidden = folder / "hidden.log"
        hidden.write_text("nobody-reads-this\n")
        hidden.chmod(0o600)
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(str(folder / "daemon.sock"))
        listening.listen()
        (folder / "daemon.sock").chmod(0o777)
        request = self.scoped(folders=[str(folder)])
        self.assertEqual(request["grants"], [])
        call = "import socket; socket.socket(socket.AF_UNIX).connect('%s')" % (folder / "daemon.sock")
        done = self.run_in(request, f"""cat {folder}/app.log {folder}/hidden.log; ls /usr/bin | wc -l
echo x >>{folder}/app.log; rm -f {folder}/app.log; touch {folder}/new /etc/new /usr/new; chmod 777 {folder}/app.log
python3 -c "{call}" 2>&1 | tail -1; echo "status $?"
(echo >/dev/tcp/127.0.0.1/80) 2>&1; curl -s --unix-socket {folder}/daemon.sock http://x/; echo "curl $?"
python3 -c "import ctypes; print('ring', ctypes.CDLL(None).syscall(425, 1, 0))"
env | grep ^PG; ls {self.office.root} /var /home; echo "$HOME"; echo kept >/tmp/own; cat /tmp/own
exit 0
""")
        self.assertEqual(done.status, 0, done)
        self.assertIn("line-of-a-log", done.out)
        self.assertNotIn("nobody-reads-this", done.out)
        self.assertEqual((folder / "app.log").read_text(), "line-of-a-log\n")
        self.assertEqual(sorted(path.name for path in folder.iterdir()), ["app.log", "daemon.sock", "hidden.log"])
        self.assertIn("PermissionError", done.out)
        self.assertNotRegex(done.out, r"curl 0|PGHOST=|ring [0-9]")
        self.assertRegex(done.out, r"(?m)^kept\r?$")
        self.assertNotIn("local.yaml", done.out)
        typed, shown = self.read(self.over(request))
        self.assertIn("line-of-a-log", shown)
        self.assertEqual(self.office.facts(request), [])
        refused = self.office.session(request, "SELECT 1;\n")
        self.assertEqual(refused.status, 2)
        self.assertIn("opens no database", refused.err)
        self.assertIn(f"yellow access shell {request['id']}", refused.err)
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")

    def test_folders_that_hold_what_yellow_keeps(self):
        for folder in (self.office.root, self.office.root / ".yellow/secrets", "/"):
            with self.subTest(folder):
                request = self.scoped(folders=[str(folder)])
                done = self.run_in(request, "ls\n")
                self.assertNotEqual(done.status, 0)
                self.assertIn("holds what Yellow keeps", done.out + done.err)
                self.office.did("alice", "release", request["id"])

    def test_a_folder_that_is_not_there(self):
        request = self.scoped(folders=["/no/such/folder"])
        done = self.run_in(request, "ls\n")
        self.assertNotEqual(done.status, 0)
        self.assertIn("/no/such/folder", done.out + done.err)

    def test_who_may_not(self):
        request = self.office.ask(ticket=f"OPS-{next(self.tickets)}")
        self.assertEqual(self.run_in(request, "echo x\n").status, 1)
        self.office.approve(request)
        self.office.did("alice", "activate", request["id"])
        self.assertIn("only who has asked may use it", self.run_in(request, "echo x\n", who="bob").err)
        self.assertEqual(self.run_in(request, "exit 0\n").status, 0)
        status, _ = self.office.call("alice", "POST", f"/v1/access/requests/{request['id']}/session", '{"program": "bash -c id"}')
        self.assertEqual(status, 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
