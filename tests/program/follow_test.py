"""The standing example becomes incremental on data that is there, and full again; its inputs change their shape on the way."""

import os
import re
import subprocess
import time
import unittest

from project import YELLOW, Project


LATE = """
kind: Datastore
name: Early
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {item: {key: [id], columns: {id: integer, n: integer}}}
---
kind: Datastore
name: Late
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {late: {key: [id], columns: {id: integer}}}
---
kind: Workspace
name: Waits
groups: {In: {sinks: [Early.item, Late.late]}}
transformer:
  code: {sql: late/}
  mode: incremental
  output: {datastore: After, datasets: {item: {like: Early.item}}}
---
kind: Workspace
name: LateReader
groups: {G: {sinks: [After.item]}}
"""


class Following(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.project.hurry()
        self.model = self.project.root / "model/mask_shop.yaml"
        self.full = {path: path.read_text() for path in (self.model, *(self.project.root / "model/mask").glob("*.sql"))}

    def apply_and_run(self, *nodes):
        result = self.project.yellow("run", "--apply", *nodes)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})
        self.assertIn("Nothing to do", self.project.yellow("apply").out)
        return result

    def become_incremental(self):
        self.model.write_text(self.full[self.model].replace("  timeout: 10m", "  timeout: 10m\n  mode: incremental"))
        for path, text in self.full.items():
            if path != self.model:
                path.write_text(re.sub(r"FROM (Shop\.\w+)", r"FROM \1__changes", re.sub(r"SELECT id", "SELECT yellow_op, id", text)))

    def become_full(self):
        for path, text in self.full.items():
            path.write_text(text)

    def change(self, n):
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = 'E{n}' WHERE id = 'C00010'; DELETE FROM addresses WHERE id = 'A{n:05d}';"
                                   f"UPDATE addresses SET city = 'City {n}' WHERE id = 'A00100'")

    def objects(self):
        return {row[0] for row in self.project.sql("MergeDB", """
            SELECT 'log ' || relname FROM pg_class WHERE relname ~ '^chg__' AND relkind = 'r'
            UNION ALL SELECT 'view ' || viewname FROM pg_views WHERE viewname ~ '__changes$'
            UNION ALL SELECT 'index ' || relname FROM pg_class WHERE relname ~ '__(opened|closed)$' AND relkind = 'i'
            UNION ALL SELECT 'followed ' || dataset FROM yellow.change_log
            UNION ALL SELECT 'op of ' || c.relname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
              WHERE a.attname = 'yellow_op' AND NOT a.attisdropped AND c.relname ~ '^dt_'""")}

    def mode(self):
        return self.project.sql("MergeDB", "SELECT mode FROM yellow.run WHERE state = 'committed' ORDER BY opened_at DESC LIMIT 1")[0][0]

    LIVE = {"log chg__shop__customers", "log chg__shop__addresses", "view original__shop__customers__changes",
            "view original__shop__addresses__changes", "followed customers", "followed addresses", "op of dt_shopmasked__customers",
            "op of dt_shopmasked__addresses"}
    FORENSIC = LIVE - {"log chg__shop__customers", "log chg__shop__addresses"} | {
        "index shop__customers__opened", "index shop__customers__closed", "index shop__addresses__opened", "index shop__addresses__closed"}

    def test_incremental_and_back(self):
        self.assertEqual(self.objects(), set())
        self.become_incremental()
        plan = self.project.yellow("plan").out
        self.assertIn("somebody follows the changes of Shop.customers", plan)
        self.assertIn("the transformer says what becomes of each row", plan)
        self.apply_and_run()
        self.assertEqual(self.objects(), self.LIVE)
        self.assertEqual(self.mode(), "full")
        tested = self.project.yellow("test")
        self.assertEqual(tested.status, 0, tested)
        self.change(1)
        self.apply_and_run("Shop")
        self.assertEqual(self.mode(), "incremental")
        self.become_full()
        self.apply_and_run()
        self.assertEqual(self.objects(), set())
        self.assertEqual(self.mode(), "full")
        self.project.sql("MergeDB", "DO $$ BEGIN ASSERT (SELECT attnotnull FROM pg_attribute WHERE attrelid = "
                                    "'dp_main.dt_shopmasked__customers'::regclass AND attname = 'lastname'); END $$")
        self.change(2)
        self.apply_and_run("Shop")
        self.become_incremental()
        self.apply_and_run()
        self.assertEqual(self.mode(), "full")

    def test_history_comes_and_goes_under_a_follower(self):
        self.become_incremental()
        self.apply_and_run()
        self.change(3)
        sinks = "Original: {sinks"
        text = self.model.read_text()
        self.model.write_text(text.replace(sinks, "Original: {requires: {milestoning: forensic}, sinks"))
        self.apply_and_run("Shop")
        self.assertEqual(self.objects(), self.FORENSIC)
        self.change(4)
        self.apply_and_run("Shop")
        self.assertEqual(self.mode(), "incremental")
        self.model.write_text(text)
        self.assertEqual(self.project.yellow("apply", "--allow-destroy").status, 0)
        self.change(5)
        self.apply_and_run("Shop")
        self.assertEqual(self.objects(), self.LIVE)
        self.change(6)
        self.apply_and_run("Shop")
        self.assertEqual(self.mode(), "incremental")

    def test_columns_grow_under_a_follower(self):
        self.become_incremental()
        self.apply_and_run()
        shop = self.project.root / "model/shop.yaml"
        self.project.sql("ShopDB", "ALTER TABLE customers ADD COLUMN loyalty integer; UPDATE customers SET loyalty = 7 WHERE id = 'C00010'")
        text = shop.read_text().replace("dob: {type: date, classification: pii.birth}", "dob: {type: date, classification: pii.birth}\n      loyalty: integer")
        shop.write_text(text.replace("city: {type: varchar(100)", "city: {type: varchar(300)"))
        mask = self.project.root / "model/mask/customers.sql"
        mask.write_text(mask.read_text().replace("AS dob", "AS dob, loyalty"))
        self.change(7)
        self.apply_and_run("Shop")
        self.change(8)
        self.project.sql("ShopDB", "UPDATE customers SET loyalty = 8 WHERE id = 'C00011'")
        self.apply_and_run("Shop")
        self.assertEqual(self.mode(), "incremental")
        self.assertEqual(self.project.sql("MergeDB", "SELECT loyalty FROM ws_analysts.now__shopmasked__customers WHERE loyalty IS NOT NULL ORDER BY id"),
                         [("7",), ("8",)])

    def test_what_nobody_can_read_yet_is_not_logged(self):
        """The follower of two stores waits for the second one; its first run will be full, whatever is logged before."""
        self.project.sql("ShopDB", "CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT i, 1 FROM generate_series(1, 50) i; GRANT SELECT ON item TO shop_reader")
        (self.project.root / "model/late.yaml").write_text(LATE)
        (self.project.root / "model/late").mkdir()
        (self.project.root / "model/late/item.sql").write_text("SELECT yellow_op, id, n FROM Early.item__changes")
        log = "SELECT (SELECT count(*) FROM dp_main.chg__early__item), kept_since FROM yellow.change_log WHERE stream = 'Ingest/Main/Early'"
        self.assertEqual(self.project.yellow("run", "--apply").status, 1, "the second store has no table")
        self.project.sql("ShopDB", "UPDATE item SET n = 2 WHERE id < 10")
        self.project.yellow("run", "Early")
        self.assertEqual(self.project.sql("MergeDB", log), [("0", "2")])
        self.project.sql("ShopDB", "CREATE TABLE late (id int PRIMARY KEY); GRANT SELECT ON late TO shop_reader")
        self.assertEqual(self.project.yellow("run", "Late").status, 0)
        self.assertEqual(self.mode(), "full")
        self.project.sql("ShopDB", "UPDATE item SET n = 3 WHERE id < 5; DELETE FROM item WHERE id = 50")
        self.assertEqual(self.project.yellow("run", "Early").status, 0)
        self.assertEqual(self.mode(), "incremental")
        self.assertEqual(self.project.sql("MergeDB", "SELECT n, count(*) FROM ws_latereader.g__after__item GROUP BY n ORDER BY n"), [("1", "40"), ("2", "5"), ("3", "4")])
        self.assertEqual(self.project.broken_invariants(), {})

    def test_a_program_with_an_older_model_merges_nothing_unseen(self):
        """It has read the model before apply begins to follow changes: its batch would be missing in the log."""
        paused = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "Shop"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, env={**os.environ, "YELLOW_FAULT": "stop@batch.connect:1"})
        for _ in range(1000):
            with open(f"/proc/{paused.pid}/stat") as stat:
                if stat.read().rsplit(")", 1)[1].split()[0] == "T":
                    break
            time.sleep(0.02)
        self.become_incremental()
        self.change(9)
        self.assertEqual(self.project.yellow("apply").status, 0)
        paused.send_signal(18)      # SIGCONT
        out, _ = paused.communicate(timeout=60)
        self.assertIn("another model has been applied", out)
        self.assertNotIn("trying again", out, "the model it has will not get newer")
        self.assertEqual(self.project.sql("MergeDB", "SELECT state FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' ORDER BY batch DESC LIMIT 1"), [("staged",)],
                         "the newer model goes on with it")
        self.apply_and_run("Shop")
        self.change(10)
        self.apply_and_run("Shop")
        self.assertEqual(self.mode(), "incremental")


if __name__ == "__main__":
    unittest.main()
