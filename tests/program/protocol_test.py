"""Several programs at once, programs that are paused past their lease, kills at random moments, and every type of the model, unchanged from
source to output."""

import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

from project import YELLOW, Project


EXPIRE = """
SET lock_timeout = '200ms';
DO $$ BEGIN
  UPDATE yellow.stream SET lease_until = '-infinity';
EXCEPTION WHEN lock_not_available THEN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('yellow_engine', 'yellow_ingest_out');
  PERFORM pg_sleep(0.3);
  UPDATE yellow.stream SET lease_until = '-infinity';
END $$
"""


class Protocol(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def start(self, *arguments, environment=None):
        return subprocess.Popen([YELLOW, "--project", str(self.project.root), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env={**os.environ, **(environment or {})})

    def assert_follows(self, hint=""):
        self.assertEqual(self.project.broken_invariants(), {}, hint)
        self.assertEqual(self.project.masked(), self.project.expected_masked(), hint)

    def change(self, n):
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = 'P{n}' WHERE id = 'C00020'; DELETE FROM addresses WHERE id = 'A{100 + n:05d}'")

    def test_programs_at_once(self):
        for round_number in range(4):
            self.change(round_number)
            together = [self.start("run", "Shop") for _ in range(4)]
            for one in together:
                out, _ = one.communicate(timeout=60)
                self.assertIn(one.returncode, (0,), out)
            self.project.yellow("run")
            self.assert_follows(f"round {round_number}")

    def test_a_paused_owner_writes_nothing(self):
        for point in ("batch.merge.commit", "batch.stage.commit", "output.ingest.commit", "run.connect"):
            with self.subTest(point=point):
                self.change(hash(point) % 1000)
                paused = self.start("run", "Shop", environment={"YELLOW_FAULT": f"stop@{point}:1"})
                deadline = time.time() + 20
                while time.time() < deadline and pathlib.Path(f"/proc/{paused.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
                    time.sleep(0.02)
                # As if fifteen seconds had passed. Inside a transaction it holds the row of its lease, so its sessions have to go first.
                self.project.sql("MergeDB", EXPIRE)
                other = self.project.yellow("run", "Shop", "MaskShop")
                self.assertEqual(other.status, 0, other)
                os.kill(paused.pid, signal.SIGCONT)
                out, _ = paused.communicate(timeout=60)
                self.assertNotIn("bug", out)
                self.project.yellow("run", "MaskShop")
                self.assert_follows(out)

    def test_the_fence_refuses_who_has_lost_the_lease_on_the_way(self):
        """Somebody else has taken over, and could not end the sessions of the one before: only the fence is left."""
        # A merge database that was restored from a backup gives epochs again, but not to the same holder.
        taken, restored = "epoch = epoch + 1, holder = NULL", "holder = 'another:4711:1'"
        for point, node, row in (("batch.merge.lock yellow.stream", "Shop", taken), ("output.ingest.lock yellow.stream", "MaskShop", taken),
                                 ("batch.merge.lock yellow.stream", "Shop", restored), ("output.ingest.lock yellow.stream", "MaskShop", restored)):
            with self.subTest(point=point, row=row):
                self.change(hash(point) % 1000)
                before = self.project.masked()
                paused = self.start("run", node, environment={"YELLOW_FAULT": f"stop@{point}:1"})
                deadline = time.time() + 20
                while time.time() < deadline and pathlib.Path(f"/proc/{paused.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
                    time.sleep(0.02)
                self.project.sql("MergeDB", f"UPDATE yellow.stream SET {row}, backends = '{{}}', lease_until = '-infinity'")
                os.kill(paused.pid, signal.SIGCONT)
                out, _ = paused.communicate(timeout=60)
                self.assertIn("another yellow process is at work here", out)
                self.assertEqual(self.project.masked(), before, "nothing was written")
                self.assertEqual(self.project.yellow("run", "Shop", "MaskShop").status, 0)
                self.assert_follows(out)

    def test_a_commit_whose_answer_is_lost_is_looked_up(self):
        for point, node, said in (("batch.merge.commit", "Shop", "Shop: batch {} committed: 0 inserted, 1 updated, 1 deleted"),
                                  ("output.ingest.commit", "Shop", "MaskShop: run")):
            with self.subTest(point=point):
                self.change(400 + len(point))
                self.project.yellow("run")
                before = int(self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'")[0][0])
                result = self.project.yellow("run", node, environment={"YELLOW_FAULT": f"lose@{point}:1"})
                self.assertEqual(result.status, 0, f"no error to the user: {result}")
                self.assertIn("trying again", result.out)
                self.assertIn(said.format(before + 1), result.out)
                self.assertIn("Done: 2 batches committed, 1 of them by a transformer", result.out)
                self.assert_follows(result.out)

    def test_a_merge_whose_commit_did_not_happen_is_repeated(self):
        self.change(450)
        before = self.project.server_log().count("lock timeout")
        result = self.project.yellow("run", "Shop", environment={"YELLOW_FAULT": "fail@batch.merge.commit:1"})
        self.assertEqual(result.status, 0, result)
        self.assertIn("Done: 2 batches committed", result.out)
        self.assert_follows(result.out)
        self.assertEqual(self.project.server_log().count("lock timeout"), before, "it waited for a lock of its own")

    def test_an_unreachable_source_is_waited_for_and_then_said(self):
        environment = self.project.root / "environments/local.yaml"
        text = environment.read_text()
        environment.write_text(text + "limits: {retry: 1s}\n")
        self.addCleanup(environment.write_text, text)
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.project.sql("ShopDB", "ALTER DATABASE shop CONNECTION LIMIT 0")
        self.addCleanup(self.project.sql, "ShopDB", "ALTER DATABASE shop CONNECTION LIMIT -1")
        result = self.project.yellow("run", "Shop")
        self.assertEqual(result.status, 1, result)
        self.assertIn("too many connections for database", result.out)
        self.assertIn("trying again", result.out)

    def test_kills_at_random_moments(self):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        for n in range(15):
            self.change(200 + n)
            victim = self.start("run", "Shop")
            time.sleep(chance.random() * 0.25)
            victim.kill()
            victim.communicate()
            recovered = self.project.yellow("run", "Shop")
            self.assertEqual(recovered.status, 0, f"seed {seed}, kill {n}: {recovered}")
            self.assert_follows(f"seed {seed}, kill {n}")

    def test_the_server_stops_at_once(self):
        for n in range(3):
            self.change(300 + n)
            victim = self.start("run", "Shop")
            time.sleep(0.03 * (n + 1))
            data = self.project.sql("MergeDB", "SHOW data_directory")[0][0]
            postmaster = int(pathlib.Path(data, "postmaster.pid").read_text().splitlines()[0])
            os.kill(postmaster, signal.SIGQUIT)     # immediate shutdown: no checkpoint, unlogged tables are emptied
            victim.communicate(timeout=60)
            time.sleep(0.5)
            recovered = self.project.yellow("run", "Shop")
            self.assertEqual(recovered.status, 0, recovered)
            self.assert_follows(f"stop {n}")


# type -> values: null always; the empty, smallest, largest and odd ones. Compared as PostgreSQL's own text.
TYPES = {
    "smallint": ["-32768", "32767", "0"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric": ["0", "1.0", "1.00", "NaN", "Infinity", "-Infinity", "1e-1000", "9" * 300],
    "numeric(10,2)": ["-99999999.99", "99999999.99", "0.01", "NaN"],
    "real": ["3.4e38", "-1e-45", "NaN", "Infinity", "-0"],
    "double precision": ["1.7976931348623157e308", "5e-324", "NaN", "-Infinity", "0.1"],
    "text": ["", " ", "a\tb\nc", "\\", "'", '"', "\\N", "\U0001F600\u200d", "\u202e\u0301", "\uffff", "x" * 100000],
    "varchar(5)": ["", "abcde", "  a  ", "éñüöß"],
    "char(3)": ["", "a", "abc"],
    "date": ["4713-01-01 BC", "5874897-12-31", "infinity", "-infinity", "2024-02-29"],
    "time": ["00:00:00", "24:00:00", "12:34:56.789012"],
    "timetz": ["00:00:00+15:59", "24:00:00-15:59"],
    "timestamp": ["4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "infinity"],
    "timestamptz": ["2026-03-29 01:30:00+01", "2026-10-25 02:30:00+02", "-infinity", "epoch"],
    "timestamp(3)": ["2026-01-01 00:00:00.123"],
    "interval": ["178000000 years", "-1 mon +1 day -00:00:01", "0"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "json": ["{}", "{ \"b\": 1, \"a\": 1, \"a\": 2 }", "null", "[1.0, 1.00]"],
    "jsonb": ["{}", "[]", "\"\"", "{\"a\": {\"b\": [null, 1.10]}}"],
    "bytea": ["\\x", "\\x00ff", "\\x" + "ab" * 5000],
    "boolean": ["true", "false"],
    "integer[]": ["{}", "{1,NULL,3}", "{{1,2},{3,4}}", "[0:1]={5,6}"],
    "text[]": ["{}", "{\"\",NULL,\"NULL\",\"a,b\",\"\\\"\"}"],
    "varchar(2)[]": ["{ab,NULL}"],
    "numeric(4,1)[]": ["{}", "{999.9,NaN}", "{{1.5},{NULL}}"],
    "timestamptz[]": ["{infinity,NULL,\"2026-03-29 01:30:00+01\"}"],
    "char(2)[]": ["{ab,a}"],
}


# What is declared and carried as text.
CARRIED = {
    "mood": ["fine", "not, so \"fine\""],
    "mood[]": ["{}", "{fine,NULL}"],
    "citext": ["", "Straße"],
    "positive": ["1", "2147483647"],
    "inet": ["::1/128", "10.0.0.0/8"],
    "cidr": ["10.0.0.0/8"],
    "macaddr": ["08:00:2b:01:02:03"],
    "money": ["-92233720368547758.08", "0.01"],
    "xml": ["<a b='c'>&lt;</a>"],
    "int4range": ["empty", "[1,10)", "(,)"],
    "tstzmultirange": ["{[\"2026-01-01 00:00:00+00\",infinity)}"],
    "pair": ["(1,\"a,b\")", "(,)"],
    "bit varying": ["", "0101"],
    "point": ["(0.1,-1e-300)"],
    "tsvector": ["'a':1 'b':2A"],
    "\"char\"": ["a", ""],
    "name": ["", "customers"],
    "smallint": ["-32768"],
    "timestamptz": ["2026-03-29 01:30:00+01"],
    "bytea": ["\\x00ff"],
}


class Types(unittest.TestCase):
    def test_every_type_arrives_unchanged(self):
        project = Project().unscheduled()
        self.addCleanup(project.close)
        project.demo()
        columns = [(f"c{n}", source, declared, values) for n, (source, declared, values) in enumerate(
            [(t, t, v) for t, v in TYPES.items()] + [(t, "text", v) for t, v in CARRIED.items()] + [(t, "varchar(60)", v) for t, v in CARRIED.items()])]
        longest = max(len(values) for _, _, _, values in columns)
        quote = lambda v: "'" + v.replace("'", "''") + "'"
        rows = [f"({i}, " + ", ".join((quote(v[i - 1]) if 0 < i <= len(v) else "NULL") + f"::{source}" for _, source, _, v in columns) + ")"
                for i in range(0, longest + 1)]
        project.sql("ShopDB", "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('fine', 'not, so \"fine\"'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0);"
                              "CREATE TYPE pair AS (a integer, b text); SET TimeZone = 'UTC';"
                              "CREATE TABLE matrix (id integer PRIMARY KEY, " + ", ".join(f"{name} {source}" for name, source, _, _ in columns) + ");"
                              f"INSERT INTO matrix VALUES {', '.join(rows)}; GRANT SELECT ON matrix TO shop_reader")
        model_columns = "\n".join(f'      {name}: "{declared}"' for name, _, declared, _ in columns)
        (project.root / "model/matrix.yaml").write_text(f"""
kind: Datastore
name: Matrix
capture: {{sql_snapshot: {{container: ShopDB, credential: shop_reader}}}}
datasets:
  matrix:
    key: [id]
    columns:
      id: integer
{model_columns}
---
kind: Workspace
name: Copier
groups: {{G: {{requires: {{milestoning: forensic}}, sinks: [Matrix.matrix]}}}}
transformer: {{code: {{sql: copier/}}, output: {{datastore: Copied, datasets: {{matrix: {{like: Matrix.matrix}}}}}}}}
---
kind: Workspace
name: CopyReader
groups: {{G: {{sinks: [Copied.matrix]}}}}
""")
        (project.root / "model/copier").mkdir()
        (project.root / "model/copier/matrix.sql").write_text("SELECT * FROM Matrix.matrix")
        result = project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)
        text = "SET TimeZone = 'UTC'; SELECT id, " + ", ".join(f"{name}::text" for name, _, _, _ in columns) + " FROM {} ORDER BY id"
        source = project.sql("ShopDB", text.format("matrix"))
        self.assertEqual(len(source), longest + 1)
        for table in ("dp_main.stg__matrix__matrix", "ws_copier.g__matrix__matrix__history", "ws_copyreader.g__copied__matrix"):
            copied = project.sql("MergeDB", text.format(table))
            for expected, seen in zip(source, copied, strict=True):
                for (_, type_, declared, _), a, b in zip([("id", "integer", "integer", None), *columns], expected, seen, strict=True):
                    if type_.startswith("char("):       # blanks at the end mean nothing; in staging it is text
                        a, b = (None if v is None else v.replace(" ", "").replace('"', "") for v in (a, b))
                    self.assertEqual(a, b, f"{type_} as {declared} in {table}")
        again = project.yellow("run", "Matrix")
        self.assertIn("0 inserted, 0 updated, 0 deleted", again.out)


if __name__ == "__main__":
    unittest.main()
