"""The program's memory does not grow with the rows: source, staging, merge, transformer and output of a large table. YELLOW_ROWS says how many."""

import os
import unittest

from project import YELLOW, Project

ROWS = int(os.environ.get("YELLOW_ROWS", 200_000))
ALLOWED_GROWTH = 16  # MiB; 200,000 rows of this table are 40 MiB, 2,000,000 are 400
MODEL = """
kind: Datastore
name: Large
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets:
  wide: {key: [id], columns: {id: bigint, a: text, b: text, c: text, d: integer, e: numeric, f: timestamptz, g: date, h: boolean, i: "double precision"}}
---
kind: Workspace
name: Copy
groups: {In: {sinks: [Large.wide]}}
transformer:
  code: {sql: copy/}
  output: {datastore: Copied, datasets: {wide: {like: Large.wide}}}
---
kind: Workspace
name: CopyReader
groups: {Now: {sinks: [Copied.wide]}}
"""
FILL = """
INSERT INTO wide SELECT n, repeat('a', 60), 'text ' || n, md5(n::text), n, n * 1.5, now(), current_date, n % 2 = 0, n / 3.0
FROM generate_series({first}, {last}) n
"""


class Memory(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.project.hurry()
        self.project.write("model/large.yaml", MODEL)
        self.project.write("model/copy/wide.sql", "SELECT * FROM Large.wide")
        self.project.sql("ShopDB", "CREATE TABLE wide (id bigint PRIMARY KEY, a text, b text, c text, d int, e numeric, f timestamptz, g date, h boolean, i double precision);"
                                   "GRANT SELECT ON wide TO shop_reader")

    def peak(self, *arguments):
        """The largest resident set of one command, in MiB."""
        pid = os.posix_spawn(YELLOW, [YELLOW, "--project", str(self.project.root), *arguments], os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 1, str(self.project.base / "out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)])
        _, status, used = os.wait4(pid, 0)
        self.assertEqual(status, 0, (self.project.base / "out").read_text())
        return used.ru_maxrss / 1024

    def test_it_does_not_grow_with_rows(self):
        self.project.sql("ShopDB", FILL.format(first=1, last=1000))
        few = self.peak("run", "--apply")
        self.project.sql("ShopDB", FILL.format(first=1001, last=ROWS))
        many = self.peak("run", "Large")
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM ws_copyreader.now__copied__wide"), [(str(ROWS),)])
        print(f"peak: {few:.0f} MiB for 1,000 rows, {many:.0f} MiB for {ROWS:,}", flush=True)
        self.assertLess(many - few, ALLOWED_GROWTH)


if __name__ == "__main__":
    unittest.main()
