"""`yellow erase`: after it a canary value of a row is nowhere but at its source and in the request that was made for it, while that goes on."""

import json
import os
import pathlib
import pwd
import subprocess
import time
import unittest

from people import PEOPLE, SCOPES, Office
from project import Result

SHOP = {"op:erase:Shop": {}, "op:erase:ShopMasked": {}, "op:erase:Till": {}, "op:erase:TillMasked": {}}

MODEL = """
kind: Datastore
name: Till
capture:
  sql_snapshot: {container: ShopDB, credential: shop_reader, on_bad_rows: quarantine, guards: {max_rejected: 90%, max_deleted: 100%, may_become_empty: [sales, hours, codes]}}
datasets:
  sales: {key: [id], columns: {id: integer, who: varchar(40), amount: "numeric(5,2)"}}
  hours: {key: [shop, at], columns: {shop: varchar(40), at: timestamp, who: text not null}}
  codes: {key: [code], columns: {code: char(6), who: text}}
---
kind: Workspace
name: Follow
groups: {G: {sinks: [Till.sales]}}
transformer:
  mode: incremental
  code: {mask: {sales: {who: redact}}}
  output: {datastore: TillMasked, datasets: {sales: {like: Till.sales}}}
---
kind: Workspace
name: Clerk
groups:
  Now: {requires: {milestoning: live}, sinks: ["Till.*", TillMasked.sales]}
  History: {requires: {milestoning: forensic}, sinks: [Till.hours, Till.codes, TillMasked.sales]}
"""

TABLES = """
CREATE TABLE sales (id integer, who text, amount numeric);
CREATE TABLE hours (shop text, at timestamp, who text);
CREATE TABLE codes (code text, who text);
GRANT SELECT ON sales, hours, codes TO shop_reader;
"""


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class EraseTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.office.declare(scopes={**SCOPES, **SHOP})
        cls.office.sql("ShopDB", TABLES)
        cls.office.write("model/till.yaml", MODEL)
        applied = cls.office.yellow("apply")
        assert applied.status == 0, applied
        cls.tickets = iter(range(1, 99))

    # ---- What people do.

    def erase(self, dataset, key, who="alice"):
        """`yellow erase` by a person, as it answers."""
        words = [word for name, value in key.items() for word in ("--key", f"{name}={value}")]
        account = pwd.getpwnam(PEOPLE[who][0][0])
        return Result(subprocess.run([str(self.office.program), "erase", "--dataset", dataset, *words, "--ticket", f"OPS-{next(self.tickets)}", "--reason", "asked to be forgotten",
                                      "--socket", str(self.office.socket), "--output", "json"], capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL,
                                     user=account.pw_uid, group=account.pw_gid, extra_groups=[]))

    def asked(self, dataset, key):
        done = self.erase(dataset, key)
        self.assertEqual(done.status, 0, done)
        return json.loads(done.out)

    def begun(self, dataset, key):
        request = self.asked(dataset, key)
        for who in ("bob", "carol"):
            self.office.approve(request, who)
        return self.office.did("alice", "activate", request["id"])

    def erased(self, dataset, key):
        """What has come of it, once it is done and its request is over."""
        request = self.begun(dataset, key)
        self.office.wait_for(request, "in_review", 40)
        shown = self.office.did("bob", "show", request["id"])
        self.assertEqual(shown["operation"]["state"], "done", (shown, self.log()))
        return request, shown["operation"]["outcome"]

    def log(self):
        return (self.office.base / "serve.log").read_text()

    # ---- What there is.

    def run_all(self, *nodes):
        for node in nodes:
            done = self.office.yellow("run", node)
            self.assertIn(done.status, (0, 1), done)

    def settled(self, transformer, runs, seconds=30):
        """Until the transformer has had so many committed runs."""
        until = time.monotonic() + seconds
        while self.runs(transformer) < runs:
            assert time.monotonic() < until, (self.runs(transformer), self.log())
            time.sleep(0.1)

    def runs(self, transformer):
        return int(self.office.sql("MergeDB", f"SELECT count(*) FROM yellow.run WHERE transformer = 'Transform/Main/{transformer}' AND state = 'committed'")[0][0])

    def places_of(self, *canaries):
        """Where any of them is: tables of the merge database, and files of the data folder but those of the server's and the source's tables."""
        found = []
        tables = self.office.sql("MergeDB", "SELECT quote_ident(nspname) || '.' || quote_ident(relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                                            "WHERE relkind IN ('r', 'm', 'p') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'")
        for table, in tables:
            for canary in canaries:
                text = canary.replace("'", "''")
                if self.office.sql("MergeDB", f"SELECT 1 FROM {table} t WHERE position('{text}' IN t::text) > 0 OR position('{text}' IN to_jsonb(t)::text) > 0 LIMIT 1"):
                    found.append(f"{table}: {canary}")
        for canary in canaries:
            text = canary.replace("'", "''")
            if self.office.sql("MergeDB", f"SELECT 1 FROM pg_statistic s WHERE position('{text}' IN s::text) > 0 LIMIT 1"):
                found.append(f"pg_statistic: {canary}")
        data = self.office.root / ".yellow"
        for file in data.rglob("*"):
            # The server's own files hold pages, of the source too.
            if not file.is_file() or "cluster" in file.relative_to(data).parts[:1] and file.name != "server.log":
                continue
            content = file.read_bytes()
            found += [f"{file}: {canary}" for canary in canaries if canary.encode() in content]
        return found

    def audit_of(self, request):
        return [(person, action) for person, action in self.office.audit(request)]

    # ---- Asking.

    def test_the_key_is_checked_before_anybody_is_asked(self):
        for dataset, key, text in (("Till.hours", {"shop": "x"}, "the key of Till.hours is: shop, at"), ("Till.sales", {"id": "canary-one"}, "no integer"),
                                   ("Till.sales", {"id": "1", "who": "x"}, "the key of Till.sales is: id"), ("Till.nothing", {"id": "1"}, "no such dataset"),
                                   ("Till", {"id": "1"}, "no dataset"), ("Nothing.sales", {"id": "1"}, "no such scope"), ("Till.sales", {"": "1"}, "no column")):
            refused = self.erase(dataset, key)
            self.assertEqual(refused.status, 2, (dataset, key, refused))
            self.assertIn(text, refused.err)
        self.assertEqual(self.office.sql("MergeDB", "SELECT 1 FROM yellow_access.audit WHERE details::text LIKE '%canary-one%'"), [])
        self.assertNotIn("canary-one", self.log())
        self.assertEqual(self.erase("Till.sales", {"id": "1"}, who="dave").status, 1)

    def test_two_approve_it_and_none_of_them_has_asked(self):
        request = self.asked("Shop.customers", {"id": "C00002"})
        self.assertEqual((request["approvers"], request["scope"]), (2, "op:erase:Shop"))
        own = self.office.access("alice", "approve", request["id"], "--content", request["content"])
        self.assertEqual(own.status, 1, own)
        self.office.approve(request)
        early = self.office.access("alice", "activate", request["id"])
        self.assertEqual(early.status, 1, early)
        again = self.office.access("bob", "approve", request["id"], "--content", request["content"])
        self.assertEqual(again.status, 1, again)
        time.sleep(3)
        self.assertEqual(len(self.office.sql("MergeDB", "SELECT 1 FROM dp_main.shop__customers WHERE id = 'C00002'")), 1)
        self.office.did("alice", "withdraw", request["id"])

    def test_a_key_that_no_row_has_is_no_error_and_says_so_only_when_it_is_done(self):
        request = self.asked("Shop.customers", {"id": "nobody has this; DROP TABLE x --"})
        self.assertNotIn("operation", {name for name, value in request.items() if value and name == "operation"})
        _, outcome = self.erased("Shop.customers", {"id": "nobody has this; DROP TABLE x --"})
        self.assertEqual(outcome["versions"], 0)
        self.assertNotIn("comes_back", outcome)

    # ---- Doing.

    def test_a_row_of_a_live_table_goes_and_what_was_made_of_it_is_made_again(self):
        office = self.office
        canary, name = "Cän'ary;\"5", "Canaryname"
        key = canary.replace("'", "''")
        office.sql("ShopDB", f"INSERT INTO customers VALUES ('{key}', '{name}', 'Lastcanary', 'canary@mail.example', '+491', '1990-01-01')")
        self.run_all("Shop")
        self.settled("MaskShop", self.runs("MaskShop") + 1 if not office.sql("MergeDB", f"SELECT 1 FROM dp_main.shopmasked__customers WHERE id = '{key}'") else 0)
        self.assertEqual(len(office.sql("MergeDB", f"SELECT 1 FROM dp_main.shopmasked__customers WHERE id = '{key}'")), 1)
        office.sql("ShopDB", f"DELETE FROM customers WHERE id = '{key}'")
        before = self.runs("MaskShop")
        rows = int(office.sql("MergeDB", "SELECT live_rows FROM yellow.batch_dataset WHERE stream = 'Ingest/Main/Shop' AND dataset = 'customers' ORDER BY batch DESC LIMIT 1")[0][0])
        request, outcome = self.erased("Shop.customers", {"id": canary})
        self.assertEqual((outcome["versions"], outcome["run_again"]), (1, "MaskShop"))
        self.assertIn("ShopMasked.customers", outcome["derived"])
        self.assertIn("unless the source has removed it", outcome["comes_back"])
        self.settled("MaskShop", before + 1)
        self.assertEqual(int(office.sql("MergeDB", "SELECT live_rows FROM yellow.batch_dataset WHERE stream = 'Ingest/Main/Shop' AND dataset = 'customers' ORDER BY batch DESC LIMIT 1")[0][0]), rows - 1)
        # SQL has made the output: it is gone from what readers see now, and its history is asked for apart.
        self.assertEqual(office.sql("MergeDB", f"SELECT 1 FROM ws_analysts.now__shopmasked__customers WHERE id = '{key}'"), [])
        _, outcome = self.erased("ShopMasked.customers", {"id": canary})
        self.assertEqual(outcome["versions"], 1)
        self.assertNotIn("comes_back", outcome)
        time.sleep(3)
        self.assertEqual(self.runs("MaskShop"), before + 1, "it ran again once")
        self.wait_until_forgotten(request)
        self.assertEqual(self.places_of(canary, canary.replace('"', '\\"'), name, "Lastcanary", "canary@mail.example"), [])
        self.assertEqual([who for who, action in self.audit_of(request) if action == "access.approve"], ["bob", "carol"])
        actions = [action for _, action in self.audit_of(request)]
        for action in ("access.request", "access.activate", "access.operation_begin", "access.operation"):
            self.assertEqual(actions.count(action), 1, actions)
        details = office.sql("MergeDB", f"SELECT details FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.operation'")[0][0]
        self.assertEqual(json.loads(details)["outcome"]["versions"], 1)
        office.did("bob", "accept", request["id"], "one row, as the ticket says")
        self.run_all("Shop")
        self.assertEqual(office.broken_invariants(), {})

    def wait_until_forgotten(self, *requests):
        """The key stays with its request until its end has been gone through."""
        until = time.monotonic() + 20
        while self.office.sql("MergeDB", "SELECT 1 FROM yellow_access.request WHERE parameters ? 'key' AND state NOT IN ('pending', 'approved', 'active')"):
            assert time.monotonic() < until
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
