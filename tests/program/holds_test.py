"""Batches that wait: what holds one and what does not, who lets it go, and what a crash in between changes."""

import json
import os
import pathlib
import signal
import time
import unittest

from project import Project

SCHEDULED = "UPDATE yellow.stream SET last_opened_at = last_opened_at - interval '400 days' WHERE key = 'Ingest/Main/Ledger'"

MODEL = """
kind: Datastore
name: Ledger
capture:
  sql_snapshot:
    container: ShopDB
    credential: shop_reader
    schedule: "0 0 1 1 *"     # no tick of it falls into a test
    guards: {max_deleted: 20%, may_become_empty: [notes]}
datasets:
  entries: {key: [id], columns: {id: integer, v: text not null}}
  notes: {key: [id], columns: {id: integer}}
---
kind: Workspace
name: Clerk
groups: {G: {sinks: ["Ledger.*"]}}
"""


class Holds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()
        cls.project.sql("ShopDB", "CREATE TABLE entries (id integer, v text); CREATE TABLE notes (id integer); GRANT SELECT ON entries, notes TO shop_reader")
        (cls.project.root / "model/ledger.yaml").write_text(MODEL)
        assert cls.project.yellow("apply").status == 0

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        self.source("TRUNCATE entries, notes; INSERT INTO entries SELECT g, 'v' || g FROM generate_series(1, 500) g; INSERT INTO notes VALUES (1)")
        self.run_program("Ledger")

    def tearDown(self):
        self.assertEqual(self.project.broken_invariants(), {})

    def source(self, statements):
        self.project.sql("ShopDB", statements)

    def run_program(self, *arguments, status=0):
        result = self.project.yellow("run", *arguments)
        self.assertEqual(result.status, status, result)
        return result

    def batch(self, stream="Ledger"):
        return json.loads(self.project.yellow("batches", "show", stream, "--output", "json").out)

    def entries(self):
        return int(self.project.sql("MergeDB", "SELECT count(*) FROM ws_clerk.g__ledger__entries")[0][0])

    def lose_most(self):
        """A batch that the guard holds; returns its number."""
        self.source("DELETE FROM entries WHERE id > 100")
        self.run_program("Ledger", status=1)
        held = self.batch()
        self.assertEqual((held["state"], held["reason"]["code"]), ("held", "mass_delete"))
        self.assertEqual(self.entries(), 500, "consumers see what they saw")
        return held["id"]

    def release(self):
        self.assertEqual(self.project.yellow("batches", "release", "Ledger").status, 0)

    def test_a_large_table_follows_its_source_and_is_held_for_a_key_that_comes_twice(self):
        self.source("INSERT INTO entries SELECT g, 'v' || g FROM generate_series(501, 20000) g")
        self.run_program("Ledger")
        difference = "UPDATE entries SET v = 'changed' WHERE id % 100 = 0; DELETE FROM entries WHERE id % 100 = 1; INSERT INTO entries SELECT g, 'new' FROM generate_series(20001, 20100) g;"
        for twice in ("INSERT INTO entries VALUES (7, 'v7')", "INSERT INTO entries VALUES (20001, 'other')"):
            self.source(difference + twice)
            self.run_program("Ledger", status=1)
            held = self.batch()
            self.assertEqual((held["state"], held["reason"]["code"]), ("held", "duplicate_key"))
            self.assertIn("2 rows break the rule that the key (id) is unique", held["reason"]["text"])
            self.assertEqual(self.entries(), 20000)
            self.source("DELETE FROM entries WHERE ctid IN (SELECT max(ctid) FROM entries GROUP BY id HAVING count(*) > 1)")
            difference = ""
        self.run_program("Ledger")
        rows = "SELECT id, v FROM {} ORDER BY id"
        self.assertEqual(self.project.sql("MergeDB", rows.format("ws_clerk.g__ledger__entries")), self.project.sql("ShopDB", rows.format("entries")))
        counters = self.project.sql("MergeDB", "SELECT inserted, updated, deleted, unchanged FROM yellow.batch_dataset WHERE dataset = 'entries' ORDER BY batch DESC LIMIT 1")
        self.assertEqual(counters, [("100", "200", "200", "19600")])
        self.source("DELETE FROM entries WHERE id > 500")  # as the other tests expect it
        self.run_program("Ledger", status=1)
        self.release()
        self.run_program()

    def test_a_held_batch_is_read_again_at_the_next_schedule_and_goes_on_by_itself(self):
        number = self.lose_most()
        self.assertIn("batch %d is held: entries would lose 400 of 500 rows" % number, self.run_program(status=1).out)
        self.assertEqual(self.batch()["state"], "held", "not before its schedule")
        self.source("INSERT INTO entries SELECT g, 'again' FROM generate_series(101, 450) g")
        self.project.sql("MergeDB", SCHEDULED)
        self.run_program()
        batch = self.batch()
        self.assertEqual((batch["id"], batch["state"], batch["reason"]), (number, "committed", None))
        self.assertEqual(self.entries(), 450)

    def test_still_bad_at_the_next_schedule_it_stays_held_under_its_number(self):
        number = self.lose_most()
        self.project.sql("MergeDB", SCHEDULED)
        self.run_program(status=1)
        self.assertEqual((self.batch()["id"], self.batch()["state"]), (number, "held"))

    def test_a_release_goes_on_from_what_was_staged(self):
        number = self.lose_most()
        self.source("DELETE FROM entries WHERE id > 50")
        self.release()
        self.run_program()
        batch = self.batch()
        self.assertEqual((batch["id"], batch["state"], batch["released"]), (number, "committed", True))
        self.assertEqual(self.entries(), 100, "what the person saw, not what came after")

    def test_a_release_reads_again_when_a_crash_took_the_staging(self):
        number = self.lose_most()
        self.source("DELETE FROM entries WHERE id > 50")
        self.release()
        data = self.project.sql("MergeDB", "SHOW data_directory")[0][0]
        postmaster = int(pathlib.Path(data, "postmaster.pid").read_text().splitlines()[0])
        os.kill(postmaster, signal.SIGQUIT)     # no checkpoint: unlogged tables are emptied
        while pathlib.Path(f"/proc/{postmaster}").exists():
            time.sleep(0.05)
        self.run_program()
        self.assertEqual((self.batch()["id"], self.batch()["state"]), (number, "committed"))
        self.assertEqual(self.entries(), 50)

    def test_a_release_is_for_guards_only(self):
        self.source("UPDATE entries SET v = NULL WHERE id = 7")
        self.run_program("Ledger", status=1)
        refused = self.project.yellow("batches", "release", "Ledger")
        self.assertEqual(refused.status, 2, refused)
        self.assertIn("cannot be released", refused.err)
        self.assertIn("mend it at the source", refused.err)
        self.run_program(status=1)
        self.assertEqual(self.batch()["state"], "held")

    def test_a_rejected_batch_leaves_its_number_behind(self):
        number = self.lose_most()
        self.assertEqual(self.project.yellow("batches", "reject", "Ledger").status, 0)
        self.assertEqual(self.batch()["state"], "rejected")
        self.source("INSERT INTO entries SELECT g, 'again' FROM generate_series(101, 500) g")
        self.run_program("Ledger")
        self.assertEqual((self.batch()["id"], self.batch()["state"]), (number + 1, "committed"))

    def test_a_table_that_may_become_empty(self):
        self.source("TRUNCATE notes")
        self.run_program("Ledger")
        self.source("INSERT INTO notes VALUES (1); TRUNCATE entries")
        self.run_program("Ledger", status=1)
        self.assertEqual(self.batch()["reason"]["code"], "emptied")
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM ws_clerk.g__ledger__notes"), [("0",)], "all of a batch, or nothing")

    def test_what_is_no_hold(self):
        """A table that is empty at first load, and columns of the source that the model does not name: those are shown."""
        self.source('CREATE TABLE fresh (id integer, v text, "odd ""name""" text, later integer); GRANT SELECT ON fresh TO shop_reader')
        (self.project.root / "model/fresh.yaml").write_text("""
kind: Datastore
name: Fresh
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {fresh: {key: [id], columns: {id: integer, v: text}}}
---
kind: Workspace
name: FreshReader
groups: {G: {sinks: [Fresh.fresh]}}
""")
        self.run_program("--apply")
        batch = self.batch("Fresh")
        self.assertEqual((batch["state"], batch["datasets"][0]["staged"]), ("committed", 0))
        self.assertEqual(batch["ignored"], ['fresh.odd "name"', "fresh.later"])
        words = 'ot read, because the model does not name them: fresh.odd "name", fresh.later'
        self.assertIn("N" + words, self.project.yellow("batches", "show", "Fresh").out)
        self.assertIn("n" + words, self.project.yellow("explain", "Fresh").out)
        self.source('INSERT INTO fresh VALUES (1, \'a\'); ALTER TABLE fresh DROP COLUMN "odd ""name""", DROP COLUMN later')
        self.run_program("Fresh")
        self.assertNotIn("ot read", self.project.yellow("batches", "show", "Fresh").out)
        self.source("DELETE FROM fresh")
        self.run_program("Fresh", status=1)
        self.assertIn("fresh had 1 rows, now none", self.batch("Fresh")["reason"]["text"])


if __name__ == "__main__":
    unittest.main()
