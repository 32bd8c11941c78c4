"""`yellow access replay REQUEST`: the service gives recordings to whom they are sealed, records who reads them first, and ends their keeping."""

import hashlib
import json
import os
import pathlib
import pwd
import signal
import time
import unittest

from people import PEOPLE, Office

FORBIDDEN, USAGE, FAILED = 1, 2, 3
CANARY = "canary-3141"
ACTORS = {**PEOPLE, "dave": (PEOPLE["dave"][0], ["auditor"]), "fred": (["uucp"], ["auditor"])}


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessReplayTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        # Two auditors, of whom dave has a key.
        cls.office.reviewers["dave"] = cls.office.keygen("dave")
        for who in ("bob", "carol", "dave"):
            account = pwd.getpwnam(ACTORS[who][0][0])
            os.chown(cls.office.base / f"{who}.key", account.pw_uid, account.pw_gid)
        PEOPLE.setdefault("fred", ACTORS["fred"])
        cls.addClassCleanup(PEOPLE.pop, "fred")
        cls.declare()
        cls.tickets = iter(range(1, 100))

    @classmethod
    def declare(cls, **how):
        cls.office.declare(people=how.pop("people", ACTORS), **how)
        done = cls.office.yellow("apply")
        assert done.status == 0, done

    def active(self, **how):
        return self.office.active(ticket=f"OPS-{next(self.tickets)}", **how)

    def wait(self, what, seconds=20):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, (self.office.base / "serve.log").read_text()[-2000:])
            time.sleep(0.05)
        return found

    def recorded(self, typed=f"SELECT '{CANARY}';\n", sessions=1):
        """A request under which so much was done, and its sessions when their ends are recorded."""
        request = self.active()
        for _ in range(sessions):
            self.assertEqual(self.office.session(request, typed).status, 0)
        def ended():
            return [one for one in self.office.did("bob", "show", request["id"])["sessions"] if one["ended_at"]]
        self.wait(lambda: len(ended()) == sessions)
        return request, ended()

    def replay(self, who, request, *options, key=None):
        return self.office.access(who, "replay", request["id"], *options, "--key", str(self.office.base / f"{key or who}.key"))

    def refused(self, done, text, status=FORBIDDEN):
        self.assertEqual(done.status, status, done)
        self.assertIn(text, done.err)
        self.assertNotIn(CANARY, done.out)

    def readings(self, request):
        """Who has read what, as the audit log has it."""
        return self.office.sql("MergeDB", f"SELECT person, details ->> 'what', details ->> 'sha256' FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.read' ORDER BY id")

    def path(self, session, what="cast"):
        return self.office.root / ".yellow" / session["recording"].replace(".cast.", f".{what}.")

    def verify(self, status=0):
        self.office.yellow("audit", "chain")    # the service may be at it
        done = self.office.yellow("audit", "verify")
        self.assertEqual(done.status, status, done)

    # Who reads

    def test_reviewers_and_auditors_with_a_key_read_and_are_recorded(self):
        request, (session,) = self.recorded()
        done = self.replay("bob", request)
        self.assertEqual(done.status, 0, done)
        self.assertIn(CANARY, done.out)
        self.assertIn(session["sha256"], done.err)
        self.assertIn("it is complete", done.err)
        cast = self.replay("dave", request, session["id"], "--cast")
        self.assertEqual((cast.status, json.loads(cast.out.splitlines()[0])["version"]), (0, 2))
        statements = self.replay("carol", request, "--statements")
        self.assertEqual(statements.status, 0, statements)
        self.assertIn(f"SELECT '{CANARY}';", [one["statement"]["text"] for one in map(json.loads, statements.out.splitlines()) if one["kind"] == "query"])
        for_programs = self.replay("bob", request, "--output", "json")
        self.office.schema("replay").validate(json.loads(for_programs.out))
        digest = hashlib.sha256(self.path(session, "statements").read_bytes()).hexdigest()
        self.assertEqual(self.readings(request), [("bob", "recording", session["sha256"]), ("dave", "recording", session["sha256"]),
                                                  ("carol", "statements", digest), ("bob", "recording", session["sha256"])])
        self.verify()

    def test_who_may_not(self):
        request, (session,) = self.recorded()
        path = f"/v1/access/requests/{request['id']}/sessions/{session['id']}/recording"
        self.refused(self.replay("alice", request, key="bob"), "nobody reads the recording of a session of their own")
        self.refused(self.replay("fred", request, key="bob"), "auditor and a review_key")
        self.assertEqual(self.office.call("alice", "GET", path)[0], 403)
        self.assertEqual(self.readings(request), [])
        # The database holds to it, whoever calls.
        self.assertIn("nobody reads the recording of a session of their own", self.office.as_service(
            f"SELECT yellow_access.evidence_read('alice', '{request['id']}', '{session['id']}', 'recording', '{session['sha256']}')"))
        for session_id, what, digest in ((session["id"], "recording", "0" * 64), ("0" * 16, "recording", session["sha256"]), (session["id"], "other", session["sha256"])):
            self.assertIn("there is no such recording", self.office.as_service(
                f"SELECT yellow_access.evidence_read('bob', '{request['id']}', '{session_id}', '{what}', '{digest}')"))
        for path in (f"{path}/x", path.replace("recording", ""), path.replace("recording", "keys"), path.replace(session["id"], "..%2f..%2fsecrets")):
            self.assertIn(self.office.call("bob", "GET", path)[0], (400, 404), path)

    def test_a_senior_does_not_read_their_own(self):
        ticket = f"OPS-{next(self.tickets)}"
        tickets = json.loads((self.office.root / "tickets.json").read_text())
        self.office.tickets({**tickets, ticket: {"open": True, "owner": "bob"}})
        request = self.office.ask(who="bob", ticket=ticket)
        self.office.approve(request, "carol")
        self.office.did("bob", "activate", request["id"])
        self.assertEqual(self.office.session(request, "SELECT 1;\n", who="bob").status, 0)
        self.wait(lambda: self.office.did("carol", "show", request["id"])["sessions"][0]["ended_at"])
        self.refused(self.replay("bob", request), "of their own")
        self.assertEqual(self.replay("carol", request).status, 0)

    def test_without_the_key_it_stays_sealed(self):
        """Who may fetch it, and was made a reviewer later: it is not sealed to them."""
        request, (session,) = self.recorded()
        self.office.keygen("erin")
        account = pwd.getpwnam(PEOPLE["erin"][0][0])
        os.chown(self.office.base / "erin.key", account.pw_uid, account.pw_gid)
        self.refused(self.replay("erin", request), f"{session['recording']} is not sealed to this key", FAILED)

    def test_what_cannot_be_recorded_is_not_given(self):
        request, (session,) = self.recorded()
        self.addCleanup(self.office.sql, "MergeDB", "DROP TRIGGER IF EXISTS no ON yellow_access.audit; DROP FUNCTION IF EXISTS public.no()")
        self.office.sql("MergeDB", "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;"
                                   "CREATE TRIGGER no BEFORE INSERT ON yellow_access.audit FOR EACH ROW WHEN (NEW.action = 'access.read') EXECUTE FUNCTION public.no()")
        self.refused(self.replay("bob", request), "disk full", FAILED)
        status, body = self.office.call("bob", "GET", f"/v1/access/requests/{request['id']}/sessions/{session['id']}/recording")
        self.assertEqual((status, json.loads(body)["error"]["text"].splitlines()[0]), (503, "disk full"))
        for command in (("statements", request["id"]), ("report", "--from", "2026-01-01", "--to", "2099-01-01")):
            self.refused(self.office.access("bob", *command), "disk full", FAILED)

    def test_facts_and_reports_are_readings_too(self):
        request, _ = self.recorded()
        self.office.did("carol", "statements", request["id"])
        self.office.did("dave", "report", "--from", "2026-01-01", "--to", "2099-01-01")
        self.assertEqual(self.readings(request), [("carol", "facts", None)])
        self.assertEqual(self.office.sql("MergeDB", "SELECT person, subject, details ->> 'from', details ->> 'to' FROM yellow_access.audit WHERE details ->> 'what' = 'report' ORDER BY id DESC LIMIT 1"),
                         [("dave", "MergeDB", "2026-01-01", "2099-01-01")])

    # What is given

    def test_several_sessions(self):
        request, sessions = self.recorded(sessions=2)
        self.refused(self.replay("bob", request), "the request has several sessions", USAGE)
        self.assertEqual(self.replay("bob", request, sessions[1]["id"]).status, 0)
        self.assertEqual([row[2] for row in self.readings(request)], [sessions[1]["sha256"]])
        self.refused(self.replay("bob", request, "0" * 16), "no session of this request is called so", USAGE)

    def test_none(self):
        self.refused(self.replay("bob", self.active()), "no session of this request has ended", USAGE)
        self.refused(self.office.access("bob", "replay", "f" * 16, "--key", str(self.office.base / "bob.key")), "there is no such request")
        self.refused(self.office.access("bob", "replay", "nothing.sealed", "--statements", "--key", str(self.office.base / "bob.key")), "this is a file", USAGE)

    def test_one_that_was_changed_or_is_missing(self):
        for what in ("cast", "statements"):
            request, (session,) = self.recorded()
            path = self.path(session, what)
            kept = path.read_bytes()
            options = ["--statements"] if what == "statements" else []
            path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            self.refused(self.replay("bob", request, *options), "is not what the audit log has bound")
            self.verify(25)
            path.unlink()
            self.refused(self.replay("bob", request, *options), "the service has no such file")
            self.verify(25)
            path.write_bytes(kept)
            self.verify()
            self.assertEqual(self.readings(request), [])
        self.assertIn("a recording is not as it was", (self.office.base / "serve.log").read_text())

    def test_a_large_one_is_not_held_whole(self):
        """Its 30 MiB pass the service, which may take eight more than it has."""
        request, (session,) = self.recorded(f"SELECT repeat('{CANARY}', 100) FROM generate_series(1, 30000);\n")
        self.assertGreater(session["bytes"], 30 << 20)

        def memory():
            lines = pathlib.Path(f"/proc/{self.office.service.pid}/status").read_text().splitlines()
            return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

        pathlib.Path(f"/proc/{self.office.service.pid}/clear_refs").write_text("5")     # the peak counts from now on
        before = memory()
        done = self.replay("bob", request, "--cast")
        self.assertEqual(done.status, 0, done.err)
        self.assertGreater(done.out.count(CANARY), 2900000)
        self.assertLess(memory() - before, 8 << 10)

    # How long it is kept

    def reviewed(self):
        request, (session,) = self.recorded()
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        return request, session

    def restart(self, fault=None):
        self.office.stop_service()
        self.office.start_service({"YELLOW_FAULT": fault} if fault else {}, wait=fault is None)

    def keep_for(self, seconds):
        """In the ecosystem, until the test is over."""
        def declared(**how):
            self.office.declare(people=ACTORS)
            if how:
                file = self.office.root / "model/ecosystem.yaml"
                self.office.write("model/ecosystem.yaml", json.dumps({**json.loads(file.read_text()), "retention": how}))
            self.assertEqual(self.office.yellow("apply").status, 0)
        self.addCleanup(declared)
        declared(evidence=seconds)

    def deleted(self, session):
        return self.office.sql("MergeDB", f"SELECT request, details FROM yellow_access.audit WHERE action = 'access.evidence_deleted' AND subject = '{session['id']}'")

    def let_go(self, session):
        """As if the record of it were a minute older; and the service looks again."""
        self.office.sql("MergeDB", f"UPDATE yellow_access.session SET evidence_deleted_at = evidence_deleted_at - interval '2 minutes' WHERE id = '{session['id']}'")
        self.restart()
        self.wait(lambda: not self.path(session).exists() and not self.path(session, "statements").exists())

    def test_it_is_kept_until_its_review_and_then_deleted(self):
        request, session = self.reviewed()
        digest = session["sha256"]
        self.keep_for("1s")
        time.sleep(1.1)
        self.restart()
        time.sleep(2)
        self.assertTrue(self.path(session).exists(), "its review is open")
        self.assertEqual(self.deleted(session), [])
        self.assertIn("still needed", self.office.as_service(f"SELECT yellow_access.evidence_delete('{session['id']}')"))
        self.office.did("carol", "accept", request["id"], "fine")
        time.sleep(1.1)
        self.restart()
        (named, details), = self.wait(lambda: self.deleted(session))
        self.assertEqual((named, [file["sha256"] for file in json.loads(details)["files"]][0]), (request["id"], digest))
        self.verify()
        self.assertTrue(self.path(session).exists(), "it goes after its record is in the chain")
        self.let_go(session)
        self.verify()
        self.refused(self.replay("bob", request), "was kept as long as retention.evidence says")
        self.assertEqual(len(self.deleted(session)), 1)
        # Others are missed as before.
        _, (other,) = self.recorded()
        kept = self.path(other).read_bytes()
        self.path(other).unlink()
        self.verify(25)
        self.path(other).write_bytes(kept)
        self.verify()

    def test_it_is_kept_for_ever_unless_the_model_says_how_long(self):
        request, session = self.reviewed()
        self.office.did("carol", "accept", request["id"], "fine")
        self.office.sql("MergeDB", f"UPDATE yellow_access.session SET ended_at = ended_at - interval '30 years' WHERE id = '{session['id']}'")
        self.office.sql("MergeDB", f"UPDATE yellow_access.review SET at = at - interval '30 years' WHERE request = '{request['id']}'")
        self.restart()
        time.sleep(2)
        self.assertTrue(self.path(session).exists())
        self.assertEqual(self.deleted(session), [])

    def test_the_deletion_is_killed_at_every_step(self):
        self.keep_for("1s")
        points = self.office.base / "points"

        def due():
            request, session = self.reviewed()
            self.office.did("carol", "accept", request["id"], "fine")
            time.sleep(1.1)
            return session

        session = due()
        self.restart(f"count:{points}")
        self.wait(lambda: self.deleted(session))
        self.let_go(session)
        steps = list(dict.fromkeys(line for line in points.read_text().splitlines() if line.startswith("evidence.")))
        self.assertGreater(len(steps), 2, steps)
        for step in [*steps, "file.remove.before", "file.remove.after"]:
            with self.subTest(step):
                session = due()
                if step.startswith("file"):
                    self.restart()
                    self.wait(lambda: self.deleted(session))
                    self.verify()
                    self.office.sql("MergeDB", f"UPDATE yellow_access.session SET evidence_deleted_at = evidence_deleted_at - interval '2 minutes' WHERE id = '{session['id']}'")
                self.restart(f"kill@{step}:1")
                self.assertEqual(self.office.service.wait(30), -signal.SIGKILL)
                self.office.start_service()
                self.wait(lambda: self.deleted(session))
                self.verify()
                self.let_go(session)
                self.verify()
                self.assertEqual(len(self.deleted(session)), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
