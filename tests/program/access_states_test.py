"""Ten requests in every state while the service and the database are killed: each goes on from where it was, and what was due is done once."""

import concurrent.futures
import json
import os
import pathlib
import signal
import time
import unittest

from people import Office, verifier

EACH = 10
# What is in force has a login of the database, and what is over may have one still.
WITH_LOGIN = ("active", "expired", "released", "revoked", "disabled")
ENDED = ("expired", "released", "revoked", "disabled")
REVIEWED = ("in_review", "accepted", "escalated")
# By whoever is at work when the service is not.
BY_DATABASE = {"overdue": "SELECT 1", "expired": "SELECT yellow_access.finish('{id}', 'yellow', 'expired', 'its time is over')",
               "released": "SELECT yellow_access.finish('{id}', 'alice', 'released', 'given back by alice')",
               "revoked": "SELECT yellow_access.finish('{id}', 'bob', 'revoked', 'wrong names')",
               "disabled": "SELECT yellow_access.finish('{id}', 'alice', 'released', 'given back by alice'); SELECT yellow_sec.tmp_disable('{id}'); "
                           "SELECT yellow_access.disabled('{id}', 0)"}
# Where each is after everything was started again.
AFTERWARDS = {"pending": "pending", "approved": "approved", "withdrawn": "withdrawn", "denied": "denied", "lapsed": "lapsed", "active": "active", "overdue": "in_review",
              "expired": "in_review", "released": "in_review", "revoked": "in_review", "disabled": "in_review", "in_review": "in_review", "accepted": "accepted", "escalated": "escalated"}
END_OF_LOGIN = {"access.disable", "access.drop"}
ACTIONS = {
    "pending": set(), "approved": {"access.approve"}, "withdrawn": {"access.withdraw"}, "denied": {"access.deny"}, "lapsed": {"access.lapse"},
    "active": {"access.approve", "access.activate"}, "overdue": {"access.approve", "access.activate", "access.expire", *END_OF_LOGIN},
    "expired": {"access.approve", "access.activate", "access.expire", *END_OF_LOGIN}, "revoked": {"access.approve", "access.activate", "access.revoke", *END_OF_LOGIN},
    **{state: {"access.approve", "access.activate", "access.release", *END_OF_LOGIN} for state in ("released", "disabled", "in_review")},
    "accepted": {"access.approve", "access.activate", "access.release", *END_OF_LOGIN, "access.accept"},
    "escalated": {"access.approve", "access.activate", "access.release", *END_OF_LOGIN, "access.escalate"},
}


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class EveryState(unittest.TestCase):
    def each(self, do, states):
        """For each request of these states, several at once."""
        with concurrent.futures.ThreadPoolExecutor(4) as several:
            list(several.map(lambda one: do(*one), [(state, request) for state in states for request in self.requests[state]]))

    def bring(self, state, request):
        office, which = self.office, request["id"]
        if state == "withdrawn":
            office.did("alice", "withdraw", which)
        elif state == "denied":
            office.did("bob", "deny", which, "--content", request["content"])
        elif state not in ("pending", "lapsed"):
            office.approve(request)
            if state != "approved":
                office.did("alice", "activate", which)
            if state in REVIEWED:
                office.did("alice", "release", which)

    def rows(self, select):
        return self.office.sql("MergeDB", f"SELECT {select}")

    def ids(self, *states):
        return ", ".join(f"'{request['id']}'" for state in states for request in self.requests[state])

    def states(self):
        found = dict(self.rows("id, state FROM yellow_access.request"))
        return {state: sorted({found[request["id"]] for request in self.requests[state]}) for state in AFTERWARDS}

    def test_all_goes_on_from_where_it_was(self):
        self.office = office = Office()
        self.addCleanup(office.close)
        office.tickets({f"OPS-{number}": {"open": True, "owner": "alice"} for number in range(1, 1 + EACH * len(AFTERWARDS))})
        numbers = iter(range(1, 1 + EACH * len(AFTERWARDS)))
        with concurrent.futures.ThreadPoolExecutor(4) as several:
            asked = list(several.map(lambda number: office.ask(ticket=f"OPS-{number}"), numbers))
        self.requests = {state: asked[place * EACH:(place + 1) * EACH] for place, state in enumerate(AFTERWARDS)}
        self.each(self.bring, AFTERWARDS)
        for request in (request for state in REVIEWED for request in self.requests[state]):
            office.wait_for(request, "in_review")
        self.each(lambda state, request: office.did("bob", "accept" if state == "accepted" else "escalate", request["id"], "looked at"), ("accepted", "escalated"))
        open_session = office.begin_session(self.requests["active"][0])
        self.addCleanup(open_session.stdin.close)
        self.addCleanup(open_session.stdout.close)
        self.addCleanup(open_session.wait)
        self.addCleanup(open_session.kill)
        open_session.stdin.write(b"SELECT pg_sleep(600);\n")
        open_session.stdin.flush()
        self.wait(lambda: any(fact["kind"] == "query" for fact in office.facts(self.requests["active"][0])))

        office.stop_service(signal.SIGKILL)
        for state in ("overdue", *WITH_LOGIN):
            for request in self.requests[state]:
                if request is not self.requests["active"][0]:
                    self.assertIsInstance(office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')"), list)
        office.sql("MergeDB", f"UPDATE yellow_access.request SET lapses_at = clock_timestamp() WHERE id IN ({self.ids('lapsed')})")
        office.sql("MergeDB", f"UPDATE yellow_access.request SET expires_at = clock_timestamp() WHERE id IN ({self.ids('overdue', 'expired')})")
        for state, statement in BY_DATABASE.items():
            for request in self.requests[state]:
                done = office.as_service(statement.format(id=request["id"]))
                self.assertIsInstance(done, list, done)
        before = self.states()
        for state, found in before.items():
            self.assertEqual(found, [{"lapsed": "pending", "overdue": "active"}.get(state, state)])
        self.kill_the_server()

        office.start_service()
        self.wait(lambda: all(self.states()[state] == [wanted] for state, wanted in AFTERWARDS.items()), 60)
        for state, wanted in self.states().items():
            self.assertEqual(wanted, [AFTERWARDS[state]])
        # Of logins those are left whose time is not over; each was recorded once.
        left = {login for login, in self.rows("rolname FROM pg_roles WHERE rolname ~ '^yellow_tmp_.'")}
        self.assertEqual(left, {f"yellow_tmp_{request['id']}" for request in self.requests["active"]})
        recorded = {}
        for request, action in self.rows("request, action FROM yellow_access.audit WHERE request <> '' AND action NOT IN ('access.statement', 'access.server_line')"):
            recorded.setdefault(request, []).append(action)
        for state, wanted in ACTIONS.items():
            for request in self.requests[state]:
                found = [action for action in recorded[request["id"]] if not action.startswith("access.session")]
                self.assertEqual(sorted(found), sorted({"access.request", *wanted}), state)
        self.everybody_goes_on()
        office.chained()
        verified = office.yellow("audit", "verify")
        self.assertEqual(verified.status, 0, verified)

    def everybody_goes_on(self):
        office = self.office
        self.each(lambda _, request: self.assertEqual(office.approve(request)["state"], "approved"), ("pending",))
        self.each(lambda _, request: office.did("alice", "activate", request["id"]), ("approved",))
        self.assertIn("in time", office.session(self.requests["active"][1], "SELECT 'in ' || 'time';\n").out)
        self.each(lambda _, request: office.did("alice", "release", request["id"]), ("active",))
        for request in self.requests["active"]:
            office.wait_for(request, "in_review", 30)
        self.each(lambda _, request: office.did("bob", "accept", request["id"], "looked at"), ("active", "overdue", "in_review", *ENDED))
        cut, = self.wait(lambda: [one for one in json.loads(office.access("bob", "show", self.requests["active"][0]["id"], "--output", "json").out)["sessions"] if one["ended_at"]])
        self.assertEqual(cut["end_reason"], "its service was killed")

    def kill_the_server(self):
        """As a machine that loses its power does to it."""
        postmaster = int((self.office.cluster() / "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGQUIT)
        self.wait(lambda: not pathlib.Path(f"/proc/{postmaster}").exists())

    def wait(self, what, seconds=30):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, (self.office.base / "serve.log").read_text()[-2000:])
            time.sleep(0.1)
        return found


if __name__ == "__main__":
    unittest.main(verbosity=2)
