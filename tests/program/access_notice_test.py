"""Who is told of access: that somebody is let in in an emergency, that a review is overdue, and when it is reviewed."""

import os
import time
import unittest

from notify_test import Receiver
from people import Office


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AccessNoticeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.told, cls.not_told = Receiver(), Receiver()
        cls.addClassCleanup(cls.told.close)
        cls.addClassCleanup(cls.not_told.close)
        local = cls.office.root / "environments/local.yaml"
        local.write_text(local.read_text() + f"notify: {{ops: {{webhook: {{url: \"{cls.told.url}\"}}}}, batches: {{webhook: {{url: \"{cls.not_told.url}\"}}, events: [held, failed, stale]}}}}\n")
        done = cls.office.yellow("apply")
        assert done.status == 0, done
        cls.tickets = iter(range(1, 100))

    def ticket(self):
        return f"OPS-{next(self.tickets)}"

    def messages(self, request):
        return [body for _, body, _ in self.told.posts if request["id"] in body["node"]]

    def wait(self, request, count):
        until = time.monotonic() + 30
        while len(self.messages(request)) < count:
            self.assertLess(time.monotonic(), until, self.told.posts)
            time.sleep(0.05)
        return self.messages(request)

    def in_review(self, request):
        self.office.did("alice", "release", request["id"])
        self.office.wait_for(request, "in_review")

    def is_overdue(self, request):
        self.office.sql("MergeDB", f"UPDATE yellow_access.request SET review_due_at = clock_timestamp() WHERE id = '{request['id']}'")

    def test_a_break_glass_is_told_when_it_begins_until_it_is_reviewed(self):
        office = self.office
        request = office.did("alice", "break-glass", "--scope", "dt_write:MaskShop", "--for", "10m", "--ticket", self.ticket(), "--reason", "canary-2718")
        for who in ("bob", "carol"):
            office.approve(request, who)
        time.sleep(5)  # more than two looks of the service
        self.assertEqual(self.messages(request), [])
        office.did("alice", "activate", request["id"])
        begun, = self.wait(request, 1)
        self.assertEqual((begun["event"], begun["node"], begun["reason"]["code"]), ("access", f"Access/{request['id']}", "break_glass"))
        self.assertEqual(begun["text"], f"[local] access {request['id']}: alice has broken the glass: dt_write:MaskShop, ticket {request['ticket']}. yellow access show {request['id']}")
        self.in_review(request)
        self.is_overdue(request)
        overdue = self.wait(request, 2)[1]
        self.assertEqual((overdue["event"], overdue["node"]), ("access", f"Review/{request['id']}"))
        office.did("bob", "accept", request["id"], "all well")
        over = self.wait(request, 4)[2:]
        self.assertEqual({(one["event"], one["was"], one["cause"]) for one in over}, {("over", "access", begun["id"]), ("over", "access", overdue["id"])})
        self.assertNotIn("canary", str(self.messages(request)))
        self.assertEqual(self.not_told.posts, [])

    def test_only_a_review_that_is_overdue_is_told(self):
        request = self.office.active(ticket=self.ticket())
        self.in_review(request)
        time.sleep(5)
        self.assertEqual(self.messages(request), [])
        self.is_overdue(request)
        begun, = self.wait(request, 1)
        self.assertEqual((begun["event"], begun["reason"]["code"]), ("access", "review_overdue"))
        self.office.did("bob", "escalate", request["id"], "why was that?")
        over = self.wait(request, 2)[1]
        self.assertEqual((over["event"], over["cause"], over["reason"]["text"]), ("over", begun["id"], "it is reviewed"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
