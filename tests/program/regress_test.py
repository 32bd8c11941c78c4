"""Bugs that were found once, each as the test that was red."""

import os
import subprocess
import time
import unittest

from project import YELLOW, Project


class Regress(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()

    def rows(self, table):
        return int(self.project.sql("MergeDB", f"SELECT count(*) FROM dp_main.{table}")[0][0])

    def test_0001_a_truncate_that_commits_under_the_read_empties_nothing(self):
        info = self.project.connections()["ShopDB"]
        writer = subprocess.Popen(["psql", "-X", "-q", "-h", info["host"], "-p", str(info["port"]), "-U", "yellow_super", "-d", info["database"]],
                                  stdin=subprocess.PIPE, text=True)
        writer.stdin.write("BEGIN; CREATE TEMP TABLE k AS TABLE addresses; TRUNCATE addresses; INSERT INTO addresses SELECT * FROM k;\n")
        writer.stdin.flush()
        time.sleep(0.5)
        reader = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "Shop"], stdout=subprocess.PIPE, text=True, env=os.environ)
        time.sleep(1)
        writer.stdin.write("COMMIT;\n")
        writer.stdin.close()
        writer.wait(timeout=30)
        out, _ = reader.communicate(timeout=60)
        self.assertEqual(reader.returncode, 0, out)
        self.assertEqual(self.rows("shop__addresses"), 4000, out)

    def test_0002_a_release_does_not_outlive_the_batch_it_was_given_for(self):
        self.project.sql("ShopDB", "CREATE TABLE kept AS TABLE customers; DELETE FROM customers WHERE id > 'C00100'")
        self.assertEqual(self.project.yellow("run", "Shop").status, 1, "held by the guard")
        self.assertEqual(self.project.yellow("batches", "release", "Shop").status, 0)
        # A crash of the server empties the staging; meanwhile the source has got worse.
        self.project.sql("MergeDB", "TRUNCATE yellow.mark")
        self.project.sql("ShopDB", "ALTER TABLE customers ALTER lastname DROP NOT NULL; UPDATE customers SET lastname = NULL WHERE id = 'C00001'")
        self.assertIn("column lastname is not null", self.project.yellow("run").out)
        self.project.sql("ShopDB", "UPDATE customers SET lastname = 'Abernathy' WHERE id = 'C00001'")
        again = self.project.yellow("run", "Shop")
        self.assertIn("more than max_deleted allows", again.out, "it is read again, and asks again")

    def test_0003_char_keys_are_compared_as_char(self):
        self.project.sql("ShopDB", "CREATE TABLE codes (code text); INSERT INTO codes VALUES ('AB '), ('CD'); GRANT SELECT ON codes TO shop_reader")
        (self.project.root / "model/codes.yaml").write_text("""
kind: Datastore
name: Codes
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {codes: {key: [code], columns: {code: char(5)}}}
---
kind: Workspace
name: CodeReader
groups: {G: {sinks: [Codes.codes]}}
""")
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.assertIn("0 inserted, 0 updated, 0 deleted", self.project.yellow("run", "Codes").out)
        self.project.sql("ShopDB", "INSERT INTO codes VALUES ('AB')")
        self.assertIn("the key (code) is unique", self.project.yellow("run", "Codes").out)

    def test_0004_a_run_login_finds_no_way_into_another_database(self):
        rights = self.project.sql("MergeDB", "SELECT datname FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a WHERE a.grantee = 0")
        self.assertEqual(rights, [("template0",)], "PUBLIC may connect nowhere that takes connections")


if __name__ == "__main__":
    unittest.main()
