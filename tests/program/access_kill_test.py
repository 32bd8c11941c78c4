"""The service is killed at every step of a session, and at the ticket system's answer: nothing is left open, nothing is missed; and two services host sessions of one request."""

import json
import os
import pathlib
import pwd
import signal
import subprocess
import time
import unittest

from people import PEOPLE, Office

# What only a session does; the rest of the service passes none of these.
OF_SESSIONS = ("recorder.", "proxy.", "sealed.", "statements.")
CALLS_OF_SESSIONS = ("session_began", "session_ended", "statements_kept", "tmp_open")


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessKillTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 100))

    def active(self):
        return self.office.active(ticket=f"OPS-{next(self.tickets)}")

    def wait(self, what, seconds=30):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, (self.office.base / "serve.log").read_text()[-2000:])
            time.sleep(0.05)
        return found

    def restart(self, fault=None):
        self.office.stop_service()
        self.office.start_service({"YELLOW_FAULT": fault} if fault else {})

    def processes_of(self, request):
        """Programs that a session of it has left."""
        found = []
        for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                text = command.read_bytes()
            except OSError:
                continue
            if f"yellow_tmp_{request['id']}".encode() in text:
                found.append(text)
        return found

    def nothing_is_left(self, request):
        office = self.office
        if office.state(request) == "active":
            office.did("alice", "release", request["id"])
        office.wait_for(request, "in_review")
        self.wait(lambda: not self.processes_of(request))
        self.wait(lambda: office.sql("MergeDB", f"SELECT 1 FROM yellow_access.session WHERE request = '{request['id']}' AND ended_at IS NULL") == [])
        self.assertEqual(office.sql("MergeDB", f"SELECT 1 FROM pg_roles WHERE rolname = 'yellow_tmp_{request['id']}'"), [])
        self.assertEqual(office.sql("MergeDB", f"SELECT 1 FROM pg_stat_activity WHERE usename = 'yellow_tmp_{request['id']}'"), [])
        ends = [subject for subject, in office.sql("MergeDB", f"SELECT subject FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.session_end'")]
        self.assertEqual(len(ends), len(set(ends)), "an end is recorded once")
        office.yellow("audit", "chain")
        verified = office.yellow("audit", "verify")
        self.assertEqual(verified.status, 0, verified)

    def test_killed_at_every_step_of_a_session(self):
        office, points = self.office, self.office.base / "points"
        self.restart(f"count:{points}")
        request = self.active()
        self.assertEqual(office.session(request, "SELECT 1;\n").status, 0)
        self.restart()
        self.nothing_is_left(request)
        steps = [step for step in dict.fromkeys(points.read_text().splitlines())
                 if step.startswith(OF_SESSIONS) or any(call in step for call in CALLS_OF_SESSIONS)]
        for wanted in ("recorder.start.before", "recorder.start.after", "sealed.open.after", "sealed.finish.before", "sealed.finish.after", "proxy.start.before", "proxy.start.after"):
            self.assertIn(wanted, steps)
        for step in steps:
            with self.subTest(step):
                self.restart(f"kill@{step}:1")
                request = self.active()
                office.session(request, "SELECT 1;\n")
                self.assertEqual(office.service.wait(30), -signal.SIGKILL)
                office.start_service()
                self.nothing_is_left(request)

    def test_what_fails_ends_the_session_and_is_told(self):
        office = self.office
        for effect in ("sealed.open", "proxy.start", "recorder.start", "sealed.finish"):
            with self.subTest(effect):
                self.restart(f"fail@{effect}:1")
                request = self.active()
                done = office.session(request, "SELECT 1;\n")
                if effect != "sealed.finish":
                    self.assertNotEqual(done.status, 0)
                    self.assertIn(f"a fault was put in the way of: {effect}", done.out + done.err)
                self.nothing_is_left(request)
                (reason,), = office.sql("MergeDB", f"SELECT end_reason FROM yellow_access.session WHERE request = '{request['id']}'")
                self.assertIn(f"a fault was put in the way of: {effect}", reason)
        self.restart()

    def test_killed_at_the_answer_of_the_ticket_system(self):
        office = self.office
        for point in ("before", "after"):
            for verb in ("request", "approve", "activate"):
                with self.subTest(f"{verb}, {point}"):
                    ticket = f"OPS-{next(self.tickets)}"
                    request = None if verb == "request" else office.ask(ticket=ticket)
                    if verb == "activate":
                        office.approve(request)
                    self.restart(f"kill@ticket.find.{point}:1")
                    words = {"request": ["--scope", "dt_write:MaskShop", "--for", "1h", "--ticket", ticket, "--reason", "x"],
                             "approve": [request and request["id"], "--content", request and request["content"]], "activate": [request and request["id"]]}[verb]
                    self.assertEqual(office.access("bob" if verb == "approve" else "alice", verb, *words).status, 3)
                    self.assertEqual(office.service.wait(30), -signal.SIGKILL)
                    office.start_service()
                    if request is None:
                        self.assertEqual(office.sql("MergeDB", f"SELECT 1 FROM yellow_access.request WHERE ticket = '{ticket}'"), [])
                    else:
                        self.assertEqual(office.state(request), {"approve": "pending", "activate": "approved"}[verb])
                        self.assertEqual([action for _, action in office.audit(request)], {"approve": ["access.request"], "activate": ["access.request", "access.approve"]}[verb])

    # Two services

    def test_two_services_host_sessions_of_one_request(self):
        """Neither shuts the other's session out: it connects again after the other one has begun."""
        office = self.office
        second = office.base / "second.sock"
        with open(office.base / "serve.log", "ab") as log:
            other = subprocess.Popen([office.program, "--project", office.root, "serve", "--socket", second], stdout=log, stderr=log)
        self.addCleanup(lambda: (other.terminate(), other.wait(30)))
        self.wait(second.exists)
        request = self.active()
        first = office.begin_session(request)
        first.stdin.write(b"SELECT 'the first';\n")
        first.stdin.flush()
        self.wait(lambda: any(fact["kind"] == "outcome" for fact in office.facts(request)))
        account = pwd.getpwnam(PEOPLE["alice"][0][0])
        done = subprocess.run([str(office.program), "access", "sql", request["id"], "--socket", str(second)], input="SELECT 'the second';\n", capture_output=True, text=True,
                              timeout=60, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("the second", done.stdout)
        shown, _ = first.communicate(b"\\c\nSELECT 'connected again';\n", timeout=30)
        self.assertIn(b"You are now connected", shown)
        self.assertIn(b"connected again\n(1 row)", shown.replace(b" connected", b"connected"))
        self.assertEqual(first.returncode, 0, shown)
        self.nothing_is_left(request)


if __name__ == "__main__":
    unittest.main(verbosity=2)
