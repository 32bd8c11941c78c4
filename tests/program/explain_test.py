"""`yellow explain` says what was decided, when, about which batches, and what helps; what it says comes from what was recorded."""

import json
import re
import unittest

from project import Project, without_dates

WORKER = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  retries: 1
  output: {datastore: Work, datasets: {people: {key: [id], columns: {id: varchar(20)}}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""

# A second source whose table may not be there.
LATE = """
kind: Datastore
name: Late
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {late: {key: [id], columns: {id: integer}}}
---
kind: Workspace
name: Patient
groups: {In: {sinks: [Shop.customers, Late.late]}}
transformer:
  code: {sql: patient/}
  output: {datastore: Waited, datasets: {late: {like: Late.late}}}
---
kind: Workspace
name: PatientReader
groups: {Now: {sinks: [Waited.late]}}
"""


class Explain(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()

    def explain(self, *arguments):
        result = self.project.yellow("explain", *arguments)
        self.assertEqual(result.status, 0, result)
        return without_dates(result.out)

    def json(self, *arguments):
        return json.loads(self.explain(*arguments, "--output", "json"))

    def change(self, name):
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = '{name}' WHERE id = 'C00010'")

    def test_what_ran_and_what_it_waits_for(self):
        text = self.explain("MaskShop")
        self.assertRegex(text, r"MaskShop last ran \d\d:\d\d:\d\d \(run [0-9a-f]{20}, \d+\.\d s, full, committed\): new batches: "
                               r"Shop.addresses has batch 2, Shop.customers has batch 2\.")
        self.assertIn("It has consumed Shop.addresses up to batch 2, Shop.customers up to batch 2.", text)
        self.assertRegex(text, r"Decided \d\d:\d\d:\d\d: MaskShop is not due: there is no batch of Shop.addresses after 2, Shop.customers after 2\.\n"
                               r"Shop is not due\. It is read next at 00:00:00\.")
        self.assertIn("Before that:\n", text)
        self.assertIn("its definition is new or has changed", text)
        document = self.json("MaskShop")
        self.assertEqual(document["verdict"]["code"], "no_new_batch")
        self.assertRegex(document["verdict"]["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual((document["key"], document["last_run"]["state"], document["last_run"]["output_batch"]), ("Transform/Main/MaskShop", "committed", 2))
        self.assertEqual([c["key"] for c in document["consumed"]], ["Shop.addresses", "Shop.customers"])
        self.assertEqual(document["history"][0]["code"], "due_new_batch")
        self.assertEqual(document["history"][0]["batches"], {"Shop.addresses": [1, 2], "Shop.customers": [1, 2]})
        self.assertRegex(self.explain("Shop"), r"Shop's newest batch is 2, committed \d\d:\d\d:\d\d: 3 inserted, 2 updated, 2 deleted, 6996 unchanged\.\n")
        self.assertRegex(self.explain("ShopMasked"), r"ShopMasked's newest batch is 2, committed \d\d:\d\d:\d\d by run [0-9a-f]{20}: 3 inserted")
        self.assertIn("Trigger/Main/MaskShop decides nothing: it follows Transform/Main/MaskShop by itself.", self.explain("Trigger/Main/MaskShop"))
        export = self.json("Export/Main/MergeDB/ShopMasked/customers")
        self.assertEqual((export["follows"], export["decided_with"], export["verdict"]["code"]),
                         ("Ingest/Main/ShopMasked", "Transform/Main/MaskShop", "no_new_batch"))

    def test_the_verdict_is_what_was_decided_and_not_what_would_be(self):
        before = self.json("Shop")
        self.assertIsNone(before["now"])
        self.project.sql("MergeDB", "UPDATE yellow.stream SET last_opened_at = last_opened_at - interval '1 year'")
        after = self.json("Shop")
        self.assertEqual(after["verdict"], before["verdict"], "nobody has decided since")
        self.assertEqual(after["now"]["code"], "due_schedule")
        self.assertRegex(self.explain("Shop"), r"Decided [^\n]*is not due[^\n]*\nIf yellow ran now: Shop is due: its schedule had a tick at")
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM yellow.event WHERE kind = 'verdict'"), [("0",)])

    def test_a_batch_is_followed_into_every_transformer(self):
        counted = self.explain("Shop", "--batch", "2")
        self.assertRegex(counted, r"Batch 2 of Ingest/Main/Shop \(model version 1\) is committed .*\nWhat was decided about it:\n  .*\n  .*Shop is due: a batch was asked for")
        self.assertRegex(counted, r"MaskShop counted Shop.addresses, Shop.customers of it in run [0-9a-f]{20}, committed \d\d:\d\d:\d\d\.")
        self.project.yellow("run", "Shop")
        unchanged = self.explain("Shop", "--batch", "3")
        self.assertRegex(unchanged, r"MaskShop consumed Shop.addresses, Shop.customers of it without a run at \d\d:\d\d:\d\d: no row changed\.\n"
                                    r"  \d\d:\d\d:\d\d  MaskShop needs no run: no row changed in batch 3 of Shop.addresses, batch 3 of Shop.customers\.")
        self.project.yellow("streams", "pause", "ShopMasked")
        self.change("Waits")
        self.assertEqual(self.project.yellow("run", "Shop").status, 0)
        waiting = self.explain("Shop", "--batch", "4")
        self.assertRegex(waiting, r"MaskShop has not consumed Shop.addresses, Shop.customers of it yet\.\n"
                                  r"  \d\d:\d\d:\d\d  MaskShop is paused with its output ShopMasked\. It goes on after: yellow streams resume ShopMasked")
        states = {b: self.json("MaskShop", "--batch", b)[0]["consumers"][0]["state"] for b in "234"}
        self.assertEqual(states, {"2": "counted", "3": "without_run", "4": "waiting"})
        self.assertEqual(self.project.yellow("explain", "Shop", "--batch", "99").status, 2)
        self.project.yellow("streams", "resume", "ShopMasked")
        self.assertEqual(self.project.yellow("run").status, 0)
        self.assertEqual(self.json("MaskShop", "--batch", "4")[0]["consumers"][0]["state"], "counted")

    def test_a_pause(self):
        self.assertEqual(self.project.yellow("streams", "pause", "Shop").status, 0)
        asked = self.project.yellow("run", "Shop")
        self.assertEqual(asked.status, 1)
        self.assertIn("Shop is paused. It goes on after: yellow streams resume Shop", asked.out)
        self.assertIn("Shop is paused.", self.explain("Shop"))
        listed = json.loads(self.project.yellow("streams", "list", "--output", "json").out)
        self.assertEqual({s["name"]: s["state"] for s in listed}, {"Shop": "paused", "ShopMasked": "ok"})
        self.project.yellow("streams", "resume", "Shop")
        self.assertIn("batch 3 committed", self.project.yellow("run", "Shop").out, "what was asked for while it was paused")

    def test_a_hold(self):
        self.project.sql("ShopDB", "DELETE FROM customers WHERE id > 'C02000'")
        self.assertEqual(self.project.yellow("run", "Shop").status, 1)
        text = self.explain("Shop")
        self.assertRegex(text, r"Decided [^\n]*Shop waits, because its batch 3 is held: [^\n]* would lose \d+ of \d000 rows, more than max_deleted allows: 20%\. It is read again at 00:00:00, or at once "
                               r"with: yellow run Shop\. If it is right as it is: yellow batches release Shop")
        self.assertIn("MaskShop does not see Shop.addresses, Shop.customers of it, because it is not committed.", self.explain("Shop", "--batch", "3"))

    def test_failures_back_off_and_are_given_up(self):
        (self.project.root / "model/worker").mkdir()
        (self.project.root / "model/worker.yaml").write_text(WORKER)
        (self.project.root / "model/worker/main.py").write_text("import sys; sys.exit(3)\n")
        self.assertEqual(self.project.yellow("run", "--apply").status, 1)
        text = self.explain("Worker")
        self.assertRegex(text, r"Decided [^\n]*Worker failed once, last in run [0-9a-f]{20}: the code ended with exit status 3\. Try 2 of 2 begins at "
                               r"\d\d:\d\d:\d\d, or at once with: yellow runs retry Worker")
        self.assertIn("It ended so: the code ended with exit status 3", text)
        self.assertRegex(self.explain("Shop", "--batch", "2"), r"Worker has not consumed Shop.customers of it yet\.\n  \S+  run [0-9a-f]{20} took it and is failed: the code")
        self.project.sql("MergeDB", "UPDATE yellow.transformer SET retry_at = clock_timestamp() WHERE workspace = 'Worker'")
        self.assertEqual(self.project.yellow("run").status, 1)
        self.assertRegex(self.explain("Worker"), r"Decided [^\n]*Worker failed 2 times, last in run [0-9a-f]{20}: the code ended with exit status 3\. It was given "
                                                 r"up, and is due again by a new batch, a changed definition, or: yellow runs retry Worker")
        self.assertEqual(self.json("Worker")["verdict"]["code"], "gave_up")

    def test_waiting_for_the_first_batch_of_an_input(self):
        (self.project.root / "model/patient").mkdir()
        (self.project.root / "model/late.yaml").write_text(LATE)
        (self.project.root / "model/patient/late.sql").write_text("SELECT id FROM Late.late")
        self.assertEqual(self.project.yellow("run", "--apply").status, 1)
        text = self.explain("Patient")
        self.assertIn("Patient waits for the first batch of Late.late. Why there is none: yellow explain Late", text)
        self.assertRegex(text, r"Late waits, because its batch 1 is held: Late.late: the table public.late is not there")

    def test_old_verdicts_go(self):
        self.project.sql("MergeDB", "INSERT INTO yellow.verdict (node, code, sentence) SELECT 'Ingest/Main/Shop', 'old', 'verdict ' || n "
                                    "FROM generate_series(1, 2000) n")
        self.project.yellow("run", "Shop")
        rows = self.project.sql("MergeDB", "SELECT count(*), count(*) FILTER (WHERE code <> 'old') FROM yellow.verdict WHERE node = 'Ingest/Main/Shop'")
        self.assertEqual(rows[0][0], "500")
        self.assertGreaterEqual(int(rows[0][1]), 1, "the newest stay")
        self.assertTrue(re.match(r"Shop is not due", self.json("Shop")["verdict"]["text"]))


if __name__ == "__main__":
    unittest.main()
