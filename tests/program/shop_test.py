"""The standing example through the built program, on the private PostgreSQL that it starts."""

import json
import random
import re
import unittest

from project import Project


class Shop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.demonstration = cls.project.demo()

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def assert_follows(self):
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_demo_proves_itself(self):
        self.assertIn("no source value is left in the masked store", self.demonstration.out)
        self.assert_follows()

    def test_commands_that_the_demo_names_work(self):
        named = re.findall(r"^  \.\./yellow (.*?)(?:  +#.*)?$", self.demonstration.out, re.M)
        self.assertGreaterEqual(len(named), 6, self.demonstration.out)
        for command in named:
            if command == "down":
                continue
            with self.subTest(command=command):
                result = self.project.yellow(*command.split())
                self.assertEqual(result.status, 0, result)

    def test_second_apply_does_nothing(self):
        result = self.project.yellow("apply")
        self.assertEqual(result.status, 0, result)
        self.assertIn("Nothing to do", result.out)

    def test_run_without_anything_due(self):
        self.project.yellow("run", "Shop")
        result = self.project.yellow("run", "MaskShop")
        self.assertEqual(result.status, 0, result)

    def test_random_changes_follow(self):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        for step in range(5):
            changes = []
            for _ in range(chance.randrange(1, 30)):
                customer = f"C{chance.randrange(1, 3100):05d}"
                changes.append(chance.choice([
                    f"UPDATE customers SET firstname = 'N{chance.randrange(1000)}' WHERE id = '{customer}';",
                    f"UPDATE customers SET dob = NULL WHERE id = '{customer}';",
                    f"DELETE FROM customers WHERE id = '{customer}';",
                    f"INSERT INTO customers VALUES ('{customer}', 'Ada', 'Byron', NULL, NULL, '1815-12-10') ON CONFLICT DO NOTHING;",
                    f"UPDATE addresses SET city = 'Évora' WHERE customer_id = '{customer}';",
                ]))
            self.project.sql("ShopDB", "".join(changes))
            result = self.project.yellow("run", "Shop")
            self.assertEqual(result.status, 0, f"seed {seed}, step {step}: {result}")
            with self.subTest(seed=seed, step=step):
                self.assert_follows()

    def test_status_and_explain(self):
        result = self.project.yellow("status", "--output", "json")
        self.assertEqual(result.status, 0, result)
        streams = {s["name"]: s for s in json.loads(result.out)["streams"]}
        self.assertEqual(set(streams), {"Shop", "ShopMasked"})
        self.assertTrue(all(s["state"] == "ok" for s in streams.values()), streams)
        explained = self.project.yellow("explain", "MaskShop")
        self.assertEqual(explained.status, 0, explained)
        self.assertIn("MaskShop last ran", explained.out)

    def test_readers_see_their_views_and_nothing_else(self):
        count = self.project.yellow("sql", "-w", "Analysts", "-c", "SELECT count(*) FROM now__shopmasked__customers")
        self.assertEqual(count.status, 0, count)
        for forbidden in ("SELECT * FROM dp_main.shop__customers", "SELECT * FROM ws_maskshop.original__shop__customers",
                          "SELECT * FROM yellow.stream", "RESET ROLE; SELECT * FROM yellow.stream", "CREATE TABLE t ()",
                          "DELETE FROM now__shopmasked__customers", "SET ROLE yellow_owner"):
            with self.subTest(statement=forbidden):
                refused = self.project.yellow("sql", "-w", "Analysts", "-c", forbidden)
                self.assertNotEqual(refused.status, 0, refused)
                self.assertIn("permission denied", refused.err + refused.out)

    def test_unknown_node_is_explained(self):
        result = self.project.yellow("explain", "MaskShpo")
        self.assertEqual(result.status, 2, result)
        self.assertIn("did you mean MaskShop?", result.err)

    def test_passwords_are_really_asked_for(self):
        info = self.project.connections()["MergeDB"]
        import subprocess
        for login in ("yellow_engine", "yellow_migrator", "yellow_ingest_out"):
            done = subprocess.run(["psql", "-X", "-w", "-h", info["host"], "-p", str(info["port"]), "-U", login, "-d", info["database"],
                                   "-c", "SELECT 1"], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("password", done.stderr)


if __name__ == "__main__":
    unittest.main()
