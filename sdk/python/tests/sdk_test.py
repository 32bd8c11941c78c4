"""The SDK against a real PostgreSQL: the built yellow runs code that uses it, installed from this repository into an environment of its own."""

import datetime
import decimal
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2] / "tests/program"))
sys.path.insert(0, str(HERE.parent / "src"))
from project import Project  # noqa: E402

import yellow_sdk  # noqa: E402

MODEL = """kind: Workspace
name: Copied
groups: {Original: {sinks: [Odd.things]}}
transformer:
  code: {source: copied/, command: [python3, main.py]}
  output: {datastore: CopiedThings, datasets: {things: {like: Odd.things}}, guards: {max_deleted: 100%}}
---
kind: Workspace
name: CopiedReaders
groups: {Now: {sinks: ["CopiedThings.*"]}}
---
kind: Datastore
name: Odd
capture: {sql_snapshot: {container: ExampleDB, credential: example_reader, schedule: "0 0 1 1 *"}}
datasets:
  things:
    key: [id]
    columns: {id: integer, words: text, amount: "numeric(20,5)", taken: date, moment: timestamptz, duration: interval, flag: boolean, raw: bytea,
              parts: "text[]", document: jsonb, number: double precision}
"""
SOURCE = """
CREATE TABLE things (id integer PRIMARY KEY, words text, amount numeric(20,5), taken date, moment timestamptz, duration interval, flag boolean, raw bytea,
                     parts text[], document jsonb, number double precision);
INSERT INTO things VALUES
  (1, E'tab\\tline\\nreturn\\rback\\\\slash', 12345678901234.56789, '2024-02-29', '2024-02-29 12:34:56.789+02', '1 mon 3 days 04:05:06.7', true, '\\x00ff',
   ARRAY['a,b', 'c"d', E'e\\\\f', NULL, ''], '{"a": [1.00, null, "x"]}', 0.1),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, '', 0, '0001-01-01', '1970-01-01 00:00:00+00', '0', false, '', '{}', 'null', 'NaN'),
  (4, '\\N', -0.00001, '9999-12-31', '2038-01-19 03:14:08+00', '-1 day', false, '\\x5c', ARRAY['NULL', 'null'], '"text"', '-Infinity');
GRANT SELECT ON things TO example_reader;
"""
BEGIN = "import sys, yellow_sdk\nrun = yellow_sdk.Run()\n"
ENVIRONMENT = {"YELLOW_RUN_ID": "1", "YELLOW_WORKSPACE": "Mask", "YELLOW_PLATFORM": "Main", "YELLOW_MODE": "full", "YELLOW_OUTPUTS": "{}",
               "YELLOW_CREDENTIAL__API__TOKEN": "t", "YELLOW_CREDENTIAL__API__PASSWORD": "secret",
               "YELLOW_INPUTS": json.dumps({"Original.Shop.customers": {"table": 'w."c"', "key": ["id"], "columns": [{"name": "id", "type": "integer"}], "from_batch": 1,
                                                                        "to_batch": 2}})}


class Sdk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project("start")
        cls.addClassCleanup(cls.project.close)
        cls.project.base.chmod(0o755)
        assert cls.project.yellow("init", str(cls.project.root)).status == 0
        cls.project.psql(cls.project.server("example"), SOURCE)
        cls.project.write("model/odd.yaml", MODEL)
        # Installed as a user does it; psycopg2 is the system's.
        place = cls.project.root / "model/copied/.venv"
        cls.project.write("model/copied/main.py", BEGIN)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--system-site-packages", place], check=True, capture_output=True)
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(HERE.parent, folder + "/sdk", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
            subprocess.run([place / "bin/pip", "install", "--quiet", "--no-build-isolation", "--no-index", folder + "/sdk"], check=True, capture_output=True)

        assert cls.project.yellow("apply").status == 0

    def run_code(self, text, state="committed"):
        """Runs it once; returns what `runs logs` shows."""
        self.project.write("model/copied/main.py", BEGIN + text)
        result = self.project.yellow("run", "--apply")
        run = json.loads(self.project.yellow("runs", "list", "Copied", "--output", "json").out)[0]
        log = self.project.yellow("runs", "logs", run["id"]).out
        self.assertEqual((result.status, run["state"]), (0 if state == "committed" else 1, state), f"{result}\n{log}")
        return run, log

    def rows(self, relation):
        return self.project.sql("MergeDB", f"SELECT id, words, amount, taken, moment, duration, flag, raw, parts, document, number FROM {relation} ORDER BY id")

    def assert_copied(self):
        copied = self.rows("ws_copiedreaders.now__copiedthings__things")
        self.assertEqual(len(copied), 4)
        self.assertEqual(copied, self.rows("ws_copied.original__odd__things"))

    def test_every_value_comes_out_as_it_went_in(self):
        _, log = self.run_code("with run.transaction() as t:\n    print(t.write('things', t.rows('things', at_once=2)), 'rows')\n")
        self.assertIn("4 rows", log)
        self.assert_copied()

    def test_copy_in_and_out(self):
        self.run_code("import io\nfile = io.StringIO()\nwith run.transaction() as t:\n    t.copy_out('Odd.things', file)\n    file.seek(0)\n"
                      "    assert t.copy_in('things', file) == 4\n")
        self.assert_copied()

    def test_statements_and_sequences(self):
        self.run_code("with run.transaction() as t:\n"
                      "    assert t.execute('SELECT count(*) FROM {inputs[Original.Odd.things]} WHERE id < %s', (3,)) == [(2,)]\n"
                      "    assert t.execute('INSERT INTO {outputs[things]} SELECT * FROM {inputs[Original.Odd.things]} WHERE id = 1') == 1\n"
                      "    t.write('things', (list(row.values()) for row in t.rows('things') if row['id'] > 1))\n")
        self.assert_copied()

    def test_many_rows_go_in_pieces(self):
        _, log = self.run_code("with run.transaction() as t:\n    print(t.write('things', ({'id': i, 'words': 'x' * 100} for i in range(60000))), t.execute('SELECT count(*) FROM {outputs[things]}'))\n")
        self.assertIn("60000 [(60000,)]", log)

    def test_changes_of_an_incremental_run(self):
        model = (self.project.root / "model/odd.yaml").read_text()

        def restore():
            self.project.write("model/odd.yaml", model)
            self.project.write("model/copied/main.py", BEGIN + "with run.transaction() as t:\n    t.write('things', t.rows('things'))\n")
            self.project.psql(self.project.server("example"), "UPDATE things SET amount = NULL WHERE id = 2; DELETE FROM things WHERE id = 5")
            self.assertEqual(self.project.yellow("run", "--apply", "Odd").status, 0)

        self.addCleanup(restore)
        self.project.write("model/odd.yaml", model.replace("  output: {datastore: CopiedThings", "  mode: incremental\n  output: {datastore: CopiedThings"))
        copy = "print(run.mode)\nwith run.transaction() as t:\n    print(t.write('things', t.rows('things', table='changes')), 'changes')\n"
        _, log = self.run_code(copy)
        self.assertIn("full\n4 changes", log)
        self.project.psql(self.project.server("example"), "UPDATE things SET amount = 7 WHERE id = 2; INSERT INTO things (id) VALUES (5)")
        self.assertEqual(self.project.yellow("run", "Odd").status, 0)
        run = json.loads(self.project.yellow("runs", "list", "Copied", "--output", "json").out)[0]
        self.assertEqual(run["mode"], "incremental")
        self.assertIn("incremental\n2 changes", self.project.yellow("runs", "logs", run["id"]).out)
        self.assertEqual(self.rows("ws_copiedreaders.now__copiedthings__things"), self.rows("ws_copied.original__odd__things"))

    def test_an_error_inside_rolls_back(self):
        run, log = self.run_code("with run.transaction() as t:\n    t.write('things', [{'id': 9}])\n    sys.exit(3)\n", "failed")
        self.assertEqual(run["exit_status"], 3)
        self.run_code("with run.transaction() as t:\n    t.write('things', t.rows('things'))\n")
        self.assert_copied()

    def test_mistakes_are_named(self):
        _, log = self.run_code("""
def why(act):
    try:
        with run.transaction() as t:
            act(t)
    except Exception as error:
        print(type(error).__name__, error)
why(lambda t: t.write('things', [{'id': 1, 'wrods': 'x'}]))
why(lambda t: t.write('things', [[1, 2]]))
why(lambda t: t.write('thing', []))
why(lambda t: list(t.rows('tings')))
why(lambda t: list(t.rows('things', table='history')))
why(lambda t: t.write('things', [{'id': 1, 'words': {}}]))
why(lambda t: run.credential('nobody'))
with run.transaction() as t:
    t.write('things', t.rows('things'))
""")
        for line in ("things has no column wrods; it has id, words", "things has 11 columns, and row 1 has 2 values", "there is no output thing; there is things",
                     "there is no input tings; there is Original.Odd.things", "Original.Odd.things has no history", "a dict does not fit a column of type text",
                     "there is no credential nobody"):
            self.assertIn(line, log)

    def test_a_snapshot_that_is_gone_ends_with_75(self):
        environment = {**ENVIRONMENT, "YELLOW_SNAPSHOT": "00000003-00000001-1", "PGHOST": self.project.server()["host"], "PGPORT": str(self.project.server()["port"]),
                       "PGDATABASE": "merge", "PGUSER": "yellow_super"}
        done = subprocess.run(["/usr/bin/python3", "-c", BEGIN + "with run.transaction() as t:\n    print('not reached')\n"], capture_output=True, text=True,
                              env={**os.environ, **environment, "PYTHONPATH": str(HERE.parent / "src")}, user="postgres" if os.geteuid() == 0 else None)
        self.assertEqual((done.returncode, done.stdout), (75, ""), done.stderr)
        self.assertIn("the snapshot could not be imported", done.stderr)


class Values(unittest.TestCase):
    """What needs no server."""

    def test_the_environment(self):
        run = yellow_sdk.Run(ENVIRONMENT)
        self.assertEqual((run.id, run.workspace, run.platform, run.incremental), ("1", "Mask", "Main", False))
        given = run.input("customers")
        self.assertEqual((given.name, given.table, given.key, dict(given.columns), given.from_batch, given.to_batch, given.history),
                         ("Original.Shop.customers", 'w."c"', ("id",), {"id": "integer"}, 1, 2, None))
        self.assertEqual(run.credential("api").token, "t")
        self.assertNotIn("secret", repr(run.credential("api")))

    def test_outside_of_yellow_it_says_so(self):
        with self.assertRaisesRegex(RuntimeError, "YELLOW_RUN_ID is not set: this code is started by Yellow"):
            yellow_sdk.Run({})

    def test_an_ambiguous_name(self):
        two = json.dumps({name: json.loads(ENVIRONMENT["YELLOW_INPUTS"])["Original.Shop.customers"] for name in ("A.Shop.customers", "B.Shop.customers")})
        with self.assertRaisesRegex(KeyError, "several inputs are called customers: A.Shop.customers, B.Shop.customers"):
            yellow_sdk.Run({**ENVIRONMENT, "YELLOW_INPUTS": two}).input("customers")

    def test_lines_of_copy(self):
        for value, of, text in ((None, "text", "\\N"), ("\\N", "text", "\\\\N"), ("a\tb\nc\\", "text", "a\\tb\\nc\\\\"), (True, "boolean", "t"), (b"\x00\xff", "bytea", "\\\\x00ff"),
                                ([1, None, [2]], "integer[]", '{"1",NULL,{"2"}}'), (["a\"b\\"], "text[]", '{"a\\\\"b\\\\\\\\"}'), ({"a": decimal.Decimal("1.5")}, "jsonb", '{"a": 1.5}'),
                                ([1], "jsonb", "[1]"), (datetime.date(2024, 2, 29), "date", "2024-02-29"), (datetime.timedelta(days=-1, seconds=1), "interval", "-1 days 1.000000 seconds"),
                                (decimal.Decimal("1E+3"), "numeric", "1E+3")):
            with self.subTest(value=value):
                self.assertEqual(yellow_sdk.copy_line([value], [of]), text + "\n")


if __name__ == "__main__":
    unittest.main()
