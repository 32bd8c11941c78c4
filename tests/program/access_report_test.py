"""`yellow access report`: what was asked for on some days, and what has become of it."""

import datetime
import json
import os
import unittest

from people import PEOPLE, Office

FORBIDDEN, USAGE = 1, 2
TABLE = "dp_main.dt_shopmasked__customers"


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessReportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        # An auditor, who has dave's account.
        cls.office.declare(people={**PEOPLE, "dave": (PEOPLE["dave"][0], ["auditor"])})
        done = cls.office.yellow("apply")
        assert done.status == 0, done
        cls.tickets = iter(range(1, 100))

    def ticket(self):
        return f"OPS-{next(self.tickets)}"

    def days(self, before=1, after=1):
        """From the day before today to the day after it: midnight may pass meanwhile."""
        today = datetime.datetime.now(datetime.timezone.utc).date()
        return ["--from", str(today - datetime.timedelta(days=before)), "--to", str(today + datetime.timedelta(days=after))]

    def line(self, request, who="bob"):
        return next(one for one in self.office.did(who, "report", *self.days()) if one["id"] == request["id"])

    def ended(self, request):
        self.office.did(request["person"], "release", request["id"])
        self.office.wait_for(request, "in_review")

    def test_what_was_done(self):
        request = self.office.active(ticket=self.ticket())
        self.office.session(request, f"SELECT count(*) FROM {TABLE};\nSELECT 1/0;\n")
        self.ended(request)
        self.office.did("carol", "accept", request["id"], "one count")
        line = self.line(request, "dave")
        self.assertEqual((line["person"], line["scope"], line["ticket"], line["approvers"], line["sessions"], line["statements"], line["reviewer"]),
                         ("alice", "dt_write:MaskShop", request["ticket"], ["bob"], 1, 2, "carol"))
        self.assertEqual((line["state"], line["kind"], line["seconds_late"], line["exceptions"]), ("accepted", "regular", 0, []))
        self.assertIn({"flag": "refused", "times": 1}, line["flags"])
        self.assertGreaterEqual(line["minutes"], 1)
        text = next(row for row in self.office.access("dave", "report", *self.days()).out.splitlines() if request["id"] in row)
        for word in ("alice", "dt_write:MaskShop", request["ticket"], "bob", "carol", "refused: 1"):
            self.assertIn(word, text)

    def test_exceptions(self):
        office = self.office
        denied, lapsed = office.ask(ticket=self.ticket()), office.ask(ticket=self.ticket())
        office.did("bob", "deny", denied["id"], "--content", denied["content"])
        office.sql("MergeDB", f"UPDATE yellow_access.request SET lapses_at = clock_timestamp() WHERE id = '{lapsed['id']}'")
        office.wait_for(lapsed, "lapsed")
        revoked, escalated = office.active(ticket=self.ticket()), office.active(ticket=self.ticket())
        office.did("carol", "revoke", revoked["id"])
        office.wait_for(revoked, "in_review")
        office.did("bob", "accept", revoked["id"], "nothing was done")
        self.ended(escalated)
        office.did("bob", "escalate", escalated["id"], "why was that?")
        for request, exception in ((denied, "denied"), (lapsed, "lapsed"), (revoked, "revoked"), (escalated, "escalated")):
            self.assertEqual(self.line(request)["exceptions"], [exception])
        emergency = office.did("alice", "break-glass", "--scope", "dt_write:MaskShop", "--for", "10m", "--ticket", self.ticket(), "--reason", "x")
        self.assertEqual((self.line(emergency)["exceptions"], self.line(emergency)["kind"]), (["break_glass"], "break_glass"))

    def test_how_late_a_review_was(self):
        request = self.office.active(ticket=self.ticket())
        self.ended(request)
        self.office.sql("MergeDB", f"UPDATE yellow_access.request SET review_due_at = clock_timestamp() - interval '2 hours' WHERE id = '{request['id']}'")
        waiting = self.line(request)
        self.assertEqual((waiting["reviewer"], waiting["exceptions"]), (None, ["overdue"]))
        self.office.did("bob", "accept", request["id"], "sorry")
        self.office.sql("MergeDB", f"UPDATE yellow_access.review SET at = at - interval '1 hour' WHERE request = '{request['id']}'")
        late = self.line(request)
        self.assertEqual((late["reviewer"], late["exceptions"]), ("bob", ["overdue"]))
        self.assertAlmostEqual(late["seconds_late"], 3600, delta=60)
        self.assertAlmostEqual(waiting["seconds_late"], 7200, delta=60)

    def test_a_session_that_was_cut(self):
        request = self.office.active(ticket=self.ticket())
        session = self.office.begin_session(request)
        self.addCleanup(session.wait, 30)
        self.addCleanup(session.stdin.close)
        session.stdin.write(b"SELECT 1;\n")
        session.stdin.flush()
        while not session.stdout.readline():
            self.assertIsNone(session.poll())
        self.office.did("carol", "revoke", request["id"])
        self.office.wait_for(request, "in_review")
        session.stdout.read()
        self.office.did("bob", "accept", request["id"], "it was cut")
        self.assertEqual(self.line(request)["exceptions"], ["revoked", "session_cut"])

    def test_other_days(self):
        request = self.office.ask(ticket=self.ticket())
        self.assertEqual(self.office.did("bob", "report", "--from", "2020-01-01", "--to", "2020-12-31"), [])
        self.office.sql("MergeDB", f"UPDATE yellow_access.request SET requested_at = '2020-06-30T23:59:59Z' WHERE id = '{request['id']}'")
        for first, last, there in (("2020-06-30", "2020-06-30", True), ("2020-07-01", "2020-12-31", False), ("2020-01-01", "2020-06-29", False)):
            self.assertEqual([one["id"] for one in self.office.did("bob", "report", "--from", first, "--to", last)], [request["id"]] if there else [])
        self.assertIn("Nobody asked for access", self.office.access("bob", "report", "--from", "2020-07-01", "--to", "2020-12-31").out)

    def test_who_and_how(self):
        refused = self.office.access("alice", "report", *self.days())
        self.assertEqual(refused.status, FORBIDDEN, refused)
        self.assertIn("alice may not have the report", refused.err)
        for day in ("yesterday", "2026-02-30", "2026-1-1", "2026-01-01&to=2026-01-02"):
            self.assertEqual(self.office.access("bob", "report", "--from", day, "--to", "2026-12-31").status, USAGE)
        turned = self.office.access("bob", "report", "--from", "2026-02-01", "--to", "2026-01-31")
        self.assertEqual(turned.status, USAGE, turned)
        self.assertIn("the first day is later than the last: 2026-02-01, 2026-01-31", turned.err)
        for query in ("", "?from=2026-01-01", "?from=2026-02-01&to=2026-01-31", "?from=2026-01-01&to=x", "?from=2026-01-01&to=2026-01-31&who=bob", "?from=2026-01-01&from=2026-01-02", "?from=2026-01-01%27&to=2026-01-31"):
            self.assertEqual(self.office.call("bob", "GET", f"/v1/access/report{query}")[0], 400, query)
        status, text = self.office.call("bob", "GET", "/v1/access/report?from=2026-01-01&to=2099-12-31")
        self.assertEqual((status, isinstance(json.loads(text), list)), (200, True))
        self.assertEqual(self.office.call("alice", "GET", "/v1/access/report?from=2026-01-01&to=2026-01-31")[0], 403)


if __name__ == "__main__":
    unittest.main(verbosity=2)
