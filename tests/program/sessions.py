"""What tests of recorded sessions share: an office, requests under which sessions begin, and what their reviewer reads."""

import json
import time

from people import Office


class Sessions:
    """For a test case: `office` is one for all of its tests."""

    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.tickets = iter(range(1, 100))

    def active(self, **how):
        return self.office.active(ticket=f"OPS-{next(self.tickets)}", **how)

    def begin(self, request, typed, program="sql"):
        """A session whose input stays open."""
        process = self.office.begin_session(request, program=program)
        for undo in (process.stdin.close, process.stdout.close, process.wait, process.kill):
            self.addCleanup(undo)
        process.stdin.write(typed.encode())
        process.stdin.flush()
        return process

    def wait(self, what, seconds=30):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        return found

    def shown(self, request):
        return self.office.did("bob", "show", request["id"])

    def over(self, request):
        """Its first session, when its end is recorded."""
        return self.wait(lambda: next((one for one in self.shown(request)["sessions"] if one["ended_at"]), None))

    def read(self, session):
        """The recording, as its reviewer reads it: what was typed, what was shown."""
        done = self.office.replay("bob", session["recording"], "--cast")
        self.assertEqual(done.status, 0, done)
        lines = [json.loads(line) for line in done.out.splitlines()][1:]
        return ["".join(str(data) for _, code, data in lines if code == kind) for kind in "io"]
