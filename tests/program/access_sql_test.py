"""`yellow access sql`: a recorded psql under an approved request; what tries to get out of it, past it or unseen must fail."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import unittest

from sessions import Sessions

TABLE = "dp_main.dt_shopmasked__customers"


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessSqlTest(Sessions, unittest.TestCase):
    def stated(self, session):
        """What was asked of the database, whole."""
        done = self.office.replay("bob", session["recording"].replace(".cast.", ".statements."), "--cast")
        self.assertEqual(done.status, 0, done)
        return [json.loads(line) for line in done.out.splitlines()]

    def flags(self, request):
        return {flag for fact in self.office.facts(request) for flag in fact.get("flags", [])}

    def test_what_is_done_is_recorded(self):
        request = self.active()
        done = self.office.session(request, f"UPDATE {TABLE} SET lastname = 'Secretname.' WHERE false;\nSELECT 1/0;\n")
        self.assertEqual(done.status, 0, done)
        self.assertIn("UPDATE 0", done.out)
        session = self.over(request)
        self.assertEqual(session["end_reason"], "ended")
        typed, shown = self.read(session)
        self.assertIn("SELECT 1/0;", typed)
        self.assertIn("division by zero", shown)
        whole = self.stated(session)
        self.assertIn(f"UPDATE {TABLE} SET lastname = 'Secretname.' WHERE false;", [one["statement"]["text"] for one in whole if one["kind"] == "query"])
        facts = self.office.facts(request)
        self.assertEqual([fact.get("relations") for fact in facts if fact["kind"] == "query"], [[TABLE], []])
        self.assertEqual([(fact["tag"], fact.get("sqlstate")) for fact in facts if fact["kind"] == "outcome"], [("UPDATE 0", None), ("", "22012")])
        self.assertNotIn("Secretname", json.dumps(facts))
        self.assertEqual(self.flags(request), {"refused"})
        self.assertEqual(len(self.office.did("bob", "statements", request["id"])), len(facts))
        self.assertIn(TABLE, self.office.access("bob", "statements", request["id"]).out)
        # And it is bound into the audit log, by its size and digest.
        end, = self.office.sql("MergeDB", f"SELECT details -> 'recording' ->> 'sha256' FROM yellow_access.audit WHERE action = 'access.session_end' AND request = '{request['id']}'")
        self.assertEqual(end[0], session["sha256"])
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_a_script_that_comes_in(self):
        """Nothing of it is shown again; its first error ends it and is the exit status; all of it is recorded."""
        request = self.active()
        long = "x" * 100000     # more than a terminal takes in one line
        done = self.office.script(request, f"SELECT 'first-' || 40 + 2;\nSELECT 'one-' || (40 + 2), length('{long}');\n\x03\x04SELECT 'rest-' || 1\n")
        self.assertEqual(done.status, 1, done)
        done = self.office.script(request, f"\\pset tuples_only on\n\\pset format unaligned\nSELECT 'one-' || (40 + 2), length('{long}');\nBEGIN;\nSELECT 1/0;\nSELECT 'not-' || 'reached';\n")
        self.assertEqual(done.status, 1, done)
        self.assertIn("\none-42|100000\nBEGIN\n", done.out)
        self.assertIn("division by zero", done.out)
        self.assertNotIn("not-", done.out)
        self.assertNotIn("\r", done.out)
        done = self.office.script(request, "\\t on\n\\a\nSELECT 'whole-' || 1;\nSELECT 'without-end-' || 2")
        self.assertEqual((done.status, done.out.splitlines()[-2:]), (0, ["whole-1", "without-end-2"]), done)
        sessions = self.wait(lambda: all(one["ended_at"] for one in self.shown(request)["sessions"]) and self.shown(request)["sessions"])
        typed, shown = self.read(sessions[1])
        self.assertIn(f"length('{long}');\nBEGIN;\nSELECT 1/0;\nSELECT 'not-' || 'reached';\n", typed)
        self.assertIn("one-42|100000\n", shown)
        texts = [one["statement"]["text"] for one in self.stated(sessions[1]) if one["kind"] == "query"]
        self.assertEqual([text[:12] for text in texts], ["SELECT 'one-", "BEGIN;", "SELECT 1/0;"])

    def test_one_statement(self):
        request = self.active()
        done = self.office.script(request, "SELECT 'from the input';\n", options=["-c", "\\t on\nSELECT 'said-' || 1; SELECT 'and-' || 2"])
        self.assertEqual(done.status, 0, done)
        self.assertEqual([line.strip() for line in done.out.splitlines() if "-" in line], ["said-1", "and-2"])
        self.assertNotIn("from the input", done.out)
        self.assertEqual(self.office.script(request, "", options=["-c", "SELECT 1/0; SELECT 2"]).status, 1)
        self.assertEqual(self.office.script(request, "", options=["-c", ""]).status, 0)
        sessions = self.wait(lambda: all(one["ended_at"] for one in self.shown(request)["sessions"]) and self.shown(request)["sessions"])
        self.assertEqual([one["end_reason"] for one in sessions], ["ended"] * 3)
        self.assertIn("SELECT 'said-' || 1;", self.read(sessions[0])[0])
        # The words of the program that ran it, which others on the machine see, do not have it.
        process = subprocess.Popen([str(self.office.program), "access", "sql", request["id"], "--socket", str(self.office.socket), "-c", "SELECT pg_sleep(600), 'canary-5772'"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", user="daemon", extra_groups=[])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.wait(lambda: self.office.sql("MergeDB", "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%canary-5772%' AND state = 'active' AND pid <> pg_backend_pid()"))
        words = [path.read_bytes() for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if path.parent.name != str(process.pid) and path.exists()]
        self.assertTrue(any(b"ON_ERROR_STOP" in line for line in words))
        self.assertEqual([line for line in words if b"canary-5772" in line], [])

    def test_rows_that_come_in(self):
        """COPY takes what follows as it is, whatever a terminal would make of it."""
        request = self.active()
        done = self.office.script(request, f"BEGIN;\nCOPY {TABLE} (id, firstname, lastname) FROM STDIN;\nC-1\tF\tone\nC-2\tF\tb\u0003\u0004\u0016\u001a\n\\.\n"
                                           f"SELECT 'taken:' || count(*) || ':' || max(length(lastname)) FROM {TABLE} WHERE id LIKE 'C-%';\nROLLBACK;\n")
        self.assertEqual(done.status, 0, done)
        self.assertIn("taken:2:5", done.out)

    def test_who_goes_in_the_middle_of_a_statement_has_not_said_it(self):
        request = self.active()
        process = self.begin(request, f"SELECT 'begun';\nDELETE FROM {TABLE}\n")
        self.wait(lambda: any(fact["kind"] == "query" for fact in self.office.facts(request)))
        process.kill()
        self.ended(process, request)
        self.assertEqual([fact["does"] for fact in self.office.facts(request) if fact["kind"] == "query"], [["SelectStmt"]])

    def test_a_recorder_that_is_killed_in_the_middle_of_a_statement_has_not_said_it(self):
        request = self.active()
        for number in range(1, 11):
            process = self.begin(request, f"SELECT 'begun';\nDELETE FROM {TABLE}\n")
            self.wait(lambda: sum(fact["kind"] == "outcome" for fact in self.office.facts(request)) == number)
            recorder, = [int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/stat")
                         if path.exists() and f"(yellow-recorder) S {self.office.service.pid} " in path.read_text()]
            os.kill(recorder, signal.SIGKILL)
            process.wait(20)
            self.wait(lambda: all(one["ended_at"] for one in self.shown(request)["sessions"]))
        self.assertEqual({tuple(fact["does"]) for fact in self.office.facts(request) if fact["kind"] == "query"}, {("SelectStmt",)})

    def test_input_that_cannot_be_read_and_output_that_nobody_takes(self):
        request = self.active()
        words = [str(self.office.program), "access", "sql", request["id"], "--socket", str(self.office.socket)]
        for script, why in ((f"{shlex.join(words)} </tmp", "standard input cannot be read: Is a directory"),
                            (f"echo 'SELECT generate_series(1, 1000000);' | {{ {shlex.join(words)}; echo status $? >&2; }} | head -2", "what it prints cannot be written any more")):
            done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, cwd="/", user="daemon", extra_groups=[])
            self.assertIn(f"error: {why}", done.stderr)
            self.assertNotIn("was lost", done.stderr)
            self.assertTrue(done.returncode == 3 or "status 3\n" in done.stderr, done)

    def test_only_reviewers_read_it(self):
        request = self.active()
        self.office.session(request, "SELECT 'canary-2718';\n")
        session = self.over(request)
        self.office.keygen("dave")
        refused = self.office.replay("dave", session["recording"], "--cast")
        self.assertEqual(refused.status, 3)
        data = self.office.root / ".yellow/recordings"
        for file in data.iterdir():
            self.assertEqual(file.stat().st_mode & 0o777, 0o600)
            self.assertNotIn(b"canary-2718", file.read_bytes())
        # Not of what was asked, anywhere that Yellow writes.
        self.assertNotIn("canary-2718", json.dumps(self.office.facts(request)))
        self.assertNotIn("canary-2718", (self.office.base / "serve.log").read_text())

    def test_a_senior_does_not_read_their_own(self):
        ticket = f"OPS-{next(self.tickets)}"
        tickets = json.loads((self.office.root / "tickets.json").read_text())
        self.office.tickets({**tickets, ticket: {"open": True, "owner": "bob"}})
        request = self.office.ask(who="bob", ticket=ticket)
        self.office.approve(request, "carol")
        self.office.did("bob", "activate", request["id"])
        self.assertEqual(self.office.session(request, "SELECT 1;\n", who="bob").status, 0)
        session = self.over(request)
        self.assertEqual([self.office.replay(who, session["recording"], "--cast").status for who in ("carol", "bob")], [0, 3])

    def test_nobody_reviews_means_nobody_is_let_in(self):
        self.addCleanup(lambda: (self.office.declare(), self.office.yellow("apply")))
        keys, self.office.reviewers = self.office.reviewers, {}
        self.office.declare()
        self.office.reviewers = keys
        self.assertEqual(self.office.yellow("apply").status, 0)
        request = self.active()
        done = self.office.session(request, "SELECT 1;\n")
        self.assertEqual(done.status, 1)
        self.assertIn("nobody could review the recording", done.err)

    def test_a_session_that_cannot_begin(self):
        """Its person is told; it leaves no recording behind, and none is missed."""
        sockets = self.office.root / ".yellow/sessions"
        sockets.rmdir()
        sockets.write_text("in the way")
        self.addCleanup(lambda: (sockets.unlink(), sockets.mkdir(0o711)))
        request = self.active()
        done = self.office.session(request, "SELECT 1;\n")
        self.assertNotEqual(done.status, 0)
        self.assertIn("cannot listen in", done.out + done.err)
        self.assertIn("cannot listen in", self.over(request)["end_reason"])
        self.office.chained()
        verified = self.office.yellow("audit", "verify")
        self.assertEqual(verified.status, 0, verified)

    def test_who_may_not(self):
        request = self.office.ask(ticket=f"OPS-{next(self.tickets)}")
        for who in ("alice", "bob"):
            self.assertEqual(self.office.session(request, "SELECT 1;\n", who=who).status, 1)
        self.office.approve(request)
        done = self.office.session(request, "SELECT 1;\n")
        self.assertIn("begin: yellow access activate", done.err)
        self.office.did("alice", "activate", request["id"])
        self.assertIn("only who has asked may use it", self.office.session(request, "SELECT 1;\n", who="bob").err)
        self.office.did("alice", "release", request["id"])
        self.assertEqual(self.office.session(request, "SELECT 1;\n").status, 1)

    def test_nothing_of_the_installation_is_within_reach(self):
        request = self.active()
        secrets = next((self.office.root / ".yellow").glob("secrets*"), self.office.root / ".yellow")
        done = self.office.session(request, f"""\\! id -u
\\! ls {secrets} {self.office.root} {self.office.cluster()} /root /var/lib/yellow
\\! cat /proc/*/environ | tr '\\0' ' '
\\! kill -9 -1; echo killed
SELECT 1;
""")
        self.assertNotIn("PASSWORD", done.out)
        self.assertNotIn("local.yaml", done.out)
        self.assertNotIn("postmaster.pid", done.out)
        self.assertIsNone(self.office.service.poll())
        self.assertNotIn("\n0\n", done.out)

    def test_another_login_past_the_proxy(self):
        """There is no password to be found, and no other way to the server."""
        request = self.active()
        info = self.office.server()
        done = self.office.session(request, f"\\! psql -h {info['host']} -p {info['port']} -U yellow_tmp_{request['id']} -d merge -c 'SELECT 42'\n\\! env; cat ~/.pgpass /tmp/*\n")
        self.assertNotIn("42\n", done.out)
        self.assertIn("No such file or directory", done.out)

    def test_evasions_are_flagged(self):
        request = self.active()
        self.office.session(request, f"""DO $$ BEGIN EXECUTE 'DELETE FROM {TABLE} WHERE false'; END $$;
SET ROLE yellow_dt_maskshop;
CREATE TABLE dp_main.mine (a int);
SELECT * FROM pg_catalog.pg_authid;
PREPARE x AS SELECT * FROM dp_main.shop__customers;
SELECT rolname FROM pg_roles, generate_series(1, 200);
SET application_name = 'yellow';
""")
        self.assertLessEqual({"do_block", "set_role", "ddl", "catalog", "outside_scope", "refused", "many_rows"}, self.flags(request))
        self.assertEqual({flag["flag"] for flag in self.shown(request)["flags"]}, self.flags(request))

    def test_copies(self):
        request = self.active()
        self.office.session(request, f"BEGIN;\nCOPY {TABLE} FROM STDIN;\n\\.\n")
        self.office.session(request, "COPY (SELECT 'out') TO STDOUT;\n")
        kinds = [fact["kind"] for fact in self.office.facts(request)]
        self.assertIn("copy_in", kinds)
        self.assertTrue(any("copied_out" in fact for fact in self.office.facts(request)))
        # What COPY sends out is sent out.
        self.office.session(request, "COPY (SELECT generate_series(1, 2000)) TO STDOUT;\n")
        sent = self.office.facts(request)
        sent = [fact for fact in sent if fact.get("tag") == "COPY 2000"]
        self.assertEqual([(fact["rows"], fact["flags"]) for fact in sent], [(2000, ["many_rows"])])
        self.assertGreater(sent[0]["bytes"], 2000)

    def ended(self, process, request, seconds=20):
        """The person's program, and all that came of it."""
        process.wait(seconds)
        self.wait(lambda: self.office.sql("MergeDB", f"SELECT 1 FROM pg_stat_activity WHERE usename = 'yellow_tmp_{request['id']}'") == [])
        return self.over(request)

    def begun(self, statement="SELECT 7 * 6;\n"):
        request = self.active()
        process = self.begin(request, statement)
        self.wait(lambda: any(fact["kind"] == "query" for fact in self.office.facts(request)))
        return request, process

    def test_its_time_is_over(self):
        for statement in ("SELECT 7 * 6;\n", "SELECT pg_sleep(600);\n", "\\! setsid nohup sh -c 'while :; do :; done' & sleep 600\n"):
            with self.subTest(statement):
                request, process = self.begun("SELECT 1;\n" + statement)
                self.office.over(request)
                session = self.ended(process, request)
                self.assertNotEqual(process.returncode, 0)
                self.assertEqual(session["end_reason"], "its time is over")
                self.office.wait_for(request, "in_review")
                self.read(session)

    def test_revoked(self):
        request, process = self.begun("SELECT pg_sleep(600);\n")
        self.office.did("carol", "revoke", request["id"], "--reason", "wrong ticket")
        self.assertEqual(self.ended(process, request)["end_reason"], "wrong ticket")
        self.assertIn("error: the session is over: revoked: wrong ticket", process.stdout.read().decode())
        self.office.wait_for(request, "in_review")

    def test_the_end_is_recorded_before_its_person_is_let_go(self):
        request = self.active()
        for number in range(1, 9):
            self.assertEqual(self.office.session(request, "SELECT 1;\n").status, 0)
            ended = self.office.sql("MergeDB", f"SELECT count(*) FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.session_end'")
            self.assertEqual(ended, [(str(number),)])

    def test_the_person_goes(self):
        request, process = self.begun()
        process.kill()
        self.ended(process, request)

    def test_the_service_is_stopped(self):
        request, process = self.begun("SELECT pg_sleep(600);\n")
        self.office.stop_service()
        process.wait(20)
        self.office.start_service()
        self.assertEqual(self.ended(process, request)["end_reason"], "the service is being stopped")
        self.assertEqual(self.office.session(request, "SELECT 1;\n").status, 0)     # the request goes on

    def test_the_service_is_killed(self):
        request, process = self.begun("SELECT pg_sleep(600);\n")
        self.office.stop_service(signal.SIGKILL)
        process.wait(20)
        self.office.start_service()
        self.assertEqual(self.office.session(request, "SELECT 1;\n").status, 0)
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        sessions = self.wait(lambda: all(one["ended_at"] for one in self.shown(request)["sessions"]) and self.shown(request)["sessions"])
        self.assertEqual(sorted(one["end_reason"] for one in sessions), ["ended", "its service was killed"])
        self.office.chained()
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_the_database_goes_away(self):
        request, process = self.begun("SELECT pg_sleep(600);\n")
        self.assertEqual(self.office.yellow("down").status, 0)
        process.wait(20)
        # The service starts it again, and then says what has become of the session.
        self.wait(lambda: self.office.access("bob", "show", request["id"]).status == 0, 60)
        session = self.over(request)
        self.assertNotEqual(session["end_reason"], "its service was killed")
        self.assertTrue(session["sha256"])
        self.assertEqual(self.office.replay("bob", session["recording"], "--cast").status, 0)
        self.office.chained()
        self.assertEqual(self.office.yellow("audit", "verify").status, 0)

    def test_two_sessions_of_one_request(self):
        request, process = self.begun()
        self.assertEqual(self.office.session(request, "SELECT 8;\n").status, 0)
        shown, _ = process.communicate(b"SELECT 'still there';\n", timeout=20)
        self.assertIn(b"still there", shown)
        self.assertEqual(len(self.shown(request)["sessions"]), 2)

    def test_a_statement_that_cannot_be_recorded_does_not_happen(self):
        """The audit log takes nothing any more: what was asked for before has happened, and nothing after it."""
        request, process = self.begun("SELECT 1;\n")
        self.addCleanup(self.office.sql, "MergeDB", "DROP TRIGGER IF EXISTS no ON yellow_access.audit; DROP FUNCTION IF EXISTS public.no()")
        self.office.sql("MergeDB", "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;"
                                   "CREATE TRIGGER no BEFORE INSERT ON yellow_access.audit FOR EACH ROW WHEN (NEW.action = 'access.statement') EXECUTE FUNCTION public.no()")
        process.stdin.write(f"DELETE FROM {TABLE}; SELECT 'unseen';\n".encode())
        process.stdin.flush()
        process.wait(20)
        self.office.sql("MergeDB", "DROP TRIGGER no ON yellow_access.audit")
        self.ended(process, request)
        self.assertNotIn(b"DELETE ", process.stdout.read().replace(b"DELETE FROM", b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
