"""`yellow job`: one thing for a scheduler, with a typed result, safe to start twice."""

import json
import pathlib
import subprocess
import unittest

from project import YELLOW, Project


class JobTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()

    def job(self, *arguments, status):
        done = self.project.yellow("job", *arguments, "--output", "json")
        self.assertEqual(done.status, status, done)
        return json.loads(done.out)

    def ask_for(self, node):
        """As `yellow run NODE` asks, without the work."""
        self.project.sql("MergeDB", f"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = '{node}'; UPDATE yellow.transformer SET requested_at = clock_timestamp() WHERE key = '{node}'")

    def test_each_thing_once(self):
        self.assertEqual(self.job("ingest", "Shop", status=10)["state"], "nothing_due")
        self.project.sql("ShopDB", "UPDATE customers SET firstname = 'Paula' WHERE id = (SELECT min(id) FROM customers)")
        self.ask_for("Ingest/Main/Shop")
        batch = self.job("ingest", "Shop", status=0)
        self.assertEqual((batch["key"], batch["state"], batch["run"]), ("Ingest/Main/Shop", "committed", ""))
        self.assertEqual(self.job("ingest", "Shop", status=10)["state"], "nothing_due")
        word = pathlib.Path(self.project.base, "word")
        word.write_text("something longer than what comes")
        run = self.job("transform", "MaskShop", "--result", str(word), status=0)
        self.assertEqual((run["state"], word.read_text()), ("committed", "committed"))
        self.assertEqual(self.job("transform", "MaskShop", status=10)["state"], "nothing_due")
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_two_at_once(self):
        """One does it; the other finds that somebody is at it, or that it is done."""
        for _ in range(3):
            self.project.sql("ShopDB", "UPDATE customers SET firstname = firstname || 'a' WHERE id = (SELECT min(id) FROM customers)")
            self.ask_for("Ingest/Main/Shop")
            before = int(self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'")[0][0])
            both = [subprocess.Popen([YELLOW, "--project", str(self.project.root), "job", "ingest", "Shop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
            ends = sorted(one.wait(60) for one in both)
            self.assertEqual(ends[0], 0)
            self.assertIn(ends[1], (10, 11))
            self.assertEqual(self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'"), [(str(before + 1),)])
            self.project.yellow("run")

    def test_what_is_held_is_a_finding(self):
        self.project.sql("ShopDB", "ALTER TABLE customers RENAME TO customers_away; CREATE TABLE customers (LIKE customers_away); GRANT SELECT ON customers TO shop_reader")
        try:
            self.ask_for("Ingest/Main/Shop")
            held = self.job("ingest", "Shop", status=1)
            self.assertEqual(held["state"], "held", held)
            self.assertIn("now none", held["reason"]["text"])
        finally:
            self.project.sql("ShopDB", "DROP TABLE customers; ALTER TABLE customers_away RENAME TO customers")
            self.project.yellow("run", "Shop")

    def test_what_it_cannot_do(self):
        for arguments, status, text in ((("ingest", "Shopp"), 2, "Shopp"), (("transform", "Shop"), 2, ""), (("ingest", "ShopMasked"), 2, "nothing is decided"),
                                        (("ingest", "Shop", "--result", "/nowhere/word"), 3, "/nowhere/word")):
            done = self.project.yellow("job", *arguments)
            self.assertEqual(done.status, status, done)
            self.assertIn(text, done.err)


if __name__ == "__main__":
    unittest.main()
