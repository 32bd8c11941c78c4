"""kill -9 of the program before and after effects that have a name, every fifth of them from a random one on, on a real PostgreSQL: the next command
goes on as if nothing had happened. `tests/torture/run --sweep` does it at every passing of every effect."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "torture"))

from sweep import Sweep  # noqa: E402

ALL_STATES = {"batch open", "batch staged", "run preparing", "run launched", "run finished", "run ingesting"}


class Kills(unittest.TestCase):
    def sweep(self, scenario, fewest, **how):
        done = Sweep(scenario, "kill", **how).run()
        self.assertGreater(done.rounds, fewest, "fault points are missing")
        print(f"{scenario}: killed at {done.rounds} points, in the states {sorted(done.states)}", file=sys.stderr)
        return done

    def test_batches_and_runs(self):
        change, first_load = self.sweep("change", 25, named=True, stride=5), self.sweep("first_load", 10, stride=20)
        self.assertEqual(change.states | first_load.states, ALL_STATES, "a state in which no kill fell")

    def test_runs_that_jobs_hand_on(self):
        self.sweep("steps", 2, stride=20)

    def test_apply(self):
        self.sweep("apply", 8, stride=20)


if __name__ == "__main__":
    unittest.main()
