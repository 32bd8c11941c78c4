"""`yellow try`: today's data in, what would change out."""

import json
import random
import shutil
import unittest

from project import Project
from untouched import TouchesNothing


class Try(TouchesNothing):
    """`try`: today's data in, what would change out, and nothing is left."""

    @classmethod
    def setUpClass(cls):
        cls.project = Project(example=None)
        assert cls.project.yellow("init", str(cls.project.root)).status == 0
        for arguments in (["BySet"], ["ByRow", "--language", "python"]):
            assert cls.project.yellow("init", "transformer", *arguments, "--input", "Example.people").status == 0
        assert cls.project.yellow("run", "--apply").status == 0

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def edited(self, path, text):
        file = self.project.root / path
        self.addCleanup(file.write_text, file.read_text())
        file.write_text(text)

    def tried(self, workspace, *arguments, status=0):
        return json.loads(self.done("try", workspace, "--output", "json", *arguments, status=status).out)[0]

    def test_unchanged_code_changes_nothing(self):
        for workspace in ("BySet", "ByRow"):
            one = self.tried(workspace)
            self.assertEqual((one["key"], one["state"], one["batch"], one["rows"], one["unchanged"]), (f"{workspace}Output.people", "unchanged", 1, 5, 5))

    def test_what_would_change(self):
        self.edited("model/by_set/people.sql", "SELECT t.id, CASE t.id WHEN 1 THEN 'Ada' ELSE t.name END AS name, nullif(t.email, '') AS email, t.joined FROM Example.people AS t WHERE t.id <> 2 "
                    "UNION ALL SELECT 9, 'New', NULL, date '2024-01-01'")
        one = self.tried("BySet", "--rows", "4")
        self.assertEqual([one[name] for name in ("state", "rows", "inserted", "updated", "deleted", "unchanged")], ["changed", 5, 1, 2, 1, 2])
        self.assertEqual([(row["mark"], row["values"]["id"], row["values"]["name"], row["values"]["email"]) for row in one["first"]],
                         [("~", "1", "Ada", "ada@example.com"), ("-", "2", "Grace Hopper", None), ("~", "5", "Emmy Noether", None), ("+", "9", "New", None)])
        text = self.done("try", "BySet").out
        self.assertIn("people: 5 rows; against batch 1: 1 inserted, 2 updated, 1 deleted, 2 unchanged", text)
        self.assertRegex(text, r"\n- +2 +Grace Hopper +\(null\) +2024-02-03\n")

    def test_a_new_transformer_and_a_new_column_need_not_be_applied(self):
        self.done("init", "transformer", "Fresh", "--input", "Example.people")
        self.addCleanup(shutil.rmtree, self.project.root / "model/fresh")
        self.addCleanup((self.project.root / "model/fresh.yaml").unlink)
        one = self.tried("Fresh")
        self.assertEqual((one["batch"], one["inserted"], one["unchanged"]), (0, 5, 0))
        document = self.project.root / "model/by_set.yaml"
        self.edited("model/by_set.yaml", document.read_text().replace("people: {like: Example.people}",
                    "people: {key: [id], columns: {id: bigint, name: text not null, email: text, joined: date not null, year: integer}}"))
        self.edited("model/by_set/people.sql", "SELECT t.*, extract(year FROM t.joined) AS year FROM Example.people AS t WHERE t.id < 5")
        one = self.tried("BySet")
        self.assertEqual([one[name] for name in ("inserted", "updated", "deleted", "unchanged")], [0, 4, 1, 0])
        self.assertEqual(one["first"][0]["values"]["year"], "2024")

    def test_a_transformer_of_changes_is_tried_and_tested_in_full(self):
        document = (self.project.root / "model/by_set.yaml").read_text()
        self.edited("model/by_set.yaml", document.replace("  code: {sql", "  mode: incremental\n  code: {sql"))
        self.edited("model/by_set/people.sql", "SELECT c.yellow_op, c.id, upper(c.name) AS name, c.email, c.joined FROM Example.people__changes AS c")
        one = self.tried("BySet")
        self.assertEqual([one[name] for name in ("rows", "inserted", "updated", "deleted", "unchanged")], [5, 0, 5, 0, 0])
        self.edited("model/by_set/tests/first/out/people.csv", "id,name,email,joined\n1,NAME 1,email 1,2024-01-01\n2,NAME 2,,2024-01-02\n")
        self.assertIn("0 failed, 0 errors", self.done("test", "BySet").out)

    def test_what_would_be_held_and_what_fails(self):
        self.edited("model/by_set/people.sql", "SELECT t.* FROM Example.people AS t WHERE false")
        self.assertEqual((self.tried("BySet", status=1)["state"], self.done("try", "BySet", status=1).out.count("It would be held: people had 5 rows, now none")), ("held", 1))
        self.edited("model/by_set/people.sql", "SELECT t.id / 0 AS id, t.name, t.email, t.joined FROM Example.people AS t")
        said = self.done("try", "BySet", status=1).err
        self.assertIn("BySet failed: model/by_set/people.sql: division by zero", said)
        self.assertEqual(said.count("division by zero"), 1, said)
        self.edited("model/by_row/main.py", "print('on the way')\nraise SystemExit(7)\n")
        failed = self.done("try", "ByRow", status=1).err
        self.assertIn("on the way\nByRow failed: the code ended with exit status 7", failed)

    def test_inputs_that_are_not_there(self):
        self.edited("model/example.yaml", (self.project.root / "model/example.yaml").read_text().replace("      joined: date not null", "      joined: date not null\n      age: integer"))
        self.assertIn("column age of Example.people is not in the applied model", self.done("try", "BySet", status=3).err)
        self.edited("model/by_set.yaml", (self.project.root / "model/by_set.yaml").read_text().replace("Input: {sinks", "Input: {requires: {milestoning: forensic}, sinks"))
        self.assertIn("the history of Example.people is not in the applied model", self.done("try", "BySet", status=3).err)
        self.assertIn("did you mean BySet?", self.done("try", "BySett", status=2).err)
        self.assertIn("there are: ByRow, BySet", self.done("try", "Nobody", status=2).err)

    def test_it_may_do_what_a_run_may_and_no_more(self):
        code = """
import os, subprocess
SOURCE, TARGET = os.environ["YELLOW_INPUT__INPUT__EXAMPLE__PEOPLE"], os.environ["YELLOW_OUTPUT__PEOPLE"]
def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
for forbidden in ("SELECT * FROM ws_byrow.input__example__people", "DELETE FROM dp_main.dt_byrowoutput__people", "SELECT * FROM dp_main.example__people", f"TRUNCATE {TARGET}", f"DELETE FROM {SOURCE}"):
    assert "permission denied" in sql(forbidden).stderr, forbidden
assert sql("CREATE TABLE mine ()").returncode == 0
done = sql(f"BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{os.environ['YELLOW_SNAPSHOT']}'; INSERT INTO {TARGET} SELECT * FROM {SOURCE}; COMMIT")
assert done.returncode == 0, done.stderr
"""
        self.edited("model/by_row/main.py", code)
        self.assertEqual(self.tried("ByRow")["unchanged"], 5)

    def test_a_killed_try_leaves_nothing_that_the_next_command_does_not_clean(self):
        counted = self.project.base / "counted"
        self.done("try", "BySet", environment={"YELLOW_FAULT": f"count:{counted}"})
        passings = counted.read_text().splitlines()
        first = next(i for i, name in enumerate(passings, 1) if name.startswith("try.create schema"))
        begin = random.randrange(first - 1, first + 2)
        for number in range(begin, len(passings) + 1, 3):
            with self.subTest(killed_at=number, effect=passings[number - 1]):
                killed = self.project.yellow("try", "BySet", environment={"YELLOW_FAULT": f"kill@*:{number}"})
                self.assertEqual(killed.status, -9, killed)
                self.done("run")
                self.assertEqual(self.everything(), self.before)
        killed = self.project.yellow("try", "BySet", environment={"YELLOW_FAULT": f"kill@*:{len(passings) // 2}"})
        self.assertEqual(killed.status, -9, killed)
        self.done("try", "ByRow")     # it too cleans up

    def test_a_failure_on_the_way_leaves_nothing(self):
        for fault in ("fail@try.grant usage on:1", "fail@try.call yellow_sec.run_open:1", "lose@try.call yellow_sec.run_open:1"):
            with self.subTest(fault=fault):
                self.done("try", "BySet", status=3, environment={"YELLOW_FAULT": fault})
                self.done("run")


if __name__ == "__main__":
    unittest.main()
