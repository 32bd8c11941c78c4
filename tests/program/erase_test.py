"""`yellow erase`: after it a canary value of a row is nowhere but at its source and in the request that was made for it, while that goes on."""

import json
import os
import pathlib
import pwd
import re
import shlex
import signal
import subprocess
import time
import unittest

from people import PEOPLE, SCOPES, Office
from project import ROOT, Result

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


class Erasing(unittest.TestCase):
    """Who asks for erasures, and what there is to erase."""

    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.office.declare(scopes={**SCOPES, **SHOP})
        cls.office.sql("ShopDB", TABLES)
        cls.office.write("model/till.yaml", MODEL)
        applied = cls.office.yellow("apply")
        assert applied.status == 0, applied
        # The page has OPS-2.
        cls.tickets = iter(range(3, 99))

    # ---- What people do.

    def erase(self, dataset, key, who="alice", where=()):
        """`yellow erase` by a person, as it answers."""
        words = [word for name, value in key.items() for word in ("--key", f"{name}={value}")]
        account = pwd.getpwnam(PEOPLE[who][0][0])
        return Result(subprocess.run([str(self.office.program), "erase", "--dataset", dataset, *words, "--ticket", f"OPS-{next(self.tickets)}", "--reason", "asked to be forgotten",
                                      "--socket", str(self.office.socket), "--output", "json", *where], capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL,
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
        """Again where the service had begun before: then it is done when that is over."""
        for node in nodes:
            until = time.monotonic() + 60
            while "another" in (done := self.office.yellow("run", node)).out + done.err:
                self.assertLess(time.monotonic(), until, done)
                time.sleep(0.1)
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
        # The server's own files hold pages, of the source too; its log has none.
        cluster = pathlib.Path(self.office.sql("MergeDB", "SHOW data_directory")[0][0])
        files = [file for file in (self.office.root / ".yellow").rglob("*") if file.is_file() and cluster not in file.parents]
        log, = [*cluster.rglob("server.log"), *cluster.parent.glob("server.log")][:1]
        for file in [*files, log]:
            content = file.read_bytes()
            found += [f"{file}: {canary}" for canary in canaries if canary.encode() in content]
        return found

    def audit_of(self, request):
        return [(person, action) for person, action in self.office.audit(request)]


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class EraseTest(Erasing):

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
        # A key of one column is its value, and the ticket says why.
        account = pwd.getpwnam(PEOPLE["alice"][0][0])
        asked = subprocess.run([str(self.office.program), "erase", "--dataset", "Till.sales", "--key", "1", "--ticket", f"OPS-{next(self.tickets)}", "--socket", str(self.office.socket),
                                "--output", "json"], capture_output=True, text=True, timeout=60, cwd="/", user=account.pw_uid, group=account.pw_gid, extra_groups=[])
        self.assertEqual(json.loads(asked.stdout)["parameters"], {"dataset": "sales", "key": '{"id":"1"}'}, asked)

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
        self.assertEqual(outcome["named_in"], "ShopMasked.addresses 0, ShopMasked.customers.id 1")
        self.assertNotIn("not_looked_through", outcome)
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
        self.wait_until_forgotten()
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

    def test_where_its_key_stands_in_outputs_of_sql_is_counted(self):
        """Also in a column of another name, in rows that are of other keys, and in history; and no value is told."""
        office = self.office
        key, = office.sql("ShopDB", "SELECT customer_id FROM addresses GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1")[0]
        rows, = office.sql("MergeDB", f"SELECT count(*) FROM dp_main.shopmasked__addresses WHERE customer_id = '{key}'")[0]
        self.assertGreater(int(rows), 1)
        versions, = office.sql("MergeDB", f"SELECT count(*) FROM dp_main.shopmasked__customers WHERE id = '{key}'")[0]
        _, outcome = self.erased("Shop.customers", {"id": key})
        self.assertEqual(outcome["named_in"], f"ShopMasked.addresses.customer_id {rows}, ShopMasked.customers.id {versions}")
        self.assertNotIn(key, json.dumps(outcome))
        self.run_all("Shop")    # the source has it still

    def test_it_goes_from_history_changes_bad_rows_and_masked_outputs(self):
        office = self.office
        office.sql("ShopDB", "INSERT INTO sales VALUES (5, 'canaryfirst', 1), (55, 'stays', 1)")
        self.run_all("Till")
        self.settled("Follow", 1)
        paused = office.yellow("streams", "pause", "TillMasked")
        self.assertEqual(paused.status, 0, paused)
        for change in ("UPDATE sales SET who = 'canarysecond' WHERE id = 5", "UPDATE sales SET who = 'canarythird', amount = 123456 WHERE id = 5"):
            office.sql("ShopDB", change)
            self.run_all("Till")
        self.assertGreaterEqual(len(self.places_of("canaryfirst", "canarysecond", "canarythird")), 4, "the test looks in the wrong places")
        self.assertEqual(len(office.sql("MergeDB", "SELECT 1 FROM dp_main.tillmasked__sales WHERE id = 5")), 1)
        runs = self.runs("Follow")
        office.sql("ShopDB", "DELETE FROM sales WHERE id = 5")
        request, outcome = self.erased("Till.sales", {"id": "05"})
        self.assertEqual({name: outcome[name] for name in ("versions", "versions_of_outputs", "set_aside", "run_again")},
                         {"versions": 1, "versions_of_outputs": 1, "set_aside": 1, "run_again": "Follow"})
        self.assertGreaterEqual(outcome["changes"], 2)
        self.assertNotIn("derived", outcome)
        self.wait_until_forgotten()
        self.assertEqual(self.places_of("canaryfirst", "canarysecond", "canarythird"), [])
        self.assertEqual(office.sql("MergeDB", "SELECT id FROM dp_main.tillmasked__sales"), [("55",)])
        office.yellow("streams", "resume", "TillMasked")
        self.settled("Follow", runs + 1)
        self.assertEqual(office.sql("MergeDB", "SELECT mode FROM yellow.run WHERE transformer = 'Transform/Main/Follow' AND state = 'committed' ORDER BY opened_at DESC LIMIT 1"), [("full",)])
        self.run_all("Till")
        self.assertEqual(office.sql("MergeDB", "SELECT id FROM ws_clerk.history__tillmasked__sales__history"), [("55",)])
        time.sleep(2.5)
        self.assertEqual(self.runs("Follow"), runs + 1 + len(office.sql("MergeDB", "SELECT 1 FROM yellow.run WHERE transformer = 'Transform/Main/Follow' AND state = 'committed' AND mode = 'incremental' AND opened_at > (SELECT max(opened_at) FROM yellow.run WHERE transformer = 'Transform/Main/Follow' AND mode = 'full')")))
        self.assertEqual(office.broken_invariants(), {})

    def test_keys_of_several_columns_and_of_blanks(self):
        office = self.office
        office.sql("ShopDB", """INSERT INTO hours VALUES ('café ''q";', '2024-01-01 10:00', 'canaryalpha'), ('café ''q";', '2024-01-01 11:00', 'stays');
                                INSERT INTO codes VALUES ('ab', 'canarybeta'), ('abc', 'stays')""")
        self.run_all("Till")
        office.sql("ShopDB", "UPDATE hours SET who = 'canarygamma' WHERE who = 'canaryalpha'; UPDATE codes SET who = 'canarydelta' WHERE who = 'canarybeta'")
        self.run_all("Till")
        # Twice the same key is a bad row, and the last good version stays.
        office.sql("ShopDB", "INSERT INTO hours SELECT shop, at, 'canaryepsilon' FROM hours WHERE who = 'canarygamma'; INSERT INTO codes VALUES ('ab   ', 'canaryzeta')")
        self.run_all("Till")
        office.sql("ShopDB", "DELETE FROM hours WHERE who LIKE 'canary%'; DELETE FROM codes WHERE who LIKE 'canary%'")
        _, outcome = self.erased("Till.hours", {"at": "2024-01-01T10:00:00", "shop": "café 'q\";"})
        self.assertEqual((outcome["versions"], outcome["set_aside"]), (2, 2))
        _, outcome = self.erased("Till.codes", {"code": "ab "})
        self.assertEqual((outcome["versions"], outcome["set_aside"]), (2, 2))
        self.wait_until_forgotten()
        self.assertEqual(self.places_of("canaryalpha", "canarybeta", "canarygamma", "canarydelta", "canaryepsilon", "canaryzeta"), [])
        self.assertEqual(office.sql("MergeDB", "SELECT who FROM ws_clerk.now__till__hours UNION ALL SELECT who FROM ws_clerk.now__till__codes"), [("stays",), ("stays",)])

    def test_reasons_that_quote_it_go_and_a_held_batch_is_read_again(self):
        office = self.office
        office.sql("ShopDB", "ALTER TABLE customers ALTER firstname TYPE text; INSERT INTO customers VALUES ('CHELD', 'heldcanary' || repeat('x', 100), 'x', NULL, NULL, NULL)")
        self.run_all("Shop")
        self.wait_for_verdict("heldcanary")
        held = self.places_of("heldcanary")
        for table in ("yellow.batch", "yellow.event", "yellow.verdict", "dp_main.stg__shop__customers"):
            self.assertIn(f"{table}: heldcanary", held)
        office.sql("ShopDB", "DELETE FROM customers WHERE id = 'CHELD'")
        _, outcome = self.erased("Shop.customers", {"id": "CHELD"})
        self.assertEqual(outcome["versions"], 0)
        self.assertGreaterEqual(outcome["texts"], 3)
        time.sleep(2.5)
        self.assertEqual([place for place in self.places_of("heldcanary") if "serve.log" not in place], [])
        reason, = office.sql("MergeDB", "SELECT reason FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' AND state = 'held'")[0]
        self.assertIn("column firstname is character varying(100)", reason)
        self.run_all("Shop")
        self.assertEqual(office.sql("MergeDB", "SELECT 1 FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' AND state = 'held'"), [])

    def test_one_that_was_denied_says_so(self):
        """Not that it lacks its key, which is forgotten with it."""
        request = self.asked("Shop.customers", {"id": "C1"})
        self.office.did("bob", "deny", request["id"], "--content", request["content"])
        for who, words in (("carol", ["approve", request["id"], "--content", request["content"]]), ("alice", ["activate", request["id"]]), ("alice", ["edit", request["id"], "--reason", "x"])):
            done = self.office.access(who, *words)
            self.assertEqual(done.status, 1, done)
            self.assertIn("the request is denied\n  = ask anew: yellow erase\n", done.err)

    def wait_for_verdict(self, text):
        until = time.monotonic() + 20
        while not self.office.sql("MergeDB", f"SELECT 1 FROM yellow.verdict WHERE sentence LIKE '%{text}%'"):
            assert time.monotonic() < until
            time.sleep(0.1)

    def test_what_runs_have_printed_goes(self):
        office = self.office
        run, = office.sql("MergeDB", "SELECT id FROM yellow.run WHERE transformer = 'Transform/Main/MaskShop' AND state = 'committed' LIMIT 1")[0]
        folder = pathlib.Path(office.root / ".yellow/runs" / run)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "output.log").write_text("printedcanary")
        other = office.root / ".yellow/runs/0123456789abcdef"
        other.mkdir(parents=True, exist_ok=True)
        office.sql("MergeDB", f"UPDATE yellow.run SET log = 'printedcanary', reason_code = 'failed', reason = 'printedcanary' WHERE id = '{run}'")
        self.assertGreaterEqual(len(self.places_of("printedcanary")), 2)
        _, outcome = self.erased("Shop.customers", {"id": "nobody"})
        self.assertGreaterEqual(outcome["logs"], 1)
        self.assertEqual(self.places_of("printedcanary"), [])
        self.assertTrue(other.exists(), "a folder that is no run's of this transformer")

    def test_it_waits_for_who_writes_and_is_done_once(self):
        office = self.office
        office.sql("ShopDB", "INSERT INTO sales VALUES (7, 'canarywait', 1)")
        writer = subprocess.Popen([str(office.program), "--project", str(office.root), "run", "Till"], env={**os.environ, "YELLOW_FAULT": "stop@batch.merge.commit:1"},
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(writer.kill)
        self.until_stopped(writer)
        request = self.begun("Till.sales", {"id": "7"})
        time.sleep(4)
        self.assertEqual(office.state(request), "active", "it has not waited for the batch")
        writer.send_signal(signal.SIGCONT)
        writer.wait(60)
        office.wait_for(request, "in_review", 60)
        self.assertEqual(office.did("bob", "show", request["id"])["operation"]["outcome"]["versions"], 1)
        self.assertEqual(office.sql("MergeDB", "SELECT 1 FROM dp_main.till__sales WHERE id = 7"), [])
        # It was there when the batch was read, and is there still.
        self.run_all("Till")
        self.assertEqual(len(office.sql("MergeDB", "SELECT 1 FROM dp_main.till__sales WHERE id = 7")), 1)
        first, second = self.begun("Till.sales", {"id": "7"}), self.begun("Till.sales", {"id": "7"})
        counts = []
        for one in (first, second):
            office.wait_for(one, "in_review", 60)
            counts.append(office.did("bob", "show", one["id"])["operation"]["outcome"]["versions"])
        self.assertEqual(sorted(counts), [0, 1])
        office.sql("ShopDB", "DELETE FROM sales WHERE id = 7")

    def until_stopped(self, process):
        until = time.monotonic() + 30
        while pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)

    def test_it_waits_for_a_run_that_is_open(self):
        office = self.office
        office.sql("MergeDB", """INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, handed_to, deadline)
                                 SELECT 'feedfacefeedface', 'Transform/Main/Follow', 'launched', 'full', 'x', max(version), 'test', 'x', 'airflow', clock_timestamp() + interval '1 hour' FROM yellow.model""")
        try:
            request = self.begun("Till.sales", {"id": "8"})
            time.sleep(4)
            self.assertEqual(office.state(request), "active", "it has not waited for the run")
            self.assertIn("waits for Follow", self.log())
            # Nobody has it any more: it was left open by a process that has ended.
            office.sql("MergeDB", "UPDATE yellow.run SET handed_to = NULL WHERE id = 'feedfacefeedface'")
            office.wait_for(request, "in_review", 40)
            self.assertEqual(office.sql("MergeDB", "SELECT state FROM yellow.run WHERE id = 'feedfacefeedface'"), [("lost",)])
        finally:
            office.sql("MergeDB", "DELETE FROM yellow.run WHERE id = 'feedfacefeedface'")

    def test_killed_at_any_step_it_is_done_whole_or_not_at_all(self):
        office = self.office
        points = self.points()
        self.assertIn("erase.erase.commit.before", points)
        chosen = [point for point in points if point.startswith("erase.")]
        self.assertGreater(len(chosen), 10, points)
        for point in chosen[::4] + ["erase.erase.commit.before", "erase.erase.commit.after"]:
            with self.subTest(point=point):
                self.killed_at(point)

    def lay(self):
        """A row with a version, a change and a bad row, and who is to lose it."""
        self.office.sql("ShopDB", "INSERT INTO sales VALUES (9, 'canarykill', 1)")
        self.run_all("Till")
        self.office.sql("ShopDB", "UPDATE sales SET amount = 99999 WHERE id = 9")
        self.run_all("Till")
        self.office.sql("ShopDB", "DELETE FROM sales WHERE id = 9")
        found = self.places_of("canarykill")
        assert len(found) >= 2, found
        return found

    def points(self):
        """The effects of an erasure, in order."""
        self.office.stop_service()
        counted = self.office.base / "points"
        self.lay()
        self.office.start_service({"YELLOW_FAULT": f"count:{counted}"})
        self.erased("Till.sales", {"id": "9"})
        self.office.stop_service()
        self.office.start_service()
        return list(dict.fromkeys(counted.read_text().split("\n")))

    def killed_at(self, point):
        office = self.office
        office.stop_service()
        before = self.lay()
        office.start_service({"YELLOW_FAULT": f"kill@{point}:1"})
        request = self.begun("Till.sales", {"id": "9"})
        office.service.wait(40)
        done = office.sql("MergeDB", f"SELECT state = 'done' FROM yellow_access.operation WHERE request = '{request['id']}'")[0][0] == "t"
        self.assertEqual(self.tables(self.places_of("canarykill")), [] if done else self.tables(before))
        office.start_service()
        office.wait_for(request, "in_review", 60)
        self.assertEqual(office.did("bob", "show", request["id"])["operation"]["outcome"]["versions"], 1)
        self.assertEqual(self.tables(self.places_of("canarykill")), [])
        self.assertEqual([action for _, action in office.audit(request)].count("access.operation"), 1)

    def test_what_is_rolled_back_leaves_the_trace_of_what_it_has_emptied(self):
        """The tables of outputs are emptied apart; nobody may take that for an output."""
        office = self.office
        self.addCleanup(lambda: (office.stop_service(), office.start_service()))
        office.stop_service()
        before = self.lay()
        events = lambda kind: int(office.sql("MergeDB", f"SELECT count(*) FROM yellow.event WHERE kind = '{kind}'")[0][0])
        emptied, erased = events("outputs_emptied"), events("row_erased")
        office.start_service({"YELLOW_FAULT": "kill@erase.erase.commit.before:1"})
        request = self.begun("Till.sales", {"id": "9"})
        office.service.wait(40)
        office.over(request)
        office.start_service()
        office.wait_for(request, "in_review", 60)
        self.assertEqual(office.did("bob", "show", request["id"])["operation"]["state"], "failed")
        self.assertEqual(self.tables(self.places_of("canarykill")), self.tables(before))
        self.assertGreater(events("outputs_emptied"), emptied)
        self.assertEqual(events("row_erased"), erased)
        # Whose row it was is not kept, though nothing came of it.
        self.assertEqual(office.sql("MergeDB", f"SELECT parameters ? 'key', length(salt) FROM yellow_access.request WHERE id = '{request['id']}'"), [("f", "0")])
        self.erased("Till.sales", {"id": "9"})

    @staticmethod
    def tables(places):
        """Without the statistics, which are of no transaction."""
        return [place for place in places if not place.startswith("pg_statistic")]

    def test_the_commands_of_the_page(self):
        """docs/howto/erase.md, each by who says it."""
        office = self.office
        lines = re.findall(r"^\$ yellow (.*)$", (ROOT / "docs/howto/erase.md").read_text(), re.M)
        who = iter(("alice", "bob", "carol", "alice", "bob"))
        said, request = "", None
        for line in lines:
            words = shlex.split(line)
            if request is not None:
                words = [request["id"] if word == "8b1aa97322287f64" else request["content"] if word == "67bec23ed063" else word for word in words]
            account = pwd.getpwnam(PEOPLE[next(who)][0][0])
            done = Result(subprocess.run([str(office.program), *words], capture_output=True, text=True, timeout=60, cwd="/", stdin=subprocess.DEVNULL, user=account.pw_uid, group=account.pw_gid,
                                         extra_groups=[], env={**os.environ, "YELLOW_SOCKET": str(office.socket)}))
            self.assertEqual(done.status, 0, (line, done))
            said = done.out
            if request is None:
                self.assertIn("This\ncannot be taken back", said)
                request = office.did("alice", "show", re.search(r"Request ([0-9a-f]{16}): pending", said)[1])
            elif words[1] == "activate":
                office.wait_for(request, "in_review", 40)
        self.assertEqual(len(lines), 5)
        self.assertRegex(said, r"operation  done: logs \d+, texts \d+, derived ShopMasked.addresses, ShopMasked.customers: .*, versions 1, run_again MaskShop, comes_back with the next batch, unless ")

    def wait_until_forgotten(self):
        """The key stays with its request until its end has been gone through."""
        until = time.monotonic() + 20
        while self.office.sql("MergeDB", "SELECT 1 FROM yellow_access.request WHERE parameters ? 'key' AND state NOT IN ('pending', 'approved', 'active')"):
            assert time.monotonic() < until
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
