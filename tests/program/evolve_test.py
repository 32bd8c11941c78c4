"""Models that change, on data that is there: nothing is lost, what cannot be done is refused before anything is touched."""

import unittest

from project import Project


class Evolution(unittest.TestCase):
    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.close)
        self.project.demo()

    def edit(self, file, old, new):
        path = self.project.root / "model" / file
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new))

    def run_apply(self, *nodes):
        result = self.project.yellow("run", "--apply", *nodes)
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.broken_invariants(), {})
        return result

    def test_new_column_and_wider_type_reach_the_output(self):
        self.project.sql("ShopDB", "ALTER TABLE customers ADD COLUMN loyalty integer; UPDATE customers SET loyalty = 7 WHERE id = 'C00010'")
        self.edit("shop.yaml", "dob: {type: date, classification: pii.birth}", "dob: {type: date, classification: pii.birth}\n      loyalty: integer")
        self.edit("shop.yaml", "city: {type: varchar(100)", "city: {type: varchar(300)")
        self.edit("mask/customers.sql", "AS dob", "AS dob, loyalty")
        before = self.project.sql("MergeDB", "SELECT count(*) FROM dp_main.shopmasked__customers")
        plan = self.project.yellow("plan").out
        self.assertIn("column loyalty is new in the model", plan)
        self.assertIn("character varying(100) becomes character varying(300)", plan)
        self.run_apply("Shop")
        self.assertEqual(self.project.sql("MergeDB", "SELECT loyalty FROM ws_analysts.now__shopmasked__customers WHERE id = 'C00010'"), [("7",)])
        after = self.project.sql("MergeDB", "SELECT count(*) FROM dp_main.shopmasked__customers")
        self.assertEqual(int(after[0][0]), int(before[0][0]) + 1, "history has one new version, of the one row that changed")
        self.assertIn("Nothing to do", self.project.yellow("apply").out)
        self.project.sql("ShopDB", "ALTER TABLE addresses ALTER city TYPE text; UPDATE addresses SET city = repeat('x', 250) WHERE id = 'A00011'")
        self.run_apply("Shop")

    def test_what_is_new_in_a_store_is_read_at_once(self):
        """Not at its next schedule; and nobody runs on tables that were never read."""
        self.project.sql("ShopDB", "ALTER TABLE addresses ADD COLUMN floor integer; UPDATE addresses SET floor = 3 WHERE id = 'A00010';"
                                   "CREATE TABLE orders (id integer PRIMARY KEY, total numeric); INSERT INTO orders SELECT n, n FROM generate_series(1, 9) n;"
                                   "GRANT SELECT ON orders TO shop_reader")
        self.edit("shop.yaml", "    schedule: \"*/5 * * * *\"\n", "")
        self.run_apply()
        self.edit("shop.yaml", "      country: {type: char(2), classification: internal}", "      country: {type: char(2), classification: internal}\n      floor: integer\n"
                               "  orders: {key: [id], columns: {id: integer, total: numeric}}")
        self.edit("mask_shop.yaml", "drop: [street]", "drop: [street, floor]")
        self.project.write("model/sums/sums.sql", "SELECT 1 AS one, sum(total) AS total, (SELECT sum(floor) FROM Shop.addresses) AS floors FROM Shop.orders")
        self.project.write("model/sums.yaml", """
kind: Workspace
name: Sums
groups: {In: {sinks: [Shop.orders, Shop.addresses]}}
transformer:
  code: {sql: sums/}
  output: {datastore: SumStore, datasets: {sums: {key: [one], columns: {one: integer, total: numeric, floors: bigint}}}}
---
kind: Workspace
name: SumReader
groups: {Now: {sinks: [SumStore.sums]}}
""")
        stopped = self.project.yellow("apply")
        self.assertEqual(stopped.status, 0, stopped)
        self.assertRegex(self.project.yellow("explain", "Sums").out, r"If yellow ran now: Sums waits for the first batch of Shop.orders")
        self.assertIn("If yellow ran now: Shop is due: a batch was asked for", self.project.yellow("explain", "Shop").out)
        self.run_apply()
        self.assertEqual(self.project.sql("MergeDB", "SELECT total, floors FROM ws_sumreader.now__sumstore__sums"), [("45", "3")])
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM yellow.run WHERE transformer = 'Transform/Main/Sums'"), [("1",)])
        self.assertIn("Nothing is due", self.run_apply().out)
        # A column alone.
        self.project.sql("ShopDB", "ALTER TABLE orders ADD COLUMN tax numeric DEFAULT 2; GRANT SELECT ON orders TO shop_reader")
        self.edit("shop.yaml", "total: numeric}", "total: numeric, tax: numeric}")
        self.edit("sums/sums.sql", "sum(total) AS total", "sum(total + tax) AS total")
        self.run_apply()
        self.assertEqual(self.project.sql("MergeDB", "SELECT total FROM ws_sumreader.now__sumstore__sums"), [("63",)])

    def test_a_dataset_that_becomes_forensic_keeps_its_rows(self):
        self.edit("analysts.yaml", "sinks: [ShopMasked.customers]", 'sinks: ["ShopMasked.*"]')
        before = self.project.sql("MergeDB", "SELECT * FROM ws_analysts.now__shopmasked__addresses ORDER BY id")
        self.run_apply()
        self.assertEqual(self.project.sql("MergeDB", "SELECT * FROM ws_analysts.now__shopmasked__addresses ORDER BY id"), before)
        self.project.sql("ShopDB", "UPDATE addresses SET city = 'Braga' WHERE id = 'A00012'")
        self.run_apply("Shop")
        versions = self.project.sql("MergeDB", "SELECT city, yellow_to IS NULL FROM ws_analysts.history__shopmasked__addresses__history "
                                               "WHERE id = 'A00012' ORDER BY yellow_batch_in")
        self.assertEqual([v[1] for v in versions], ["f", "t"])
        self.assertEqual(versions[1][0], "Braga")
        # Back again would lose the history: only when it is asked for.
        self.edit("analysts.yaml", 'requires: {milestoning: forensic}, sinks: ["ShopMasked.*"]', "requires: {milestoning: forensic}, sinks: [ShopMasked.customers]")
        refused = self.project.yellow("apply")
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("--allow-destroy", refused.err)
        destroyed = self.project.yellow("apply", "--allow-destroy")
        self.assertEqual(destroyed.status, 0, destroyed)
        self.run_apply("Shop")

    def test_a_foreign_view_is_named_and_nothing_is_touched(self):
        self.project.sql("MergeDB", "CREATE SCHEMA other; CREATE VIEW other.report AS SELECT city FROM ws_analysts.now__shopmasked__addresses")
        self.edit("shop.yaml", "city: {type: varchar(100)", "city: {type: varchar(300)")
        refused = self.project.yellow("apply")
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("other.report", refused.err)
        self.assertEqual(len(self.project.sql("MergeDB", "SELECT city FROM other.report")), 4000)
        self.project.sql("MergeDB", "DROP SCHEMA other CASCADE")
        self.assertEqual(self.project.yellow("apply").status, 0)

    def test_a_narrower_type_is_refused_before_anything_happens(self):
        self.edit("shop.yaml", "city: {type: varchar(100)", "city: {type: varchar(10)")
        refused = self.project.yellow("apply")
        self.assertEqual(refused.status, 1, refused)
        self.assertIn("Y801", refused.err)
        self.assertIn("model version 1 (files are newer: yellow plan)", self.project.yellow("status").out)

    def test_a_removed_workspace_loses_its_views_and_no_data(self):
        (self.project.root / "model/analysts.yaml").unlink()
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM pg_views WHERE schemaname = 'ws_analysts'"), [("0",)])
        self.assertGreater(int(self.project.sql("MergeDB", "SELECT count(*) FROM dp_main.shopmasked__customers")[0][0]), 2900)

    def test_a_saved_plan_is_refused_when_it_is_stale(self):
        self.edit("analysts.yaml", "name: Analysts", "name: Analysts2")
        plan = str(self.project.base / "plan.json")
        self.assertEqual(self.project.yellow("plan", "-o", plan).status, 0)
        self.edit("analysts.yaml", "name: Analysts2", "name: Analysts3")
        stale = self.project.yellow("apply", plan)
        self.assertEqual(stale.status, 3, stale)
        self.assertIn("stale", stale.err)
        self.edit("analysts.yaml", "name: Analysts3", "name: Analysts2")
        self.assertEqual(self.project.yellow("apply", plan).status, 0)

    def test_readers_come_and_go_with_the_model(self):
        self.project.sql("MergeDB", "CREATE ROLE tableau LOGIN PASSWORD 'reader-password-for-the-test'")
        self.edit("analysts.yaml", "priority: high", "priority: high\nreaders: [tableau]")
        self.run_apply()
        rights = "SELECT has_table_privilege('tableau', 'ws_analysts.now__shopmasked__customers', 'SELECT'), " \
                 "has_table_privilege('tableau', 'dp_main.shop__customers', 'SELECT'), has_database_privilege('tableau', current_database(), 'CONNECT')"
        self.assertEqual(self.project.sql("MergeDB", rights), [("t", "f", "t")])
        self.edit("analysts.yaml", "readers: [tableau]\n", "")
        self.run_apply()
        self.assertEqual(self.project.sql("MergeDB", rights), [("f", "f", "f")])

    def test_stores_without_key_and_with_single_datasets(self):
        self.project.sql("ShopDB", "CREATE TABLE log (line text, at timestamptz(0), doc json); INSERT INTO log VALUES ('a', 'epoch', '{}'), ('a', 'epoch', '{}'), (NULL, NULL, '{ }');"
                                   "CREATE TABLE item (id int PRIMARY KEY); INSERT INTO item VALUES (1); GRANT SELECT ON log, item TO shop_reader")
        (self.project.root / "model/single.yaml").write_text("""
kind: Datastore
name: Logs
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader, consistency: single_dataset}}
datasets:
  lines: {table: log, columns: {line: text, at: timestamptz(0), doc: json}}
  item: {key: [id], columns: {id: bigint}}
---
kind: Workspace
name: LogReader
groups: {G: {sinks: ["Logs.*"]}}
""")
        self.run_apply()
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*), count(DISTINCT doc::text) FROM ws_logreader.g__logs__lines"), [("3", "2")])
        self.project.sql("ShopDB", "DELETE FROM log WHERE ctid = (SELECT min(ctid) FROM log); ALTER TABLE item RENAME TO gone")
        result = self.project.yellow("run", "Logs.lines", "Logs.item")
        self.assertEqual(result.status, 1, result)
        self.assertIn("the table public.item is not there", result.out)
        self.assertEqual(self.project.sql("MergeDB", "SELECT count(*) FROM ws_logreader.g__logs__lines"), [("2",)], "the other stream went on")

    def test_two_platforms_in_two_databases(self):
        (self.project.root / "model/ecosystem.yaml").write_text("""
kind: Ecosystem
name: Acme
containers: {MergeDB: {postgres: {database: merge}}, Other: {postgres: {database: other-merge}}}
platforms: {Main: {container: MergeDB}, Side: {container: Other, milestoning: [live]}}
""")
        (self.project.root / "model/side.yaml").write_text("""
kind: Datastore
name: SideShop
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {addresses: {key: [id], columns: {id: text, city: text}}}
---
kind: Workspace
name: SideReader
groups: {G: {requires: {platform: Side}, sinks: [SideShop.addresses]}}
""")
        self.edit("analysts.yaml", "Now: {requires: {milestoning: live}", "Now: {requires: {milestoning: live, platform: Main}")
        self.edit("mask_shop.yaml", "Original: {sinks", "Original: {requires: {platform: Main}, sinks")
        environment = self.project.root / "environments/local.yaml"
        environment.write_text(environment.read_text().replace("  ShopDB: embedded", "  ShopDB: embedded\n  Other: embedded"))
        self.run_apply("Shop", "SideShop")
        count = self.project.yellow("sql", "-w", "SideReader", "-c", "SELECT count(*) FROM g__sideshop__addresses")
        self.assertIn("4000", count.out)
        self.assertEqual(self.project.yellow("batches", "show", "SideShop").status, 0)
        self.assertEqual(self.project.yellow("explain", "SideShop").status, 0)
        self.assertIn("Nothing to do", self.project.yellow("apply").out)


if __name__ == "__main__":
    unittest.main()
