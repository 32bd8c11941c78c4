"""kill -9 of the program before and after every named effect, on a real PostgreSQL: the next command goes on as if nothing had happened.
`tests/torture/run --sweep` does it at every passing of each."""

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

    def test_change(self):
        self.assertEqual(self.sweep("change", 120, named=True).states, ALL_STATES, "a state in which no kill fell")

    def test_first_load(self):
        self.sweep("first_load", 25, stride=7)

    def test_apply(self):
        self.sweep("apply", 15, stride=10)


if __name__ == "__main__":
    unittest.main()
