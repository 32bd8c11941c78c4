"""on_bad_rows: quarantine. Bad rows are set aside and counted, up to a limit; no consumer loses a row because it has turned bad at its source."""

import json
import random
import unittest

from project import Project

MODEL = """
kind: Datastore
name: TILL
capture:
  sql_snapshot: {container: ShopDB, credential: shop_reader, on_bad_rows: quarantine, guards: {max_rejected: 40%, may_become_empty: [sales]}}
datasets:
  sales:
    table: SALES
    key: [id]
    columns: {id: varchar(4), shop: varchar(10) not null, amount: "numeric(5,2)"}
  notes:
    table: NOTES
    columns: {line: varchar(6)}
---
kind: Workspace
name: CLERK
groups:
  Now: {requires: {milestoning: live}, sinks: ["TILL.*"]}
  History: {requires: {milestoning: forensic}, sinks: [TILL.sales]}
"""

GOOD = [("1", "north", "1.00"), ("2", "north", "2.00"), ("3", "south", "3.00"), ("4", "south", "4.00"), ("5", "west", "5.00"), ("6", "west", "6.00")]

# Of every committed batch: the rows that lie in the table of those set aside, and the counter.
MISCOUNTED = """
SELECT d.batch, d.dataset, d.rejected, found.n FROM yellow.batch_dataset d, LATERAL (
  SELECT count(*) AS n FROM (SELECT 'sales' AS dataset, * FROM dp_main.rej__TILL__sales UNION ALL SELECT 'notes', * FROM dp_main.rej__TILL__notes) r
  WHERE r.dataset = d.dataset AND yellow_batch_in <= d.batch AND yellow_batch_out > d.batch) found
WHERE d.stream = 'Ingest/Main/TILL' AND d.rejected <> found.n"""


class Quarantine(unittest.TestCase):
    """Each test has a store, tables and a workspace of its own."""

    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()
        cls.stores = 0

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        type(self).stores += 1
        n = self.stores
        self.names = {"TILL": f"Till{n}", "CLERK": f"Clerk{n}", "SALES": f"sales{n}", "NOTES": f"notes{n}"}
        self.project.sql("ShopDB", self.named("CREATE TABLE SALES (id text, shop text, amount numeric); CREATE TABLE NOTES (line text);"
                                              "GRANT SELECT ON SALES, NOTES TO shop_reader"))
        (self.project.root / "model/till.yaml").write_text(self.named(MODEL))
        self.source(GOOD)
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.now(), GOOD)

    def named(self, text):
        for name, own in self.names.items():
            text = text.replace(name, own)
        return text

    def merged(self, query):
        return self.project.sql("MergeDB", self.named(query))

    def till(self, *arguments, **settings):
        return self.project.yellow(*[self.named(a) for a in arguments], **settings)

    def source(self, rows, notes=()):
        quote = lambda v: "NULL" if v is None else "'" + v.replace("'", "''") + "'"
        values = lambda table, rows: f"INSERT INTO {table} VALUES " + ", ".join("(" + ", ".join(map(quote, row)) + ")" for row in rows) + ";" if rows else ""
        self.project.sql("ShopDB", self.named("TRUNCATE SALES, NOTES;") + values(self.named("SALES"), rows) + values(self.named("NOTES"), [(n,) for n in notes]))

    def run_till(self, status=0):
        result = self.till("run", "TILL")
        self.assertEqual(result.status, status, result)
        self.assertEqual(self.project.broken_invariants(), {})
        self.assertEqual(self.merged(MISCOUNTED), [])
        return result.out

    def now(self):
        return self.merged("SELECT * FROM ws_CLERK.now__TILL__sales ORDER BY id")

    def shown(self, *arguments):
        return json.loads(self.till("batches", "show", "TILL", *arguments, "--output", "json").out)

    def test_every_kind_of_bad_row(self):
        self.source([("1", "north", "1.50"),                              # changed
                     ("2", "north", "2.00"), ("2", "south", "9.00"),      # two of one key
                     ("3", None, "3.00"),                                 # not null
                     ("4", "much too long", "4.00"),
                     ("5", "west", "5.001"),                              # would have to be rounded
                     (None, "east", "7.00"), ("eight", "east", "8.00"),   # no key
                     ("9", "east", "9.00"), ("10", "east", "9.99"), ("11", "east", None), ("12", "e", "1"), ("13", "e", "1"), ("14", "e", "1"),
                     ("15", "e", "1"), ("16", "e", "1"), ("17", "e", "1"), ("18", "e", "1")], notes=["fits", "does not fit", "fits"])
        out = self.run_till()
        self.assertIn("8 set aside", out)
        rows = {row[0]: row for row in self.now()}
        self.assertEqual(rows["1"], ("1", "north", "1.50"))
        for n, bad in enumerate(["2", "3", "4", "5"]):
            self.assertEqual(rows[bad], GOOD[n + 1], "a key that came in bad rows only keeps its last good version")
        self.assertNotIn("6", rows, "who is gone at the source is gone")
        self.assertEqual(rows["11"], ("11", "east", None))
        self.assertEqual(self.merged("SELECT * FROM ws_CLERK.now__TILL__notes"), [("fits",), ("fits",)])
        aside = self.merged("SELECT yellow_rule, yellow_row::json ->> 'id', yellow_reason FROM dp_main.rej__TILL__sales ORDER BY 1, 2")
        self.assertEqual(aside, [("duplicate_key", "2", "the key (id) is unique"), ("duplicate_key", "2", "the key (id) is unique"),
                                 ("not_null", "3", "column shop is not null"), ("null_key", None, "column id is not null"),
                                 ("out_of_range", "5", "column amount is numeric(5,2)"), ("too_long", "4", "column shop is character varying(10)"),
                                 ("too_long", "eight", "column id is character varying(4)")])
        shown = self.shown()
        counts = {d["key"]: d for d in shown["datasets"]}
        self.assertEqual((counts["sales"]["staged"], counts["sales"]["rejected"]), (11, 7))
        self.assertEqual((counts["notes"]["staged"], counts["notes"]["rejected"]), (2, 1))
        duplicates = next(r for r in shown["rejected"] if r["reason"]["code"] == "duplicate_key")
        self.assertEqual((duplicates["key"], duplicates["rows"], duplicates["table"]), ("sales", 2, self.named("dp_main.rej__TILL__sales").lower()))
        self.assertEqual(json.loads(duplicates["example"])["id"], "2")
        text = self.till("batches", "show", "TILL").out
        self.assertIn('Set aside: 1 of notes, because of the rule that column line is character varying(6); for example {"line":"does not fit"}', text)
        self.assertIn("8 rows set aside   yellow batches show " + self.named("TILL"), self.till("status").out)
        self.assertIn("8 set aside", self.till("explain", "TILL").out)
        self.assertIn("8 set aside", self.till("explain", "TILL", "--batch", "2").out)

    def test_what_is_mended_comes_back_and_what_stays_bad_stays_once(self):
        self.source(GOOD[:4] + [("5", None, "5.00"), ("6", None, "6.00")])
        self.run_till()
        self.run_till()
        self.source(GOOD[:4] + [("5", "mended", "5.00"), ("6", None, "6.00")])
        self.run_till()
        self.assertEqual(self.now(), GOOD[:4] + [("5", "mended", "5.00"), GOOD[5]])
        aside = "SELECT yellow_row::json ->> 'id', yellow_batch_in, yellow_batch_out FROM dp_main.rej__TILL__sales ORDER BY 1"
        self.assertEqual(self.merged(aside), [("5", "2", "4"), ("6", "2", "2147483647")])
        self.assertEqual([r["rows"] for n in (2, 3, 4) for r in self.shown(str(n))["rejected"]], [2, 2, 1])
        versions = "SELECT id, yellow_batch_in, yellow_batch_out FROM ws_CLERK.history__TILL__sales__history WHERE id >= '5' ORDER BY 1, 2"
        self.assertEqual(self.merged(versions), [("5", "1", "4"), ("5", "4", "2147483647"), ("6", "1", "2147483647")])
        # What has not been bad for as long as control state is kept, is forgotten.
        self.merged("UPDATE yellow.batch SET committed_at = committed_at - interval '91 days' WHERE stream = 'Ingest/Main/TILL'")
        self.assertEqual(self.till("run", "TILL").status, 0)
        self.assertEqual(self.merged(aside), [("6", "2", "2147483647")])

    def test_too_many_hold_and_can_be_released(self):
        self.source([("1", None, None), ("2", None, None), ("3", "much too long", None), ("4", "ok", "4.00")])
        out = self.run_till(status=1)
        self.assertIn("sales has 3 bad rows of 4, more than max_rejected allows: 40%", out)
        self.assertEqual(self.now(), GOOD)
        self.assertEqual(self.merged("SELECT count(*) FROM dp_main.rej__TILL__sales"), [("0",)])
        held = self.shown()
        self.assertEqual((held["state"], held["reason"]["code"]), ("held", "mass_reject"))
        self.assertIn('2 rows break the rule that column shop is not null; one of them is {"id":"1","shop":null,"amount":null}', held["reason"]["text"])
        self.assertIn('1 row breaks the rule that column shop is character varying(10); it is {"id":"3"', held["reason"]["text"])
        self.assertEqual(self.till("batches", "release", "TILL").status, 0)
        released = self.till("run")
        self.assertEqual(released.status, 0, released)
        self.assertEqual(self.now(), GOOD[:3] + [("4", "ok", "4.00")])
        self.run_till(status=1)

    def test_a_row_that_breaks_several_rules_counts_once(self):
        self.source(GOOD[2:] + [("1", None, "1.001"), ("1", None, "1.001")])
        self.assertIn("2 set aside", self.run_till())
        self.source(GOOD[3:] + [("1", None, "1.001"), ("1", None, "1.001"), (None, None, None)])
        self.assertIn("sales has 3 bad rows of 6", self.run_till(status=1))

    def test_kills_on_the_way(self):
        first = random.randrange(1, 6)
        for n in range(first, 500, 6):
            bad = (str(n % 6 + 1), None, f"{n}")
            self.source([row for row in GOOD if row[0] != bad[0]] + [bad], notes=["good", "good", "x" * (n % 9)])
            killed = self.till("run", "TILL", environment={"YELLOW_FAULT": f"*:{n}"})
            if killed.status == 0:
                break
            self.assertEqual(killed.status, -9, killed)
            self.run_till()
            self.assertEqual(self.now(), GOOD, f"first {first}, kill {n}: each row that has turned bad is as it was")
        self.assertGreater(n, 30, "fault points are missing")

    def test_nobody_but_the_engine_reads_them(self):
        rights = self.merged("""
          SELECT DISTINCT rolname FROM pg_roles, unnest(ARRAY['dp_main.rej__TILL__sales', 'dp_main.rej__TILL__notes']) t
          WHERE has_table_privilege(rolname, t, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') AND NOT rolsuper AND rolname !~ '^pg_' ORDER BY 1""")
        self.assertEqual(rights, [("yellow_engine",), ("yellow_owner",)])


if __name__ == "__main__":
    unittest.main()
