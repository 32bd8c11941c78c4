"""Old batches, runs, events, models and logs are forgotten; what is kept stays complete, whoever lags behind finds what it needs, and numbers go on."""

import random
import subprocess
import time
import unittest

from project import PSQL, YELLOW, Project

MODEL = """
kind: Workspace
name: Worker
groups: {In: {sinks: [ShopMasked.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  output: {datastore: Work, datasets: {counts: {key: [what], columns: {what: text, n: bigint}}}}
---
kind: Workspace
name: Late
groups: {In: {sinks: [Shop.addresses]}}
transformer:
  code: {sql: late/}
  trigger: {cron: "0 0 1 1 *"}
  output: {datastore: LateStore, datasets: {addresses: {key: [id], columns: {id: varchar(20), city: text}}}}
---
kind: Workspace
name: Readers
groups: {Now: {sinks: [Work.counts, LateStore.addresses]}}
"""
CODE = """
import os, subprocess
print("a line of the log")
source, target = os.environ["YELLOW_INPUT__IN__SHOPMASKED__CUSTOMERS"], os.environ["YELLOW_OUTPUT__COUNTS"]
subprocess.run(["@PSQL@", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"INSERT INTO {target} SELECT 'customers', count(*) FROM {source}"], check=True)
"""
KEPT = 20


class Retention(unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.project.hurry()
        shop = self.project.root / "model/shop.yaml"
        shop.write_text(shop.read_text().replace('    schedule: "*/5 * * * *"\n', ""))     # no batch but those that are counted here
        self.project.write("model/more.yaml", MODEL)
        self.project.write("model/worker/main.py", CODE.replace("@PSQL@", PSQL))
        self.project.write("model/late/addresses.sql", "SELECT id, city FROM Shop.addresses")
        self.run_yellow("run", "--apply")

    def run_yellow(self, *arguments, **how):
        result = self.project.yellow(*arguments, **how)
        self.assertEqual(result.status, 0, result)
        return result

    def keep(self, control, logs):
        ecosystem = self.project.root / "model/ecosystem.yaml"
        self.before = getattr(self, "before", ecosystem.read_text())
        ecosystem.write_text(self.before + f"retention: {{control: {control}, logs: {logs}}}\n")
        self.run_yellow("apply")

    def change(self, count):
        for n in range(count):
            self.project.sql("ShopDB", f"DELETE FROM customers WHERE id = 'C{n:05d}'; UPDATE customers SET firstname = 'R{random.random()}' WHERE id = 'C02000'")
            self.run_yellow("run", "Shop")

    def rows(self, text):
        return self.project.sql("MergeDB", text)

    def batches(self, stream):
        return [int(row[0]) for row in self.rows(f"SELECT batch FROM yellow.batch WHERE stream = 'Ingest/Main/{stream}' ORDER BY batch")]

    def test_what_is_old_is_forgotten_and_the_rest_stays_whole_whenever_it_is_killed(self):
        self.change(KEPT + 6)
        self.assertEqual(len(self.batches("Shop")), KEPT + 8, "ninety days, if nothing is said")
        seen = self.rows("SELECT * FROM ws_readers.now__work__counts")
        self.keep("1s", "90d")
        time.sleep(1.1)
        # In the transaction of each kind, and when it is over; what the first kill has removed is recorded once.
        for point in ("call yellow_access.audit_add.before", "commit.after", "delete yellow.run.before", "delete yellow.event.before", "delete yellow.model.before"):
            killed = self.project.yellow("run", environment={"YELLOW_FAULT": f"kill@control.forget.{point}:1"})
            self.assertEqual(killed.status, -9, killed)
            self.assertEqual(self.project.broken_invariants(), {}, point)
        self.run_yellow("run")
        # Late has consumed two batches; the newest twenty stay.
        self.assertEqual(self.batches("Shop"), list(range(3, KEPT + 9)))
        self.assertEqual(len(self.batches("ShopMasked")), KEPT)
        self.assertEqual(len(self.batches("Work")), KEPT)
        self.assertEqual(self.project.broken_invariants(), {})
        self.run_yellow("run", "Late")
        time.sleep(1.1)
        self.run_yellow("run")
        self.assertEqual(self.batches("Shop"), list(range(9, KEPT + 9)))
        for transformer, runs in (("MaskShop", KEPT), ("Worker", KEPT), ("Late", 2)):
            self.assertEqual(self.rows(f"SELECT count(*) FROM yellow.run WHERE transformer = 'Transform/Main/{transformer}'"), [(str(runs),)], transformer)
        self.assertEqual(self.rows("SELECT count(*) FROM yellow.event WHERE at < clock_timestamp() - interval '10 s'"), [("0",)])
        self.assertEqual(self.project.broken_invariants(), {})
        for command in (["status"], ["explain", "Shop"], ["explain", "MaskShop"], ["batches", "list", "Shop"], ["runs", "list"]):
            self.run_yellow(*command)
        self.assertEqual(self.rows("SELECT * FROM ws_readers.now__work__counts"), seen)
        self.change(1)
        self.assertEqual(self.batches("Shop")[-1], KEPT + 9, "numbers go on")
        self.assertEqual(self.project.broken_invariants(), {})

    def open_run_keeps_its_folder(self, folders):
        """However long it takes."""
        code = self.project.root / "model/worker/main.py"
        code.write_text("import time\ntime.sleep(5)\n" + code.read_text())
        known = {folder.name for folder in folders.iterdir()}
        slow = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "--apply"], stdout=subprocess.DEVNULL)
        time.sleep(4)
        self.run_yellow("run")
        self.assertEqual(len({folder.name for folder in folders.iterdir()} - known), 1, "the folder of the run that is open")
        self.assertEqual(slow.wait(), 0)

    def test_logs_are_forgotten_before_their_runs(self):
        self.change(3)
        folders = self.project.root / ".yellow/runs"
        runs = {row[0] for row in self.rows("SELECT id FROM yellow.run WHERE transformer = 'Transform/Main/Worker'")}
        self.assertEqual({folder.name for folder in folders.iterdir()}, runs)
        (folders / "notes of mine").mkdir()
        self.keep("90d", "2s")
        time.sleep(2.1)
        self.change(1)
        newest = self.rows("SELECT id FROM yellow.run WHERE transformer = 'Transform/Main/Worker' ORDER BY opened_at DESC LIMIT 1")[0][0]
        self.assertEqual({folder.name for folder in folders.iterdir()}, {newest, "notes of mine"})
        self.assertEqual(self.rows("SELECT id FROM yellow.run WHERE transformer = 'Transform/Main/Worker' AND log IS NOT NULL"), [(newest,)])
        self.assertIn("a line of the log", self.run_yellow("runs", "logs", newest).out)
        self.open_run_keeps_its_folder(folders)
        forgotten = self.project.yellow("runs", "logs", min(runs))
        self.assertIn("retention.logs", forgotten.out + forgotten.err)


if __name__ == "__main__":
    unittest.main()
