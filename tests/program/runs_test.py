"""What people do with runs, and what a run is: tried again at once when its snapshot is gone, cancelled while its code is at work, retried, rebuilt."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from project import YELLOW, Project

MODEL = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  retries: 1
  output: {datastore: Work, datasets: {people: {key: [id], columns: {id: varchar(20), initial: varchar(1) not null}}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""

COMMON = """
import os, pathlib, subprocess, sys, time
SHARED = pathlib.Path({shared!r})
def write():
    statement = 'INSERT INTO ' + os.environ['YELLOW_OUTPUT__PEOPLE'] + ' SELECT id, left(firstname, 1) FROM ' + os.environ['YELLOW_INPUT__IN__SHOP__CUSTOMERS']
    subprocess.run(['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement], check=True)
"""


class Runs(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.project.write("model/worker.yaml", MODEL)
        # What the code leaves for the test, whichever user it runs as.
        self.shared = pathlib.Path(tempfile.mkdtemp(prefix="yellow-shared-"))
        self.addCleanup(shutil.rmtree, self.shared, True)
        self.shared.chmod(0o777)

    def code(self, body):
        self.project.write("model/worker/main.py", COMMON.format(shared=str(self.shared)) + body)

    def runs(self, node="Worker"):
        return json.loads(self.project.yellow("runs", "list", node, "--output", "json").out)

    def rows(self):
        return self.project.sql("MergeDB", "SELECT count(*) FROM ws_workreader.now__work__people")[0][0]

    def transformer(self, columns):
        return self.project.sql("MergeDB", f"SELECT {columns} FROM yellow.transformer WHERE workspace = 'Worker'")[0]

    def test_a_snapshot_that_is_gone_is_tried_again_at_once_and_not_counted(self):
        self.code("count = len(list(SHARED.iterdir()))\n(SHARED / str(count)).touch()\nif count < 2: sys.exit(75)\nwrite()")
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(result.out.count("is tried again at once: the code could not import its snapshot (exit status 75)"), 2, result.out)
        self.assertEqual([run["state"] for run in self.runs()], ["committed", "failed", "failed"])
        self.assertEqual({run["reason"]["code"] for run in self.runs()[1:]}, {"snapshot"})
        self.assertEqual(self.transformer("failures, retry_at"), ("0", None))
        self.assertEqual(self.rows(), "3001")
        self.assertEqual(self.project.broken_invariants(), {})

    def test_a_snapshot_that_is_never_there_is_a_failure_in_the_end(self):
        self.code("sys.exit(75)")
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 1, result)
        self.assertEqual([run["state"] for run in self.runs()], ["failed"] * 4)
        self.assertEqual(self.transformer("failures")[0], "1", "the last one counts, so that it backs off")
        self.assertIn("Worker failed once", self.project.yellow("explain", "Worker").out)
        self.project.yellow("run")
        self.assertEqual(len(self.runs()), 4, "nothing runs before the back-off is over")

    def test_a_run_is_cancelled_while_its_code_is_at_work(self):
        self.code("write()\ndaemon = subprocess.Popen(['setsid', 'sleep', '1000'])\n"
                  "(SHARED / 'new').write_text(f'{os.getpid()} {daemon.pid}')\n(SHARED / 'new').rename(SHARED / 'running')\ntime.sleep(1000)")
        self.project.yellow("apply")
        runner = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(runner.kill)
        deadline = time.time() + 30
        while not (self.shared / "running").exists():
            self.assertLess(time.time(), deadline)
            time.sleep(0.05)
        pids = (self.shared / "running").read_text().split()
        self.assertTrue(all(pathlib.Path("/proc", pid).exists() for pid in pids))
        run = self.runs()[0]
        self.assertEqual(run["state"], "launched")
        cancelled = self.project.yellow("runs", "cancel", run["id"][:12])
        self.assertEqual(cancelled.status, 0, cancelled)
        self.assertIn(f"Cancelled run {run['id']}", cancelled.out)
        out, _ = runner.communicate(timeout=30)
        self.assertRegex(out, rf"Worker: run {run['id']} was cancelled by \w+")
        self.assertEqual(runner.returncode, 0, out)
        for pid in pids:
            self.assertFalse(pathlib.Path("/proc", pid).exists(), "the code, or what it started, is still there")
        self.assertEqual(self.rows(), "0", "nothing it did is seen")
        self.assertEqual(self.project.broken_invariants(), {}, "its login is gone")
        self.assertEqual((self.runs()[0]["state"], self.runs()[0]["reason"]["code"]), ("cancelled", "cancelled"))
        self.assertEqual(self.transformer("failures")[0], "0")
        self.code("write()")
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.assertEqual(self.rows(), "3001")

    def test_only_an_open_run_can_be_cancelled(self):
        committed = self.runs("MaskShop")[0]["id"]
        refused = self.project.yellow("runs", "cancel", committed)
        self.assertEqual(refused.status, 2, refused)
        self.assertIn(f"run {committed} is not open, it is committed", refused.err)
        self.assertEqual(self.project.yellow("runs", "cancel", "ffffffff").status, 2)

    def test_retry_after_it_was_given_up(self):
        self.code("write()\nif not (SHARED / 'mended').exists(): sys.exit(3)")
        self.assertEqual(self.project.yellow("run", "--apply").status, 1)
        self.project.sql("MergeDB", "UPDATE yellow.transformer SET retry_at = clock_timestamp() WHERE workspace = 'Worker'")
        self.assertEqual(self.project.yellow("run").status, 1)
        self.assertEqual(len(self.runs()), 2)
        self.assertIn("It was given up", self.project.yellow("run").out)
        self.assertEqual(len(self.runs()), 2, "it is not tried by itself")
        (self.shared / "mended").touch()
        self.assertEqual(self.project.yellow("runs", "retry", "Worker").status, 0)
        result = self.project.yellow("run")
        self.assertEqual(result.status, 0, result)
        self.assertEqual((self.rows(), self.runs()[0]["cause"]), ("3001", "a run was asked for"))
        self.assertEqual(self.transformer("failures, failed_definition, requested_at"), ("0", None, None))

    def test_rebuild_makes_the_output_anew(self):
        self.assertIn("Nothing is due", self.project.yellow("run").out)
        before = self.project.masked()
        self.project.sql("MergeDB", "UPDATE dp_main.shopmasked__customers SET firstname = 'Z.' WHERE id = 'C00010'; DELETE FROM dp_main.shopmasked__addresses WHERE id = 'A00010'")
        self.assertNotEqual(self.project.masked(), before)
        self.assertEqual(self.project.yellow("rebuild", "MaskShop").status, 0)
        result = self.project.yellow("run")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.masked(), before)
        self.assertEqual(self.runs("MaskShop")[0]["mode"], "full")
        self.assertIn("Nothing is due", self.project.yellow("run").out)
        self.assertEqual(self.project.yellow("rebuild", "Shop").status, 2, "a stream is not rebuilt")


if __name__ == "__main__":
    unittest.main()
