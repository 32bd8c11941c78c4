"""`yellow access break-glass`: in an emergency two let somebody in for half an hour, everybody is told, and it is reviewed within an hour."""

import datetime
import json
import os
import unittest

from people import Office

FORBIDDEN, USAGE = 1, 2


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class BreakGlassTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 100))

    def ticket(self, owner="erin", is_open=True):
        """A fresh one, which is not that of who asks."""
        name = f"E-{next(self.tickets)}"
        file = self.office.root / "tickets.json"
        self.office.tickets({**json.loads(file.read_text()), name: {"open": is_open, "owner": owner}})
        return name

    def words(self, duration="30m", ticket=None):
        return ["break-glass", "--scope", "dt_write:MaskShop", "--for", duration, "--ticket", ticket or self.ticket(), "--reason", "no masks at all"]

    def ask(self, who="alice"):
        return self.office.did(who, *self.words())

    def active(self):
        request = self.ask()
        for who in ("bob", "carol"):
            self.office.approve(request, who)
        return self.office.did("alice", "activate", request["id"])

    def refused(self, done, text, status=FORBIDDEN):
        self.assertEqual(done.status, status, done)
        self.assertIn(text, done.err)

    def seconds_until_review(self, request):
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")
        shown = self.office.did("bob", "show", request["id"])
        ended, due = (datetime.datetime.fromisoformat(shown[name].replace("Z", "+00:00")) for name in ("ended_at", "review_due_at"))
        return (due - ended).total_seconds()

    def test_two_approve_although_the_scope_takes_one(self):
        request = self.ask()
        self.assertEqual((request["kind"], request["approvers"], request["state"]), ("break_glass", 2, "pending"))
        self.assertEqual(self.office.approve(request, "bob")["state"], "pending")
        self.refused(self.office.access("alice", "activate", request["id"]), "the request is pending")
        self.assertEqual(self.office.approve(request, "carol")["state"], "approved")
        self.assertEqual(self.office.did("alice", "activate", request["id"])["state"], "active")
        self.assertIn(("alice", "access.break_glass"), self.office.audit(request))
        (details,), = self.office.sql("MergeDB", f"SELECT details FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.break_glass'")
        self.assertEqual(json.loads(details), {"ticket": request["ticket"], "reason": "no masks at all", "seconds": 1800, "approvers": ["bob", "carol"], "identity": "os:daemon"})

    def test_half_an_hour_at_most(self):
        self.refused(self.office.access("alice", *self.words("31m")), "in an emergency for 30 minutes at most", USAGE)
        request = self.ask()
        self.refused(self.office.access("alice", "edit", request["id"], "--for", "31m"), "in an emergency for 30 minutes at most", USAGE)
        self.assertEqual(self.office.did("alice", "edit", request["id"], "--for", "20m")["kind"], "break_glass")

    def test_who_asks_approves_nothing(self):
        request = self.ask("bob")
        self.refused(self.office.access("bob", "approve", request["id"], "--content", request["content"]), "nobody votes on a request of their own")
        self.assertEqual(self.office.approve(request, "carol")["state"], "pending")
        self.refused(self.office.access("bob", "approve", request["id"], "--content", request["content"]), "nobody votes on a request of their own")
        self.assertEqual(self.office.approve(request, "erin")["state"], "approved")
        self.refused(self.office.access("dave", *self.words()), "dave may not ask for access")

    def test_its_ticket_is_open_and_anybodys(self):
        self.assertEqual(self.ask("carol")["state"], "pending")
        self.refused(self.office.access("alice", *self.words(ticket=self.ticket(is_open=False))), "the ticket is not open")
        self.refused(self.office.access("alice", *self.words(ticket="E-999")), "there is no such ticket")

    def test_the_review_is_due_in_an_hour(self):
        in_an_hour = self.seconds_until_review(self.active())
        self.assertGreater(in_an_hour, 3590)
        self.assertLess(in_an_hour, 3630)
        self.assertGreater(self.seconds_until_review(self.office.active(ticket="OPS-1")), 4 * 3600 - 10)

    def test_it_is_shown_as_such(self):
        regular, emergency = self.office.active(ticket="OPS-2"), self.active()
        for request in (regular, emergency):
            self.assertEqual("break-glass" in self.office.access("bob", "show", request["id"]).out, request is emergency)
            line = next(line for line in self.office.access("bob", "list").out.splitlines() if line.startswith(request["id"]))
            self.assertEqual("break-glass" in line, request is emergency)
            self.office.did("alice", "release", request["id"])
            self.office.wait_for(request, "in_review")
        # However late the other is.
        self.office.sql("MergeDB", f"UPDATE yellow_access.request SET review_due_at = clock_timestamp() + interval '1s' WHERE id = '{regular['id']}'")
        waiting = [one["id"] for one in self.office.did("bob", "review")]
        self.assertLess(waiting.index(emergency["id"]), waiting.index(regular["id"]))
        for request in (regular, emergency):
            self.office.did("bob", "accept", request["id"], "all well")

    def test_a_kind_is_asked_for_and_never_changed(self):
        body = {"scope": "dt_write:MaskShop", "seconds": 600, "ticket": self.ticket(), "why": "x"}
        self.assertEqual(self.office.call("alice", "POST", "/v1/access/requests", json.dumps({**body, "kind": "emergency"}))[0], 400)
        status, text = self.office.call("alice", "POST", "/v1/access/requests", json.dumps({**body, "kind": "break_glass"}))
        self.assertEqual((status, json.loads(text)["kind"]), (200, "break_glass"))
        status, text = self.office.call("alice", "POST", f"/v1/access/requests/{json.loads(text)['id']}/edit", '{"kind": "regular"}')
        self.assertEqual(status, 400, text)

    def test_the_services_login_makes_none_longer_or_of_one(self):
        def ask(seconds, approvers):
            return self.office.as_service(f"SELECT yellow_access.ask('{next(self.tickets):016x}', 'alice', 'dt_write:MaskShop', {seconds}, 'X-1', 'x', '{{g}}', 'h', {approvers}, 60, 'break_glass', '{{}}', '')")
        self.assertIn("break_glass_is_short", ask(1801, 2))
        self.assertIn("break_glass_takes_two", ask(1800, 1))
        self.assertIsInstance(ask(1800, 2), list)


if __name__ == "__main__":
    unittest.main(verbosity=2)
