"""kill -9, failures and lost answers at each point through which an operation passes: what is done is done once, and goes on by itself."""

import os
import signal
import sys
import unittest

from repair_run_test import Repairs


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class RepairKillTest(Repairs):
    def points(self):
        counted = self.office.base / "points"
        request = self.ready("Counted.")
        self.office.stop_service()
        self.office.start_service(environment={"YELLOW_FAULT": f"count:{counted}"})
        self.activate(request)
        self.assertEqual(self.outcome(request)["state"], "done")
        self.quiet()
        # Those of the run downstream are kill_test.py's.
        names = [line for line in dict.fromkeys(counted.read_text().splitlines()) if line.startswith(("operation.", "output.repair.", "output.connect", "transform.connect"))]
        self.assertTrue({"operation.begin.commit.after", "output.repair.call yellow_access.operation_end.before", "output.repair.commit.before", "output.repair.commit.after"} <= set(names), names)
        return names

    def through(self, mode, point, name):
        request = self.ready(name)
        batch = int(self.last_batch())
        self.office.stop_service()
        self.office.start_service(environment={"YELLOW_FAULT": f"{mode}@{point}:1"})
        self.activate(request)
        if mode == "kill":
            self.assertEqual(self.office.service.wait(60), -signal.SIGKILL, point)
            self.office.start_service()
        self.is_done_once(request, batch, name)
        self.quiet()
        self.assertEqual(self.office.broken_invariants(), {}, (mode, point))

    def test_every_point(self):
        points = self.points()
        print(f"{len(points)} points", file=sys.stderr)
        for number, point in enumerate(points):
            self.through("kill", point, f"kill {number}.")
        # A commit whose answer is lost has happened; each other statement that has no answer has not.
        effects = [point.removesuffix(".before") for point in points if point.endswith(".before")]
        for number, effect in enumerate(effects):
            if number % 4 == 0 or "commit" in effect or "yellow_access" in effect:
                for mode in ("fail", "lose"):
                    self.through(mode, effect, f"{mode} {number}.")


if __name__ == "__main__":
    unittest.main()
