"""`yellow test`: fixtures in, differences out."""

import base64
import hmac
import json
import shutil
import subprocess
import time
import unittest
import xml.etree.ElementTree

from project import Project, YELLOW
from untouched import TouchesNothing

MASKED = """kind: Workspace
name: Masked
groups: {Input: {sinks: [Example.people]}}
transformer:
  code: {mask: {people: {name: pseudonym, email: redact}}, mask_key: people_key}
  output: {datastore: MaskedOutput, datasets: {people: {key: [id], columns: {id: integer, name: varchar(64), email: text}}}}
---
kind: Workspace
name: MaskedReaders
groups: {Now: {sinks: ["MaskedOutput.*"]}}
"""
SELF = """kind: Workspace
name: Count
groups:
  Input: {sinks: [Example.people]}
  Before: {requires: {milestoning: forensic}, sinks: [CountOutput.days]}
transformer:
  code: {sql: count/}
  output: {datastore: CountOutput, datasets: {days: {key: [day], columns: {day: date, people: bigint}}}}
---
kind: Workspace
name: CountReaders
groups: {Now: {sinks: ["CountOutput.*"]}}
"""
COUNT = """SELECT joined AS day, count(*) AS people FROM Example.people GROUP BY joined
UNION ALL SELECT d.day, d.people FROM Before.CountOutput.days AS d WHERE d.day NOT IN (SELECT p.joined FROM Example.people AS p)
"""


class Test(TouchesNothing):
    """`test`: fixtures in, differences out, nothing else touched."""

    @classmethod
    def setUpClass(cls):
        cls.project = Project(example=None)
        assert cls.project.yellow("init", str(cls.project.root)).status == 0
        assert cls.project.yellow("run", "--apply").status == 0
        assert cls.project.yellow("init", "transformer", "BySet").status == 0
        assert cls.project.yellow("init", "transformer", "ByRow", "--language", "python", "--input", "Example.people").status == 0
        cls.main = (cls.project.root / "model/by_row/main.py").read_text()

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        super().setUp()
        self.addCleanup(self.project.write, "model/by_row/main.py", self.main)

    def case(self, workspace, name, files):
        """Adds a case for one test."""
        folder = f"model/{workspace}/tests/{name}"
        for path, text in files.items():
            self.project.write(f"{folder}/{path}", text)
        self.addCleanup(shutil.rmtree, self.project.root / folder)

    def test_new_transformers_pass(self):
        result = self.done("test")
        self.assertRegex(result.out, r"passed ByRow/first .*\n.*passed BySet/first .*\n2 tests: 0 failed, 0 errors")

    def test_a_difference_is_shown_by_key_and_column(self):
        self.case("by_set", "wrong", {
            "in/Example.people.csv": 'id,name,email,joined\n1,Ada,,2024-01-01\n2,Grace,"",2024-01-02\n3,Emmy,e@example.com,2024-01-03\n',
            "out/people.csv": 'id,name,email,joined\n1,Ada,"",2024-1-1\n2,Grace,,2024-01-02\n4,Sofya,,2024-01-04\n'})
        report = self.project.base / "report.xml"
        result = self.done("test", "BySet", "--junit", str(report), status=1)
        self.assertIn("""people: 1 missing, 1 unexpected, 2 changed""", result.out)
        self.assertIn("""  people
    - id=4 name=Sofya email=(null) joined=2024-01-04
    + id=3 name=Emmy email=e@example.com joined=2024-01-03
    ~ id=1: email is (null), expected ""
    ~ id=2: email is "", expected (null)
""", result.out)
        suite = xml.etree.ElementTree.parse(report).getroot().find("testsuite")
        self.assertEqual((suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")), ("BySet", "2", "1", "0"))
        failure = [c for c in suite if c.get("name") == "wrong"][0].find("failure")
        self.assertIn("~ id=1: email is (null), expected \"\"", failure.text)
        listed = {one["key"]: one for one in json.loads(self.done("test", "BySet", "--output", "json", status=1).out)}
        self.assertEqual({key: one["state"] for key, one in listed.items()}, {"BySet/first": "passed", "BySet/wrong": "failed"})
        self.assertEqual(listed["BySet/wrong"]["reason"]["code"], "difference")

    def test_what_is_wrong_with_a_fixture_names_its_line(self):
        for files, message in (
                ({"in/Example.people.csv": "id,name,joined\n1,A,2024-01-01\n2,B,soon\n"}, r'in/Example.people.csv:3: invalid input syntax for type date: "soon"'),
                ({"in/Example.people.csv": "id,name,joined\n1,A,2024-01-01\n2,B\n"}, r"in/Example.people.csv:3: there are 3 columns, and here 2 values"),
                ({"in/Example.people.csv": "id,nmae\n"}, r"has no column nmae; did you mean name\?"),
                ({"in/Example.peple.csv": "id\n"}, r"Example.peple is no input of BySet; did you mean Example.people\?"),
                ({"in/Example.people.csv": "id,name,joined\n1,,2024-01-01\n"}, r"Example.people: 1 row breaks the rule that column name is not null"),
                ({"in/Example.people.csv": "id,name,joined\n1,A,2024-01-01\n1,B,2024-01-01\n"}, r"Example.people: 2 rows break the rule that the key \(id\) is unique"),
                ({"out/people.csv": "id\nx\n"}, r'out/people.csv:2: invalid input syntax for type integer: "x"')):
            with self.subTest(message=message):
                for path, text in ({"out/people.csv": "id,name,joined\n"} | files).items():
                    self.project.write(f"model/by_set/tests/broken/{path}", text)
                try:
                    result = self.done("test", "BySet", status=1)
                finally:
                    shutil.rmtree(self.project.root / "model/by_set/tests/broken")
                self.assertRegex(result.out, message)
                self.assertIn("1 errors", result.out)

    def test_code_that_fails_shows_what_it_printed(self):
        self.project.write("model/by_row/main.py", "import sys\nprint('looking at', 42)\nsys.exit(5)\n")
        result = self.done("test", "ByRow", status=1)
        self.assertRegex(result.out, r"error ByRow/first: the code ended with exit status 5 .*\n    \| looking at 42\n")

    def test_each_case_begins_with_nothing(self):
        for name, row in (("again_1", "7,Seven,,2024-01-07"), ("again_2", "8,Eight,,2024-01-08"), ("empty", None)):
            text = "id,name,email,joined\n" + (row + "\n" if row else "")
            self.case("by_row", name, {"in/Example.people.csv": text, "out/people.csv": text})
        self.assertIn("4 tests: 0 failed, 0 errors", self.done("test", "ByRow").out)

    def test_the_contract_is_that_of_a_run(self):
        code = """
import json, os, subprocess
SOURCE, TARGET = os.environ["YELLOW_INPUT__INPUT__EXAMPLE__PEOPLE"], os.environ["YELLOW_OUTPUT__PEOPLE"]
def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True)
assert (SOURCE, TARGET) == ('"ws_byrow"."input__example__people"', '"dp_main"."dt_byrowoutput__people"'), (SOURCE, TARGET)
assert json.loads(os.environ["YELLOW_INPUTS"])["Input.Example.people"]["to_batch"] == 1
assert os.environ["YELLOW_MODE"] == "full" and os.environ["PGAPPNAME"] == "yellow run " + os.environ["YELLOW_RUN_ID"]
assert "CANARY" not in os.environ
for forbidden in ('SELECT * FROM public."Example.people"', "SELECT * FROM dp_main.example__people", "SELECT * FROM yellow.run", f"TRUNCATE {TARGET}"):
    assert "permission denied" in sql(forbidden).stderr, forbidden
assert "permission denied" in subprocess.run(["psql", "-X", "-d", "merge", "-c", "SELECT 1"], capture_output=True, text=True).stderr
done = sql(f"BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '{os.environ['YELLOW_SNAPSHOT']}'; INSERT INTO {TARGET} SELECT * FROM {SOURCE}; COMMIT")
assert done.returncode == 0, done.stderr
"""
        self.project.write("model/by_row/main.py", code)
        self.done("test", "ByRow", environment={"CANARY": "secret"})

    def test_a_mask_is_tested_without_the_real_key(self):
        team = (self.project.root / "model/team.yaml").read_text()
        environment = (self.project.root / "environments/local.yaml").read_text()
        self.addCleanup(self.project.write, "model/team.yaml", team)
        self.addCleanup(self.project.write, "environments/local.yaml", environment)
        self.project.write("model/team.yaml", team + "  people_key: {type: secret_key}\n")
        self.project.write("environments/local.yaml", environment.replace("credentials:\n", "credentials:\n  people_key: {env: NOT_THERE}\n"))
        self.project.write("model/masked.yaml", MASKED)
        self.addCleanup((self.project.root / "model/masked.yaml").unlink)
        pseudonym = base64.urlsafe_b64encode(hmac.digest(b"people_key", "Ada".encode(), "sha256"))[:16].decode()
        self.project.write("model/tests/Masked/one/in/Example.people.csv", "id,name,email,joined\n1,Ada,a@example.com,2024-01-01\n2,Ada,,2024-01-01\n")
        self.project.write("model/tests/Masked/one/out/people.csv", f"id,name,email\n1,{pseudonym},redacted\n2,{pseudonym},\n")
        self.addCleanup(shutil.rmtree, self.project.root / "model/tests")
        self.assertIn("1 tests: 0 failed, 0 errors", self.done("test", "Masked").out)

    def test_an_own_output_can_be_there_before(self):
        self.project.write("model/count.yaml", SELF)
        self.project.write("model/count/days.sql", COUNT)
        self.addCleanup(shutil.rmtree, self.project.root / "model/count")
        self.addCleanup((self.project.root / "model/count.yaml").unlink)
        self.project.write("model/count/tests/one/in/Example.people.csv", "id,name,joined\n1,A,2024-01-02\n2,B,2024-01-02\n")
        self.project.write("model/count/tests/one/in/CountOutput.days.csv", "day,people\n2024-01-01,7\n2024-01-02,1\n")
        self.project.write("model/count/tests/one/out/days.csv", "day,people\n2024-01-01,7\n2024-01-02,2\n")
        self.project.write("model/count/tests/two/in/Example.people.csv", "id,name,joined\n1,A,2024-01-02\n")
        self.project.write("model/count/tests/two/out/days.csv", "people,day\n1,2024-01-02\n")
        self.assertIn("2 tests: 0 failed, 0 errors", self.done("test", "Count").out)

    def test_a_killed_test_leaves_nothing_that_the_next_does_not_clean(self):
        self.project.write("model/by_row/main.py", "import time\nprint('begun', flush=True)\ntime.sleep(60)\n")
        for _ in range(2):
            process = subprocess.Popen([YELLOW, "--project", str(self.project.root), "test", "ByRow"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(600):
                if self.project.sql("MergeDB", "SELECT 1 FROM pg_roles WHERE rolname ~ '^yellow_scratch_run_'"):
                    break
                time.sleep(0.05)
            else:
                self.fail("the code never ran")
            process.kill()
            process.wait()
            self.assertTrue(self.project.sql("MergeDB", "SELECT 1 FROM pg_database WHERE datname ~ '^yellow_scratch'"))
        self.project.write("model/by_row/main.py", self.main)
        self.done("test", "ByRow")

    def test_tests_at_the_same_time(self):
        slow = self.main.replace("def main():", "def main():\n    import time; time.sleep(2)")
        self.project.write("model/by_row/main.py", slow)
        process = subprocess.Popen([YELLOW, "--project", str(self.project.root), "test", "ByRow"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.done("test", "BySet")
        out, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, out)
        self.done("test", "BySet")    # whoever was last has cleaned

    def test_an_environment_elsewhere_is_not_needed(self):
        self.project.write("environments/far.yaml", "kind: Environment\nname: far\ncontainers: {MergeDB: {host: far.invalid}, ExampleDB: {host: far.invalid}}\n"
                           "credentials: {example_reader: {env: FAR}}\nclasses: {allowed: [pii]}\n")
        self.addCleanup((self.project.root / "environments/far.yaml").unlink)
        self.assertIn("0 failed", self.done("test", "BySet", "--environment", "far").out)

    def test_what_there_is_not(self):
        self.assertIn("did you mean BySet?", self.done("test", "BySett", status=2).err)
        tests = self.project.root / "model/by_set/tests"
        tests.rename(self.project.base / "aside")
        try:
            self.assertIn("model/by_set/tests/<case>/in/", self.done("test", "BySet", status=2).err)
        finally:
            (self.project.base / "aside").rename(tests)


if __name__ == "__main__":
    unittest.main()
