"""`yellow job`: one thing for a scheduler, with a typed result, safe to start twice."""

import json
import pathlib
import subprocess
import time
import unittest

from project import YELLOW, Project


class JobTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()

    def job(self, *arguments, status):
        done = self.project.yellow("job", *arguments, "--output", "json")
        self.assertEqual(done.status, status, done)
        return json.loads(done.out)

    def ask_for(self, node):
        """As `yellow run NODE` asks, without the work."""
        self.project.sql("MergeDB", f"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = '{node}'; UPDATE yellow.transformer SET requested_at = clock_timestamp() WHERE key = '{node}'")

    def test_each_thing_once(self):
        self.assertEqual(self.job("ingest", "Shop", status=10)["state"], "nothing_due")
        self.project.sql("ShopDB", "UPDATE customers SET firstname = 'Paula' WHERE id = (SELECT min(id) FROM customers)")
        self.ask_for("Ingest/Main/Shop")
        batch = self.job("ingest", "Shop", status=0)
        self.assertEqual((batch["key"], batch["state"], batch["run"]), ("Ingest/Main/Shop", "committed", ""))
        self.assertEqual(self.job("ingest", "Shop", status=10)["state"], "nothing_due")
        word = pathlib.Path(self.project.base, "word")
        word.write_text("something longer than what comes")
        run = self.job("transform", "MaskShop", "--result", str(word), status=0)
        self.assertEqual((run["state"], word.read_text()), ("committed", "committed"))
        self.assertEqual(self.job("transform", "MaskShop", status=10)["state"], "nothing_due")
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_two_at_once(self):
        """One does it; the other finds that somebody is at it, or that it is done."""
        for _ in range(3):
            self.project.sql("ShopDB", "UPDATE customers SET firstname = firstname || 'a' WHERE id = (SELECT min(id) FROM customers)")
            self.ask_for("Ingest/Main/Shop")
            before = int(self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'")[0][0])
            both = [subprocess.Popen([YELLOW, "--project", str(self.project.root), "job", "ingest", "Shop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(2)]
            ends = sorted(one.wait(60) for one in both)
            self.assertEqual(ends[0], 0)
            self.assertIn(ends[1], (10, 11))
            self.assertEqual(self.project.sql("MergeDB", "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Shop'"), [(str(before + 1),)])
            self.project.yellow("run")

    def change(self):
        """A new batch of the shop."""
        self.project.sql("ShopDB", "UPDATE customers SET firstname = firstname || 'b' WHERE id = (SELECT min(id) FROM customers)")
        self.assertEqual(self.job("ingest", "Shop", "--asked-at", "2099-01-01T00:00:00Z", status=0)["state"], "committed")

    def run_state(self, run):
        return self.project.sql("MergeDB", f"SELECT state FROM yellow.run WHERE id = '{run}'")[0][0]

    def overdue(self, run):
        self.project.sql("MergeDB", f"UPDATE yellow.run SET deadline = clock_timestamp() - interval '1 hour' WHERE id = '{run}'")

    def all_is_well(self):
        self.assertEqual(self.project.yellow("run").status, 0)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_a_batch_that_was_asked_for(self):
        asked = self.project.sql("MergeDB", "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
        batch = self.job("ingest", "Shop", "--asked-at", asked, "--by", "nightly 7", status=0)
        self.assertEqual(self.job("ingest", "Shop", "--asked-at", asked, status=10)["state"], "nothing_due")
        shown = json.loads(self.project.yellow("batches", "show", "Shop", "--output", "json").out)
        self.assertEqual((shown["id"], shown["opened_by"]), (batch["batch"], "nightly 7"))
        self.all_is_well()

    def test_a_run_step_by_step(self):
        """Each step twice, beside another who would begin one, and beside yellow run."""
        self.change()
        opened = self.job("open", "MaskShop", "--by", "nightly 8", status=0)
        run = opened["run"]
        self.assertEqual((opened["state"], self.job("open", "MaskShop", "--by", "nightly 8", status=0)["run"]), ("opened", run))
        self.assertEqual(self.job("open", "MaskShop", "--by", "nightly 9", status=11)["reason"]["code"], "run_open")
        self.assertEqual(self.job("transform", "MaskShop", status=11)["state"], "busy")
        self.assertEqual(self.job("due", status=10), {"due": [], "closed": []})
        self.assertIn("nothing is due", self.project.yellow("run").out.lower())
        self.assertEqual(self.job("ingest", "ShopMasked", status=10)["state"], "nothing_due")
        self.assertEqual(self.job("look", run, status=0)["state"], "opened")
        for _ in range(2):
            self.assertEqual(self.job("launch", run, status=0)["state"], "ended")
        for _ in range(2):
            self.assertEqual(self.job("close", run, status=0)["state"], "finished")
        self.assertEqual(self.job("look", run, status=0)["state"], "finished")
        self.assertEqual(self.project.sql("MergeDB", f"SELECT rolcanlogin FROM pg_roles WHERE rolname = 'yellow_run_{run}'"), [("f",)], "nothing writes any more")
        taken = self.job("ingest", "ShopMasked", status=0)
        self.assertEqual((taken["state"], taken["run"]), ("committed", run))
        self.assertEqual(self.job("ingest", "ShopMasked", status=10)["state"], "nothing_due")
        for step in ("launch", "close"):
            self.assertEqual(self.job(step, run, status=0)["state"], "committed")
        self.assertEqual(self.job("look", run, status=0)["state"], "closed")
        self.assertEqual(self.job("open", "MaskShop", "--by", "nightly 8", status=10)["state"], "nothing_due")
        self.assertIn("nightly 8", self.project.yellow("runs", "show", run).out)
        self.all_is_well()

    def test_two_who_open_at_once(self):
        self.change()
        both = [subprocess.Popen([YELLOW, "--project", str(self.project.root), "job", "open", "MaskShop", "--by", by], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for by in "ab"]
        self.assertEqual(sorted(one.wait(60) for one in both), [0, 11])
        run = self.project.sql("MergeDB", "SELECT id FROM yellow.run WHERE state = 'preparing'")[0][0]
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        self.assertEqual(self.job("launch", run, status=1)["state"], "cancelled")
        self.all_is_well()

    def test_what_nobody_goes_on_with_is_lost(self):
        """Before its code, and after: it counts as no failure, and is due again."""
        for step in ((), ("launch",), ("launch", "close")):
            self.change()
            run = self.job("open", "MaskShop", "--by", "nightly 10", status=0)["run"]
            for one in step:
                self.job(one, run, status=0)
            self.overdue(run)
            due = self.job("due", status=0)
            self.assertEqual((due["closed"], [d["node"] for d in due["due"]]), ([run], ["MaskShop"]), step)
            self.assertEqual((self.run_state(run), self.job("close", run, status=1)["reason"]["code"]), ("lost", "lost"))
            self.assertEqual(self.project.sql("MergeDB", "SELECT failures FROM yellow.transformer"), [("0",)])
            self.all_is_well()

    def test_an_output_that_nobody_takes_in_is_due(self):
        """After a minute, in which the next job should have come."""
        self.change()
        run = self.job("open", "MaskShop", "--by", "nightly 14", status=0)["run"]
        self.job("launch", run, status=0)
        self.assertEqual(self.job("due", status=10), {"due": [], "closed": []})
        self.project.sql("MergeDB", f"UPDATE yellow.run SET finished_at = finished_at - interval '2 minutes' WHERE id = '{run}'")
        taken = f"UPDATE yellow.run SET handed_to = %s WHERE id = '{run}'"
        self.project.sql("MergeDB", taken % "NULL")
        self.assertEqual([due["node"] for due in self.job("due", status=0)["due"]], ["MaskShop"], "of a process that has left it")
        self.project.sql("MergeDB", taken % "'nightly 14'")
        [due] = self.job("due", status=0)["due"]
        self.assertEqual((due["key"], due["node"], due["reason"]["code"]), ("Ingest/Main/ShopMasked", "ShopMasked", "output_waits"))
        self.assertIn(run, due["reason"]["text"])
        self.assertEqual(self.job("ingest", due["node"], status=0)["run"], run)
        self.assertEqual(self.job("due", status=10), {"due": [], "closed": []})
        self.all_is_well()

    def test_a_run_that_was_never_launched_is_closed(self):
        self.change()
        run = self.job("open", "MaskShop", "--by", "nightly 11", status=0)["run"]
        closed = self.job("close", run, status=1)
        self.assertEqual((closed["reason"]["code"], self.run_state(run)), ("lost", "lost"))
        self.assertIn("never launched", closed["reason"]["text"])
        self.all_is_well()

    def test_a_model_that_changed_meanwhile(self):
        """What was written for another model is not taken in."""
        self.change()
        run = self.job("open", "MaskShop", "--by", "nightly 12", status=0)["run"]
        self.job("launch", run, status=0)
        model = self.project.root / "model/mask_shop.yaml"
        before = model.read_text()
        self.assertIn("transformer:\n", before)
        model.write_text(before.replace("transformer:\n", "transformer:\n  retries: 1\n", 1))
        selects = next((self.project.root / "model/mask").glob("*.sql"))
        old = selects.read_text()
        selects.write_text(old + "\n-- another definition\n")
        try:
            self.assertEqual(self.project.yellow("apply").status, 0)
            self.assertEqual(self.job("ingest", "ShopMasked", status=1)["reason"]["code"], "lost")
            self.assertEqual(self.run_state(run), "lost")
        finally:
            model.write_text(before)
            selects.write_text(old)
            self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.all_is_well()

    def open_again(self, why):
        """After a run that has failed."""
        self.assertEqual(self.project.yellow("runs", "retry", "MaskShop").status, 0)
        return self.job("open", "MaskShop", "--by", f"nightly {why}", status=0)["run"]

    def first_point_with_code(self):
        """Of a launch: before it there is nothing that can have failed."""
        run = self.open_again("count")
        points = pathlib.Path(self.project.base, "points")
        self.project.yellow("job", "launch", run, environment={"YELLOW_FAULT": f"count:{points}"})
        return 1 + next(at for at, point in enumerate(points.read_text().splitlines()) if point.startswith("transform.claim.commit"))

    def test_code_that_failed_is_never_taken_in(self):
        """Wherever the job that ran it is killed."""
        select = self.project.root / "model/mask/customers.sql"
        before = select.read_text()
        select.write_text("SELECT id, left(firstname, 1 / (length(id) - length(id))) AS firstname, lastname, dob FROM Shop.customers\n")
        killed = 0
        try:
            self.assertEqual(self.project.yellow("apply").status, 0)
            batch = "SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/ShopMasked'"
            last = self.project.sql("MergeDB", batch)
            for point in range(self.first_point_with_code(), 200):
                run = self.open_again(point)
                done = self.project.yellow("job", "launch", run, environment={"YELLOW_FAULT": f"kill@*:{point}"})
                for step in ("launch", "close") if done.status == -9 else ():
                    self.assertEqual(self.job(step, run, status=1)["state"], "failed", point)
                self.assertEqual(self.job("ingest", "ShopMasked", status=10)["state"], "nothing_due")
                self.assertIn(self.run_state(run), ("failed", "lost"))
                if done.status != -9:
                    self.assertEqual(done.status, 1, done)
                    self.assertEqual(self.project.sql("MergeDB", f"SELECT exit_status, log LIKE '%division by zero%' FROM yellow.run WHERE id = '{run}'"), [("1", "t")])
                    break
                killed += 1
            self.assertEqual(self.project.sql("MergeDB", batch), last)
            self.assertGreater(killed, 8)
        finally:
            select.write_text(before)
            self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.all_is_well()

    def test_what_passes_by_itself_is_waited_for(self):
        """Before the claims, and after the code has ended: it has run once."""
        for fault in ("fail@transform.login.commit:1", "lose@transform.login.commit:1", "fail@transform.finish.commit:1", "lose@transform.finish.commit:1"):
            with self.subTest(fault):
                self.change()
                run = self.job("open", "MaskShop", "--by", f"nightly {fault}", status=0)["run"]
                done = self.project.yellow("job", "launch", run, "--output", "json", environment={"YELLOW_FAULT": fault})
                self.assertIn("fault: ", done.err)
                self.assertEqual((done.status, json.loads(done.out)["state"]), (0, "ended"), done)
                self.assertEqual(self.job("ingest", "ShopMasked", status=0)["run"], run)
        self.all_is_well()

    def test_another_scheduler(self):
        """serve starts nothing then, and ends what nobody goes on with."""
        local = self.project.root / "environments/local.yaml"
        before = local.read_text()
        local.write_text(before.replace("scheduler: yellow", "scheduler: airflow"))
        try:
            self.assertEqual(self.project.yellow("apply").status, 0)
            self.assertEqual(self.project.yellow("render", "airflow").err, "")
            self.change()
            run = self.job("open", "MaskShop", "--by", "nightly 13", status=0)["run"]
            self.overdue(run)
            serving = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                until = time.monotonic() + 30
                while self.run_state(run) != "lost":
                    self.assertLess(time.monotonic(), until)
                    time.sleep(0.1)
                time.sleep(3)       # one look more than that
                self.assertEqual([d["node"] for d in self.job("due", status=0)["due"]], ["MaskShop"])
            finally:
                serving.terminate()
                serving.wait(60)
        finally:
            local.write_text(before)
            self.assertEqual(self.project.yellow("apply").status, 0)
        self.all_is_well()

    def test_what_is_held_is_a_finding(self):
        self.project.sql("ShopDB", "ALTER TABLE customers RENAME TO customers_away; CREATE TABLE customers (LIKE customers_away); GRANT SELECT ON customers TO shop_reader")
        try:
            self.ask_for("Ingest/Main/Shop")
            held = self.job("ingest", "Shop", status=1)
            self.assertEqual(held["state"], "held", held)
            self.assertIn("now none", held["reason"]["text"])
        finally:
            self.project.sql("ShopDB", "DROP TABLE customers; ALTER TABLE customers_away RENAME TO customers")
            self.project.yellow("run", "Shop")

    def test_what_it_cannot_do(self):
        for arguments, status, text in ((("ingest", "Shopp"), 2, "Shopp"), (("transform", "Shop"), 2, ""), (("close", "zzz"), 2, "no such run"), (("ingest", "Shop", "--asked-at", "today"), 2, "no time"),
                                        (("ingest", "Shop", "--asked-at", "2026-02-30T00:00:00Z"), 2, "no time"), (("ingest", "ShopMasked", "--asked-at", "2026-01-30T00:00:00Z"), 2, "it is an output"), (("open", "MaskShop"), 2, "--by"),
                                        (("ingest", "Shop", "--result", "/nowhere/word"), 3, "/nowhere/word")):
            done = self.project.yellow("job", *arguments)
            self.assertEqual(done.status, status, done)
            self.assertIn(text, done.err)


class RenderTest(unittest.TestCase):
    """What Airflow is given. Nothing runs for it."""

    WHEN = """kind: Workspace
name: When
groups: {{In: {{sinks: [ShopMasked.customers, {{dataset: ShopMasked.addresses, reference: true}}]}}}}
transformer:
  code: {{mask: {{}}}}
  trigger: {trigger}
  output: {{datastore: Then, datasets: {{customers: {{like: ShopMasked.customers}}}}}}
---
kind: Workspace
name: ThenReader
groups: {{Now: {{sinks: [Then.customers]}}}}
"""

    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.close)

    def render(self, *arguments):
        done = self.project.yellow("render", "airflow", "-o", str(self.project.base / "dags"), *arguments)
        self.assertEqual(done.status, 0, done)
        return json.loads((self.project.base / "dags/yellow_project.json").read_text())

    def schedules(self):
        return {one["node"]: one["schedule"] for one in self.render()["transforms"]}

    def test_what_starts_a_transformer(self):
        masked, shop = "yellow://Main/ShopMasked/", ["yellow://Main/Shop/addresses", "yellow://Main/Shop/customers"]
        for trigger, schedule in (("any_batch", {"any": [masked + "customers"]}), ("any_change", {"any": [masked + "customers"]}), ("all_inputs", {"all": [masked + "customers"]}),
                                  ("{cron: {cron: 0 6 * * *, timezone: Europe/Berlin}}", {"cron": "0 6 * * *", "timezone": "Europe/Berlin"})):
            self.project.write("model/when.yaml", self.WHEN.format(trigger=trigger))
            self.assertEqual(self.schedules(), {"MaskShop": {"any": shop}, "When": schedule}, trigger)
        workspace = (self.project.root / "model/mask_shop.yaml").read_text()
        self.project.write("model/mask_shop.yaml", workspace.replace("sinks: [Shop.customers, Shop.addresses]", "sinks: [Shop.customers, Shop.addresses, ShopMasked.customers]"))
        self.assertEqual(self.schedules()["MaskShop"], {"any": shop}, "its own output starts nothing")

    def test_a_dag_for_each_team(self):
        """And for each time zone of its crons; outputs keep their own, which their transformers start."""
        self.project.write("model/when.yaml", self.WHEN.format(trigger="{cron: {cron: 0 6 * * *, timezone: Europe/Berlin}}"))
        rendered = self.render("--dag-per", "team")
        self.assertEqual({one["node"]: (one["dag"], one["group"]) for one in (*rendered["ingests"], *rendered["transforms"])},
                         {"Shop": ("Main__Default__Default__streams", "Shop"), "ShopMasked": ("Main__ShopMasked__ingest", ""), "Then": ("Main__Then__ingest", ""),
                          "MaskShop": ("Main__Default__Default__transformers", "MaskShop"), "When": ("Main__Default__Default__transformers__Europe.Berlin", "When")})
        self.assertEqual({one["node"]: one["output"] for one in rendered["transforms"]}, {"MaskShop": "Main__ShopMasked__ingest", "When": "Main__Then__ingest"})

    def test_what_cannot_be_rendered(self):
        for arguments, text in ((("--reconcile", "nonsense"), "no schedule"), (("--environment", "nowhere"), "nowhere")):
            self.refused(text, *arguments)
        workspace = (self.project.root / "model/mask_shop.yaml").read_text()
        self.assertIn("    sql: mask/", workspace)
        code = "\n".join("  code: {image: shop/mask}\n  snapshot: required" if line == "  code:" else line for line in workspace.splitlines() if "    sql: mask/" not in line)
        self.project.write("model/mask_shop.yaml", code + "\n")
        local = (self.project.root / "environments/local.yaml").read_text()
        self.project.write("environments/local.yaml", local.replace("launcher: process", 'launcher: docker\nimages: {shop/mask: "registry.example.com/mask@sha256:' + "a" * 64 + '"}'))
        self.refused("needs the snapshot of its run")

    def refused(self, text, *arguments):
        done = self.project.yellow("render", "airflow", *arguments)
        self.assertIn(done.status, (1, 2), done)
        self.assertEqual(done.out, "")
        self.assertIn(text, done.err)


if __name__ == "__main__":
    unittest.main()
