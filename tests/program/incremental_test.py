"""Transformers that follow changes: after any batches, kills and fallbacks their stores are what a full run would have made."""

import base64
import hmac
import os
import random
import subprocess
import time
import unittest

from project import YELLOW, Project

KEY = "a key for pseudonyms that only this test has"

# Runs when it is asked to, so that several batches lie between two runs; the mask follows it at once.
MODEL = """
kind: Workspace
name: Follow
groups:
  Live: {sinks: [Shop.customers]}
  Past: {requires: {milestoning: forensic}, sinks: [Shop.addresses]}
transformer:
  code: {sql: follow/}
  mode: incremental
  trigger: {cron: "0 0 1 1 *"}
  output:
    datastore: Followed
    guards: {max_deleted: 20%}
    datasets:
      customers: {key: [id], columns: {id: varchar(20), initials: varchar(10) not null, born: integer}}
      addresses: {like: Shop.addresses, drop: [street]}
---
kind: Workspace
name: Slow
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {sql: slow/}
  mode: incremental
  trigger: {cron: "0 0 1 1 *"}
  output:
    datastore: Slowly
    datasets: {names: {key: [id], columns: {id: varchar(20), name: text}}}
---
kind: Workspace
name: Pseudo
groups: {In: {sinks: [Followed.customers]}}
transformer:
  code:
    mask: {customers: {id: pseudonym, initials: redact}}
    mask_key: mask_key
  mode: incremental
  output:
    datastore: Pseudonyms
    datasets: {customers: {like: Followed.customers}}
---
kind: Workspace
name: Count
groups:
  In: {sinks: [Shop.addresses]}
  Own: {sinks: [Counted.links]}
transformer:
  code: {source: count/, command: [python3, main.py]}
  mode: incremental
  trigger: {cron: "0 0 1 1 *"}
  output:
    datastore: Counted
    datasets:
      links: {key: [id], columns: {id: varchar(20), customer_id: varchar(20) not null}}
      per_customer: {key: [customer_id], columns: {customer_id: varchar(20), n: bigint not null}}
---
kind: Workspace
name: Everyone
groups:
  Now: {sinks: [Followed.customers, Pseudonyms.customers, "Counted.*", Slowly.names]}
  Past: {requires: {milestoning: forensic}, sinks: [Followed.addresses]}
"""

CUSTOMERS_SQL = """
SELECT yellow_op, id, left(firstname, 1) || left(lastname, 1) AS initials, extract(year FROM dob)::integer AS born
FROM Shop.customers__changes
"""
SLOW_SQL = "SELECT c.yellow_op, c.id, concat_ws(' ', c.firstname, c.lastname) AS name FROM Shop.customers__changes c"
ADDRESSES_SQL = "SELECT * FROM Past.Shop.addresses__changes"

# Counts again what a change touches: the customer that an address has now, and by its own output the one it had before. One run in
# two reads without the snapshot.
COUNT_PY = """
import json, os, subprocess
inputs, outputs = json.loads(os.environ["YELLOW_INPUTS"]), json.loads(os.environ["YELLOW_OUTPUTS"])
addresses, own = inputs["In.Shop.addresses"], inputs["Own.Counted.links"]
links, per_customer = outputs["links"]["table"], outputs["per_customer"]["table"]
snapshot = f"SET TRANSACTION SNAPSHOT '{os.environ['YELLOW_SNAPSHOT']}';" if int(os.environ["YELLOW_RUN_ID"][-1], 16) % 2 else ""
print("mode", os.environ["YELLOW_MODE"], "with" if snapshot else "without", "snapshot", addresses["from_batch"], addresses["to_batch"])
assert os.environ["YELLOW_MODE"] in ("full", "incremental")
subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"], check=True, text=True, input=f'''
BEGIN ISOLATION LEVEL REPEATABLE READ; {snapshot}
INSERT INTO {links} (id, customer_id, yellow_op) SELECT id, CASE WHEN yellow_op <> 'D' THEN customer_id END, yellow_op FROM {addresses["changes"]};
INSERT INTO {per_customer} (customer_id, n, yellow_op)
SELECT c.customer_id, count(a.id), CASE count(a.id) WHEN 0 THEN 'D' ELSE 'I' END
FROM (SELECT customer_id FROM {addresses["changes"]}
      UNION SELECT l.customer_id FROM {own["table"]} l JOIN {addresses["changes"]} USING (id)) c
LEFT JOIN {addresses["table"]} a USING (customer_id) GROUP BY 1;
COMMIT;
''')
"""


def add_model(project):
    model = project.root / "model"
    (model / "follow.yaml").write_text(MODEL)
    (model / "follow").mkdir()
    (model / "follow/customers.sql").write_text(CUSTOMERS_SQL)
    (model / "follow/addresses.sql").write_text(ADDRESSES_SQL)
    (model / "slow").mkdir()
    (model / "slow/names.sql").write_text(SLOW_SQL)
    (model / "count").mkdir()
    (model / "count/main.py").write_text(COUNT_PY)
    team = model / "team.yaml"
    team.write_text(team.read_text().replace("credentials:\n", "credentials:\n  mask_key: {type: user_password}\n"))
    environment = project.root / "environments/local.yaml"
    environment.write_text(environment.read_text().replace("credentials:\n", "credentials:\n  mask_key: {file: mask_key}\n"))
    (project.root / "mask_key").write_text("masker:" + KEY + "\n")


class Incremental(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.project.hurry()
        add_model(self.project)
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)

    def run_nodes(self, *nodes, **options):
        result = self.project.yellow("run", *nodes, **options)
        self.assertEqual(result.status, 0, result)
        return result

    def merge_sql(self, text):
        return self.project.sql("MergeDB", text)

    # ---- What must be there, from the source alone.

    def expected(self):
        source = self.project.sql("ShopDB", "SELECT id, left(firstname, 1) || left(lastname, 1), extract(year FROM dob)::integer FROM customers ORDER BY id COLLATE \"C\"")
        masked = [(pseudonym(id), "redacted", born) for id, _, born in source]
        return {
            "now__followed__customers": source,
            "past__followed__addresses": self.project.sql("ShopDB", "SELECT id, customer_id, city, country FROM addresses ORDER BY id COLLATE \"C\""),
            "now__pseudonyms__customers": sorted(masked),
            "now__counted__links": self.project.sql("ShopDB", "SELECT id, customer_id FROM addresses ORDER BY id COLLATE \"C\""),
            "now__counted__per_customer": self.project.sql("ShopDB", "SELECT customer_id, count(*) FROM addresses GROUP BY 1 ORDER BY customer_id COLLATE \"C\""),
        }

    def found(self):
        return {view: sorted(self.merge_sql(f"SELECT * FROM ws_everyone.{view}")) for view in
                ("now__followed__customers", "past__followed__addresses", "now__pseudonyms__customers", "now__counted__links", "now__counted__per_customer")}

    def assert_follows(self, hint=""):
        expected, found = self.expected(), self.found()
        for view, rows in expected.items():
            self.assert_same(found[view], rows, f"{hint}: {view}")
        self.assertEqual(self.project.broken_invariants(), {}, hint)

    def assert_same(self, found, expected, hint):
        """Says in a few lines what differs: unittest's own difference of thousands of rows takes minutes."""
        if found != expected:
            self.fail(f"{hint}: {len(found)} rows, expected {len(expected)}; too much: {sorted(set(found) - set(expected))[:5]}, "
                      f"missing: {sorted(set(expected) - set(found))[:5]}")

    def assert_slow_follows(self, hint):
        self.assert_same(sorted(self.merge_sql("SELECT * FROM ws_everyone.now__slowly__names")),
                         self.project.sql("ShopDB", "SELECT id, firstname || ' ' || lastname FROM customers ORDER BY id COLLATE \"C\""), hint)

    def modes(self, workspace):
        """The committed runs, oldest first."""
        return [row[0] for row in self.merge_sql("SELECT mode FROM yellow.run WHERE state = 'committed' AND "
                                                 f"transformer = 'Transform/Main/{workspace}' ORDER BY opened_at")]

    def last_cause(self, workspace):
        return self.merge_sql(f"SELECT mode || ': ' || cause FROM yellow.run WHERE transformer = 'Transform/Main/{workspace}' ORDER BY opened_at DESC LIMIT 1")[0][0]

    def random_changes(self, chance):
        """Few keys, so that batches undo what others did: gone and back with the same values, with others, changed and changed back."""
        changes = []
        for _ in range(chance.randrange(0, 12)):
            customer, address = f"C{chance.randrange(1, 12):05d}", f"A{chance.randrange(1, 25):05d}"
            changes.append(chance.choice([
                f"UPDATE customers SET firstname = '{chance.choice('ABC')}da' WHERE id = '{customer}';",
                f"UPDATE customers SET dob = {chance.choice(['NULL', quoted('1990-05-05'), quoted('1991-06-06')])} WHERE id = '{customer}';",
                f"DELETE FROM customers WHERE id = '{customer}';",
                f"INSERT INTO customers VALUES ('{customer}', 'Ada', 'Byron', NULL, NULL, '1815-12-10') ON CONFLICT DO NOTHING;",
                f"UPDATE addresses SET city = '{chance.choice(['Évora', 'Braga'])}' WHERE id = '{address}';",
                f"UPDATE addresses SET customer_id = 'C{chance.randrange(20, 26):05d}' WHERE id = '{address}';",
                f"DELETE FROM addresses WHERE id = '{address}';",
                f"INSERT INTO addresses VALUES ('{address}', 'C{chance.randrange(20, 26):05d}', NULL, 'Faro', 'PT') ON CONFLICT DO NOTHING;",
            ]))
        self.project.sql("ShopDB", "".join(changes))

    def killed(self, chance, *nodes):
        """Starts a run that is killed at some passing of a fault point, or at some moment."""
        if chance.random() < 0.5:
            self.project.yellow("run", *nodes, environment={"YELLOW_FAULT": f"*:{chance.randrange(1, 100)}"})
            return
        victim = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", *nodes], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.8)
        victim.kill()
        victim.wait()

    def test_random_batches_and_kills(self):
        seed = int(os.environ.get("YELLOW_SEED", random.randrange(1 << 30)))
        chance = random.Random(seed)
        for step in range(int(os.environ.get("YELLOW_STEPS", 12))):
            hint = f"seed {seed}, step {step}"
            for _ in range(chance.randrange(1, 4)):
                self.random_changes(chance)
                if chance.random() < 0.2:
                    self.killed(chance, "Shop")
                self.run_nodes("Shop")
            nodes = ["Follow", "Count"]
            if chance.random() < 0.4:
                self.killed(chance, *nodes)
            self.run_nodes(*nodes)
            self.assert_follows(hint)
            # Its changes are kept although others have consumed them.
            if step % 4 == 3:
                self.run_nodes("Slow")
                self.assert_slow_follows(hint)
        self.assertEqual(set(self.modes("Slow")[1:]), {"incremental"})
        for workspace in ("Follow", "Pseudo", "Count"):
            modes = self.modes(workspace)
            self.assertEqual(modes[0], "full")
            self.assertGreater(modes.count("incremental"), 5, f"{workspace}: {modes}")
            self.assertEqual(modes.count("full"), 1, f"{workspace}: {modes}")
        # What is consumed is forgotten, and nothing else.
        for table in ("shop__customers", "followed__customers", "counted__links"):
            self.assertEqual(self.merge_sql(f"SELECT count(*) FROM dp_main.chg__{table} g, yellow.change_log l WHERE lower(l.stream || '__' || l.dataset) "
                                            f"LIKE '%/{table}' AND g.yellow_batch <= l.kept_since"), [("0",)], table)
        # A full run from the ground up finds nothing to mend.
        for workspace in ("Follow", "Count"):
            self.assertEqual(self.project.yellow("rebuild", workspace).status, 0)
        self.run_nodes("Follow", "Count")
        self.assert_follows(f"seed {seed}, rebuilt")
        for workspace, store in (("Follow", "Followed"), ("Count", "Counted")):
            self.assertIn("full: ", self.last_cause(workspace))
            self.assertIn("a rebuild was asked for", self.last_cause(workspace))
            self.assertEqual(self.merge_sql(f"SELECT sum(inserted + updated + deleted) FROM yellow.batch_dataset WHERE stream = 'Ingest/Main/{store}' AND batch = "
                                            f"(SELECT max(batch) FROM yellow.batch_dataset WHERE stream = 'Ingest/Main/{store}')"), [("0",)])

    def test_changes_are_for_the_open_run_alone(self):
        view = "ws_follow.live__shop__customers__changes"
        refused = self.project.yellow("sql", "-w", "Follow", "-c", f"SELECT * FROM {view}")
        self.assertNotEqual(refused.status, 0, refused)
        self.assertIn("permission denied", refused.err + refused.out)
        self.project.sql("ShopDB", "UPDATE customers SET firstname = 'Zed' WHERE id = 'C00001'")
        self.run_nodes("Shop")
        self.assertEqual(self.merge_sql(f"SELECT * FROM {view}"), [], "no other login has a claim")
        # As the run of this very login would see it: what was changed, without reading the table.
        plan = "\n".join(row[0] for row in self.merge_sql(f"""
            BEGIN;
            INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, login)
              VALUES ('fake', 'Transform/Main/Follow', 'launched', 'incremental', '', 1, '', '', session_user);
            EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM {view};
            ROLLBACK"""))
        scans = [line for line in plan.splitlines() if "Seq Scan on shop__customers" in line]
        self.assertTrue(scans and all("never executed" in line for line in scans), plan)
        self.assertRegex(plan.splitlines()[0], r"actual rows=1(\.00)? loops=1", plan)
        columns = [row[0] for row in self.merge_sql("SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = "
                                                    f"'{view}'::regclass ORDER BY attnum")]
        self.assertEqual(columns[:2], ["yellow_op", "id"])

    def test_who_is_late_falls_back_to_full(self):
        ecosystem = self.project.root / "model/ecosystem.yaml"
        ecosystem.write_text(ecosystem.read_text() + "retention: {changes: 1s}\n")
        self.assertEqual(self.project.yellow("apply").status, 0)
        for n in range(3):
            self.project.sql("ShopDB", f"UPDATE customers SET firstname = 'L{n}' WHERE id = 'C00001'; DELETE FROM addresses WHERE id = 'A0000{n}'")
            self.run_nodes("Shop")
            time.sleep(1.1)
        self.run_nodes("Follow", "Count")
        self.assertRegex(self.last_cause("Follow"), r"full: .*in full, because the changes of Shop.customers are kept from batch \d+ on, and it has consumed only batch \d+")
        self.assertIn("incremental: ", self.last_cause("Count"), "forensic inputs keep their changes")
        self.assert_follows()
        self.assertIn("because the changes of Shop.customers are kept", self.project.yellow("explain", "Follow").out)

    def test_guards_count_deletions(self):
        self.project.sql("ShopDB", "ALTER TABLE addresses DROP CONSTRAINT addresses_customer_id_fkey; CREATE TABLE kept AS TABLE customers;"
                                   "DELETE FROM customers WHERE id > 'C02450'")        # 18 % of the shop's, which the shop allows
        self.run_nodes("Shop")
        self.project.sql("ShopDB", "DELETE FROM customers WHERE id > 'C02000'")
        self.run_nodes("Shop")
        held = self.project.yellow("run", "Follow")
        self.assertEqual(held.status, 1, held)
        self.assertRegex(held.out, r"customers would lose 1\d\d\d of 3\d\d\d rows, more than max_deleted allows: 20%")
        self.assertEqual(self.modes("Follow"), ["full"])
        self.assertEqual(self.project.yellow("batches", "release", "Followed").status, 0)
        self.run_nodes()
        self.run_nodes("Count")
        self.assertEqual(self.modes("Follow"), ["full", "incremental"])
        self.assert_follows()

    def test_output_that_somebody_begins_to_use_is_filled(self):
        model = self.project.root / "model/follow.yaml"
        text = model.read_text()
        model.write_text(text.replace('"Counted.*"', "Counted.links"))
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.project.sql("ShopDB", "DELETE FROM addresses WHERE id < 'A00100'; UPDATE addresses SET customer_id = 'C00001' WHERE id < 'A00200'")
        self.run_nodes("Shop", "Follow", "Count")
        self.assertEqual(self.modes("Count")[-1], "incremental")
        model.write_text(text)
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.assertIn("in full, because its definition has changed", self.last_cause("Count"))
        self.assert_follows()

    def test_code_that_says_nonsense_changes_nothing(self):
        before = self.found()
        sql = self.project.root / "model/follow/customers.sql"
        for text, reason in ((CUSTOMERS_SQL.replace("yellow_op,", "'X' AS yellow_op,"), "yellow_op"),
                             (CUSTOMERS_SQL.replace("left(firstname, 1) || left(lastname, 1)", "NULL::varchar"), "column initials is not null")):
            sql.write_text(text)
            result = self.project.yellow("run", "--apply")
            self.assertEqual(result.status, 1, result)
            self.assertIn(reason, result.out)
            self.assertTrue(self.found() == before, "the output has changed")
        sql.write_text(CUSTOMERS_SQL.replace("yellow_op, ", ""))
        refused = self.project.yellow("run", "--apply")
        self.assertEqual(refused.status, 1, refused)
        self.assertIn("Y616", refused.err)
        self.assertIn("the SELECT has no column yellow_op", refused.err)


def pseudonym(value):
    return base64.urlsafe_b64encode(hmac.digest(KEY.encode(), value.encode(), "sha256"))[:16].decode()


def quoted(text):
    return f"'{text}'"


if __name__ == "__main__":
    unittest.main()
