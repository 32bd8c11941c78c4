"""kill -9 of the program at every fault point of a batch and a run, on a real PostgreSQL: the next command goes on as if
nothing had happened. Each passing of a fault point is one round; the sweep ends when a run passes none that kills."""

import sys
import unittest

from project import Project

KILLED = -9

# What was under way when the kill fell.
STATES = """
SELECT 'batch ' || state FROM yellow.batch WHERE state IN ('open', 'staged', 'held')
UNION ALL SELECT 'run ' || state FROM yellow.run WHERE state IN ('preparing', 'launched', 'finished', 'ingesting')
"""
ALL_STATES = {"batch open", "batch staged", "run preparing", "run launched", "run finished", "run ingesting"}


class KillSweep(unittest.TestCase):
    def test_every_fault_point(self):
        project = Project()
        try:
            project.demo()
            rounds = 0
            states = set()
            for n in range(1, 500):
                project.sql("ShopDB", f"UPDATE customers SET firstname = 'K{n}' WHERE id = 'C00010';"
                                      f"DELETE FROM addresses WHERE id = 'A{n:05d}';")
                killed = project.yellow("run", "Shop", environment={"YELLOW_FAULT": f"*:{n}"})
                if killed.status != KILLED:
                    self.assertEqual(killed.status, 0, killed)
                    break
                rounds += 1
                states |= {row[0] for row in project.sql("MergeDB", STATES)}
                recovered = project.yellow("run", "Shop")
                self.assertEqual(recovered.status, 0, f"after the kill at passing {n}: {recovered}")
                self.assertEqual(project.broken_invariants(), {}, f"after the kill at passing {n}")
                self.assertEqual(project.masked(), project.expected_masked(), f"after the kill at passing {n}")
            else:
                self.fail("the sweep did not end")
            self.assertGreater(rounds, 40, "fault points are missing")
            self.assertEqual(states, ALL_STATES, "a state in which no kill fell")
            print(f"killed at {rounds} passings of fault points, in the states {sorted(states)}", file=sys.stderr)
        finally:
            project.close()


if __name__ == "__main__":
    unittest.main()
