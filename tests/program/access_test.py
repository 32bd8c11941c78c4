"""`yellow access`: who may ask, approve, use and review; each attack on it must fail."""

import json
import os
import pwd
import signal
import subprocess
import unittest
import urllib.parse

from people import PEOPLE, Office, verifier, wrong_clock

FORBIDDEN, USAGE, FAILED = 1, 2, 3


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 1000))

    def ticket(self, owner="alice", is_open=True):
        """A fresh one."""
        name = f"T-{next(self.tickets)}"
        file = self.office.root / "tickets.json"
        self.office.tickets({**json.loads(file.read_text()), name: {"open": is_open, "owner": owner}})
        return name

    def refused(self, done, text, status=FORBIDDEN):
        self.assertEqual(done.status, status, done)
        self.assertIn(text, done.err)

    def request(self, who="alice", **changes):
        wish = {"scope": "dt_write:MaskShop", "for": "1h", "ticket": "", "reason": "wrong names", **changes}
        wish["ticket"] = wish["ticket"] or self.ticket(who)
        return self.office.access(who, "request", *(word for name, value in wish.items() for word in (f"--{name}={value}",)))

    # A whole life

    def test_from_the_request_to_its_review(self):
        office = self.office
        request = office.ask(ticket=self.ticket())
        self.assertEqual((request["state"], request["person"], request["approvers"]), ("pending", "alice", 1))
        self.assertEqual(office.approve(request)["state"], "approved")
        active = office.did("alice", "activate", request["id"])
        self.assertEqual(active["state"], "active")
        self.assertLessEqual(active["seconds_left"], 3600)
        self.assertEqual(office.did("alice", "release", request["id"])["state"], "released")
        office.wait_for(request, "in_review")
        self.assertIn(request["id"], office.access("carol", "review").out)
        self.assertIn("Nothing was asked of a server", office.access("carol", "review", request["id"]).out)
        self.assertEqual([one["id"] for one in office.did("carol", "review", request["id"])], [request["id"]])
        self.assertIn(request["id"], [one["id"] for one in office.did("carol", "review")])
        self.assertIn(request["id"], [one["id"] for one in office.did("carol", "list")])
        self.assertEqual(sorted(scope["key"] for scope in office.did("alice", "scopes")), ["dt_write:MaskShop", "ws_read:Analysts"])
        reviewed = office.did("carol", "accept", request["id"], "nothing was done")
        self.assertEqual((reviewed["state"], reviewed["review"]["person"]), ("accepted", "carol"))
        self.assertEqual(office.audit(request), [
            ("alice", "access.request"), ("bob", "access.approve"), ("alice", "access.activate"), ("alice", "access.release"),
            ("yellow", "access.disable"), ("yellow", "access.drop"), ("carol", "access.read"), ("carol", "access.accept")])

    def test_two_have_to_approve(self):
        request = self.office.ask(scope="ws_read:Analysts", ticket=self.ticket())
        self.assertEqual(request["approvers"], 2)
        self.assertEqual(self.office.approve(request, "bob")["state"], "pending")
        self.refused(self.office.access("bob", "approve", request["id"], "--content", request["content"]), "bob has voted already")
        self.refused(self.office.access("alice", "activate", request["id"]), f"the request is pending\n  = a senior approves it: yellow access approve {request['id']} --content {request['content'][:12]}")
        self.assertEqual(self.office.approve(request, "carol")["state"], "approved")

    def test_one_denies(self):
        request = self.office.ask(scope="ws_read:Analysts", ticket=self.ticket())
        self.office.approve(request, "bob")
        self.assertEqual(self.office.did("carol", "deny", request["id"], "--content", request["content"], "--note", "not now")["state"], "denied")
        for who, words in (("erin", ["approve", request["id"], "--content", request["content"]]), ("alice", ["activate", request["id"]]), ("alice", ["edit", request["id"], "--reason", "x"])):
            self.refused(self.office.access(who, *words), "the request is denied\n  = ask anew: yellow access request --scope ws_read:Analysts")

    def test_who_has_approved_may_think_again(self):
        request = self.office.ask(ticket=self.ticket())
        self.office.approve(request)
        self.assertEqual(self.office.did("bob", "deny", request["id"], "--content", request["content"])["state"], "denied")
        self.refused(self.office.access("alice", "activate", request["id"]), "the request is denied")

    # Who

    def test_nobody_approves_their_own(self):
        for who in ("bob", "carol"):
            request = self.office.ask(who=who, ticket=self.ticket(who))
            self.refused(self.office.access(who, "approve", request["id"], "--content", request["content"]), "nobody votes on a request of their own")
        self.assertIn("nobody votes on a request of their own",
                      self.office.as_service(f"SELECT yellow_access.vote('{request['id']}', 'carol', '{request['content']}', true, '')"))

    def test_another_account_is_the_same_person(self):
        """alice is a senior for a while, with two accounts."""
        people = {**PEOPLE, "alice": (PEOPLE["alice"][0], ["senior_devops"])}
        self.apply(people=people)
        request = self.office.ask(ticket=self.ticket())
        done = self.office.access("alice", "approve", request["id"], "--content", request["content"], user="lp")
        self.refused(done, "nobody votes on a request of their own")

    def apply(self, **how):
        """The model with other people or scopes, until the test is over."""
        self.addCleanup(lambda: (self.office.declare(), self.assertEqual(self.office.yellow("apply").status, 0)))
        self.office.declare(**how)
        self.assertEqual(self.office.yellow("apply").status, 0)

    def test_who_has_no_role(self):
        self.refused(self.request("dave"), "dave may not ask for access")
        self.refused(self.office.access("dave", "list"), "dave has no role")
        self.refused(self.office.access("dave", "list", user="bin"), "the model knows nobody as os:bin")
        request = self.office.ask(ticket=self.ticket())
        self.apply(people={**PEOPLE, "dave": (PEOPLE["dave"][0], ["devops"])})
        self.refused(self.office.access("dave", "approve", request["id"], "--content", request["content"]), "dave may not approve")
        self.refused(self.office.access("dave", "activate", request["id"]), "only who has asked may use it")
        self.refused(self.office.access("dave", "release", request["id"]), "only who has it may give it back")
        self.refused(self.office.access("dave", "withdraw", request["id"]), "only who has asked may withdraw it")
        self.refused(self.office.access("dave", "revoke", request["id"]), "dave may not revoke")
        self.refused(self.office.access("dave", "edit", request["id"], "--for", "2h"), "only who has asked may change it")

    def test_nobody_has_said_where_the_service_is(self):
        said = subprocess.run([str(self.office.program), "access", "scopes"], capture_output=True, text=True, cwd="/",
                              env={name: value for name, value in os.environ.items() if name != "YELLOW_SOCKET"})
        self.assertEqual(said.returncode, USAGE, said)
        self.assertIn("--socket", said.stderr)

    def test_a_socket_that_is_out_of_reach(self):
        folder = self.office.base / "closed"
        folder.mkdir(0o700)
        (folder / "access.sock").touch()
        account = pwd.getpwnam(PEOPLE["alice"][0][0])
        done = subprocess.run([str(self.office.program), "access", "list", "--socket", str(folder / "access.sock")], capture_output=True, text=True, cwd="/",
                              user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        self.assertEqual(done.returncode, FAILED, done)
        self.assertIn("you may not reach the socket of yellow serve", done.stderr)

    def test_who_calls_is_not_for_them_to_say(self):
        """A header of that name is the caller's own word, and does not count."""
        calls = subprocess.run(["curl", "-s", "--unix-socket", str(self.office.socket), "-H", "Yellow-Identity: os:games", "http://yellow/v1/access/requests"],
                               capture_output=True, text=True, user="bin", group="bin", extra_groups=[])
        self.assertIn("the model knows nobody as os:bin", calls.stdout)

    def test_an_approver_who_is_one_no_more(self):
        request = self.office.ask(ticket=self.ticket())
        self.office.approve(request, "bob")
        self.apply(people={**PEOPLE, "bob": (PEOPLE["bob"][0], ["devops"])})
        self.refused(self.office.access("alice", "activate", request["id"]), "of 1 who have to approve it 0 may do so now")
        self.assertEqual(self.office.state(request), "approved")

    def test_a_scope_that_was_taken_back(self):
        request = self.office.ask(ticket=self.ticket())
        self.office.approve(request)
        self.apply(scopes={"ws_read:Analysts": {}})
        self.refused(self.office.access("alice", "activate", request["id"]), "there is no such scope", USAGE)

    # What

    def test_a_vote_is_for_what_was_seen(self):
        request = self.office.ask(ticket=self.ticket())
        changed = self.office.did("alice", "edit", request["id"], "--for", "4h")
        self.assertNotEqual(changed["content"], request["content"])
        self.refused(self.office.access("bob", "approve", request["id"], "--content", request["content"]), "not what the vote is for")
        self.refused(self.office.access("bob", "approve", request["id"], "--content", ""), "not what the vote is for")
        self.refused(self.office.access("bob", "approve", request["id"], "--content", changed["content"][:4]), "not what the vote is for")

    def test_an_edit_voids_every_vote(self):
        request = self.office.ask(ticket=self.ticket())
        self.office.approve(request)
        self.assertEqual(self.office.did("alice", "edit", request["id"], "--reason", "all names")["state"], "pending")
        self.refused(self.office.access("alice", "activate", request["id"]), "the request is pending")

    def test_durations(self):
        for duration in ("0s", "-1h", "1", "1e9h", "", "1h30", "59s", "5h", "999999d"):
            with self.subTest(duration):
                self.assertEqual(self.request(**{"for": duration}).status, USAGE)
        for seconds in (0, -3600, 1 << 31, 1 << 63, 1 << 64, 3600.5, "3600", None, True):
            with self.subTest(seconds):
                body = json.dumps({"scope": "dt_write:MaskShop", "seconds": seconds, "ticket": "OPS-1", "why": "x"})
                self.assertEqual(self.office.call("alice", "POST", "/v1/access/requests", body)[0], 400)

    def test_tickets(self):
        self.refused(self.request(ticket=self.ticket(is_open=False)), "the ticket is not open")
        self.refused(self.request(ticket=self.ticket("bob")), "the ticket is not alice's")
        self.refused(self.request(ticket=self.ticket("")), "the ticket is not alice's")
        self.refused(self.request(ticket="OPS-999999"), "there is no such ticket")
        for ticket in ("../secret", "OPS 1", "OPS-1\x1b[2J", "?", "a" * 65):
            with self.subTest(ticket):
                self.refused(self.request(ticket=ticket), "this is no ticket", USAGE)

    def test_a_ticket_that_is_closed_meanwhile(self):
        for step in ("approve", "activate"):
            ticket = self.ticket()
            request = self.office.ask(ticket=ticket)
            if step == "activate":
                self.office.approve(request)
            tickets = json.loads((self.office.root / "tickets.json").read_text())
            self.office.tickets({**tickets, ticket: {"open": False, "owner": "alice"}})
            done = self.office.access("bob", "approve", request["id"], "--content", request["content"]) if step == "approve" else self.office.access("alice", "activate", request["id"])
            self.refused(done, "the ticket is not open")

    def test_a_ticket_that_was_used(self):
        ticket = self.ticket()
        first, second = self.office.ask(ticket=ticket), self.office.ask(ticket=ticket)
        for request in (first, second):
            self.office.approve(request)
        self.office.did("alice", "activate", first["id"])
        self.office.did("alice", "release", first["id"])
        self.refused(self.office.access("alice", "activate", second["id"]), "a request with this ticket was closed already")
        self.refused(self.request(ticket=ticket), "a request with this ticket was closed already")

    def test_tickets_that_cannot_be_asked_for(self):
        tickets = (self.office.root / "tickets.json").read_text()
        self.addCleanup(self.office.write, "tickets.json", tickets)
        for text in ("", "[]", "{", '{"OPS-1": {"open": "yes", "owner": "alice"}}', '{"OPS-1": {"open": true}}'):
            with self.subTest(text):
                self.office.write("tickets.json", text)
                self.refused(self.office.access("alice", "request", "--scope", "dt_write:MaskShop", "--for", "1h", "--ticket", "OPS-1", "--reason", "x"),
                             "the ticket system cannot be asked", FAILED)

    def test_words_that_would_move_a_terminal(self):
        self.refused(self.request(reason="wrong\x1b[2Jnames"), "a reason is one line of text", USAGE)
        self.refused(self.request(reason=" "), "a reason is one line of text", USAGE)
        self.refused(self.request(scope="dt_write:'; DROP TABLE x; --"), "there is no such scope", USAGE)
        self.refused(self.office.access("bob", "show", "0" * 16), "there is no such request")
        for request_id in ("'; SELECT 1", "x" * 5000, "0123456789abcdef/approve"):
            self.refused(self.office.access("bob", "show", request_id), "16 hexadecimal digits", USAGE)
            self.assertIn(self.office.call("bob", "GET", f"/v1/access/requests/{urllib.parse.quote(request_id)}")[0], (400, 404))

    # What the service's own login may do

    def test_the_services_login_makes_nothing_up(self):
        self.assertIn("permission denied", self.office.as_service("SELECT * FROM yellow_access.request"))
        self.assertIn("permission denied", self.office.as_service("UPDATE yellow_access.request SET state = 'active'"))
        self.assertIn("permission denied", self.office.as_service("CREATE ROLE x"))
        self.assertIn("permission denied", self.office.as_service("SELECT * FROM dp_main.shop__customers"))
        self.assertIn("the request is not active", self.office.as_service("SELECT yellow_sec.tmp_open('0123456789abcdef', 'SCRAM-SHA-256$x')"))
        self.assertIn("not a request", self.office.as_service("SELECT yellow_sec.tmp_disable('x; DROP ROLE yellow_owner')"))
        for function in ("move(null::yellow_access.request, 'active')", "find('x')"):
            self.assertIn("permission denied", self.office.as_service(f"SELECT yellow_access.{function}"))
        request = self.office.ask(ticket=self.ticket())
        for statement, why in ((f"activate('{request['id']}', 'alice', '{request['content']}', '{{bob}}')", "the request is pending"),
                               (f"finish('{request['id']}', 'yellow', 'expired', '')", "the request is pending"),
                               (f"vote('{request['id']}', 'bob', 'other', true, '')", "not what the vote is for")):
            self.assertIn(why, self.office.as_service(f"SELECT yellow_access.{statement}"))

    def test_other_logins_see_nothing_of_it(self):
        for login in ("yellow_engine", "yellow_ingest_out", "yellow_migrator"):
            for statement in ("SELECT * FROM yellow_access.request", "SELECT yellow_access.requests()", "SELECT yellow_access.vote('x', 'y', 'z', true, '')",
                              "SELECT yellow_sec.tmp_open('0123456789abcdef', 'SCRAM-SHA-256$x')"):
                with self.subTest(f"{login}: {statement}"), self.assertRaisesRegex(AssertionError, "permission denied"):
                    self.office.sql("MergeDB", f"SET SESSION AUTHORIZATION {login}; {statement};")

    # The end

    def test_time_that_is_over(self):
        request = self.office.active(ticket=self.ticket())
        self.office.over(request)
        self.office.wait_for(request, "in_review")
        self.assertIn(("yellow", "access.expire"), self.office.audit(request))

    def test_revoked(self):
        request = self.office.active(ticket=self.ticket())
        self.assertEqual(self.office.did("carol", "revoke", request["id"], "--reason", "wrong ticket")["reason"]["text"], "wrong ticket")
        self.office.wait_for(request, "in_review")

    def test_lapsed(self):
        requests = [self.office.ask(ticket=self.ticket()) for _ in range(2)]
        self.office.approve(requests[0])
        for request in requests:
            self.office.sql("MergeDB", f"UPDATE yellow_access.request SET lapses_at = clock_timestamp() WHERE id = '{request['id']}'")
            self.office.wait_for(request, "lapsed")
            self.refused(self.office.access("bob", "approve", request["id"], "--content", request["content"]), "the request is lapsed")

    def test_review(self):
        request = self.office.active(who="alice", ticket=self.ticket())
        self.refused(self.office.access("bob", "accept", request["id"], "fine"), "the request is active")
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        self.refused(self.office.access("alice", "accept", request["id"], "fine"), "nobody reviews a session of their own")
        self.assertIn("nobody reviews a session of their own", self.office.as_service(f"SELECT yellow_access.judge('{request['id']}', 'alice', true, 'fine')"))
        self.refused(self.office.access("bob", "accept", request["id"], " "), "a review says", USAGE)
        self.assertEqual(self.office.did("bob", "escalate", request["id"], "ten names too many")["state"], "escalated")
        self.refused(self.office.access("carol", "accept", request["id"], "fine"), "the request is escalated")

    def test_an_overdue_review_keeps_its_person_out(self):
        request, other = self.office.active(ticket=self.ticket()), self.office.ask(ticket=self.ticket())
        self.office.approve(other)
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        self.office.sql("MergeDB", f"UPDATE yellow_access.request SET review_due_at = clock_timestamp() WHERE id = '{request['id']}'")
        self.refused(self.request(), "is overdue")
        self.refused(self.office.access("alice", "activate", other["id"]), "is overdue")
        self.office.did("bob", "accept", request["id"], "all well")
        self.assertEqual(self.office.did("alice", "activate", other["id"])["state"], "active")

    def test_a_clock_that_is_wrong_by_an_hour(self):
        """That of the database decides when an access ends, not that of the service."""
        office = self.office
        self.addCleanup(lambda: (office.stop_service(), office.start_service()))
        for by in ("+1h", "-1h"):
            office.stop_service()
            office.start_service(wrong_clock(by))
            request = office.active(ticket=self.ticket(), duration="30m")
            self.assertAlmostEqual(request["seconds_left"], 1800, delta=30)
            self.assertEqual(office.session(request, "SELECT 'in ' || 'time';\n").out.count("in time"), 1, by)
            self.assertEqual(office.state(request), "active", by)
            office.over(request)
            office.wait_for(request, "in_review")
            self.assertEqual(office.access("alice", "sql", request["id"]).status, FORBIDDEN)
            asked, = office.sql("MergeDB", f"SELECT max(at) - min(at) < interval '5 minutes' FROM yellow_access.audit WHERE request = '{request['id']}'")
            self.assertEqual(asked, ("t",))
        self.assertEqual(office.yellow("audit", "verify").status, 0)

    # Crashes

    def test_killed_at_every_step_of_the_end(self):
        """The next service brings it to its end; each step is recorded once."""
        office = self.office

        def to_its_end(fault):
            request = office.active(ticket=self.ticket())
            self.assertIsInstance(office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')"), list)
            office.stop_service()
            office.over(request)
            office.start_service({"YELLOW_FAULT": fault}, wait=False)
            return request

        points = office.base / "points"
        office.wait_for(to_its_end(f"count:{points}"), "in_review")
        office.stop_service()
        office.start_service()
        steps = list(dict.fromkeys(line for line in points.read_text().splitlines() if line.startswith("reaper.")))
        self.assertGreater(len(steps), 8, steps)
        for step in steps:
            with self.subTest(step):
                request = to_its_end(f"kill@{step}:1")
                self.assertEqual(office.service.wait(30), -signal.SIGKILL)
                office.start_service()
                office.wait_for(request, "in_review")
                self.assertEqual(office.sql("MergeDB", f"SELECT 1 FROM pg_roles WHERE rolname = 'yellow_tmp_{request['id']}'"), [])
                actions = [action for _, action in office.audit(request)]
                self.assertEqual(sorted(actions), sorted(set(actions)))
                self.assertLessEqual({"access.expire", "access.disable", "access.drop"}, set(actions))


if __name__ == "__main__":
    unittest.main(verbosity=2)
