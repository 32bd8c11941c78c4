"""The built program in a real Airflow: data goes from the source through transformers to their outputs and on, nothing is done twice, and nothing is lost when an event is, a
scheduler is killed, or somebody clears what they should not."""

import json
import time
import unittest

from case import airflow, wait
from shop_case import MODEL, ShopCase

INGESTS = {f"Main__{store}__ingest" for store in ("Shop", "Billing", "ShopMasked", "Names", "Cities", "Failed")}
TRANSFORMS = {f"Main__{workspace}__transform" for workspace in ("MaskShop", "CountNames", "ListCities", "Fails")}
MASK = "Main__MaskShop__transform"


class AirflowTest(ShopCase):
    def history(self):
        """All batches and runs that there ever were."""
        return self.project.sql("MergeDB", "SELECT stream, batch, state FROM yellow.batch ORDER BY 1, 2"), self.project.sql("MergeDB", "SELECT id, state FROM yellow.run ORDER BY 1")

    def test_1_the_dags(self):
        self.assertEqual(self.rest.import_errors(), [])
        self.assertEqual(set(self.rest.dags()), INGESTS | TRANSFORMS | {"shop__reconcile", "shop__apply"})
        self.assertEqual(sorted(path.name for path in self.dags.iterdir() if path.is_file()), ["yellow_shop.json", "yellow_shop.py"])
        self.assertIn("yellow-airflow", airflow("run", "providers", "list", "-o", "plain"))
        self.assert_right()

    def test_2_a_change_goes_all_the_way(self):
        self.rename("Zoe")
        by_hand = self.trigger_and_settle("Main__Shop__ingest")
        self.assert_right()
        [masked], [counted], [listed] = (self.new_runs(f"Main__{workspace}__transform") for workspace in ("MaskShop", "CountNames", "ListCities"))
        self.assertEqual({run["run_type"] for run in (masked, counted, listed)}, {"asset_triggered"})
        self.assertEqual(self.rest.states(MASK, masked["dag_run_id"]), dict.fromkeys(("open", "code", "close", "output"), "success"))
        # Yellow knows the Airflow run, and the tasks and events know what is Yellow's.
        run = self.yellow_runs("MaskShop")[0]["id"]
        self.assertIn(masked["dag_run_id"], self.yellow("runs", "show", run))
        self.assertEqual(self.rest.xcom(MASK, masked["dag_run_id"], "open"), run)
        self.assertIn(f"run {run}", self.rest.log(MASK, masked["dag_run_id"], "close"))
        batch = self.rest.xcom("Main__Shop__ingest", by_hand, "ingest")
        self.assertEqual(self.rest.events("yellow://Main/Shop/customers")[0]["extra"]["batch"], batch)
        [output] = self.new_runs("Main__ShopMasked__ingest")
        self.assertEqual((output["dag_run_id"], output["state"]), (f"yellow_run__{run}", "success"))
        self.assertEqual(self.new_runs("Main__Fails__transform"), [], "it has another input")
        # It shares the input.
        self.assertEqual(self.rest.states("Main__ListCities__transform", listed["dag_run_id"]), dict.fromkeys(("open", "code", "close", "output"), "success"))

    def test_3_any_one_of_several_inputs_and_one_that_fails(self):
        before = self.history()
        self.pay(11)
        self.trigger_and_settle("Main__Billing__ingest")
        self.assert_right()
        [masked], [failed] = self.new_runs(MASK), self.new_runs("Main__Fails__transform")
        self.assertEqual((masked["run_type"], masked["state"], failed["state"]), ("asset_triggered", "success", "failed"))
        states = self.rest.states("Main__Fails__transform", failed["dag_run_id"])
        self.assertEqual((states["open"], states["close"], states["output"]), ("success", "failed", "upstream_failed"))
        self.assertIn("exit status 3", self.rest.log("Main__Fails__transform", failed["dag_run_id"], "close"))
        self.assertEqual(self.new_runs("Main__Failed__ingest"), [])
        self.assertEqual([entry for entry in self.history()[0] if "Failed" in entry[0]], [entry for entry in before[0] if "Failed" in entry[0]])
        self.assertEqual(self.yellow_runs("Fails")[0]["state"], "failed")

    def test_4_what_is_fired_twice_is_done_once(self):
        self.rename("Yvonne")
        self.yellow("job", "ingest", "Shop", "--asked-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        runs = len(self.yellow_runs("MaskShop"))
        for _ in range(2):
            self.trigger(MASK)
        self.settle()
        self.assertEqual(sorted(self.rest.states(MASK, run["dag_run_id"])["output"] for run in self.new_runs(MASK)), ["skipped", "success"])
        self.assertEqual(len(self.yellow_runs("MaskShop")), runs + 1)
        self.assertEqual({run["state"] for run in self.new_runs(MASK)}, {"success"})
        self.assert_right()

    def test_5_an_event_that_was_lost(self):
        self.rename("Xaver")
        self.pay(12)
        for store in ("Shop", "Billing"):
            self.yellow("job", "ingest", store, "--asked-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        time.sleep(5)
        self.assertEqual(self.rest.active(), [], "Airflow knows nothing of it")
        run = self.trigger_and_settle("shop__reconcile")
        self.assert_right()
        self.assertEqual(self.new_runs(MASK)[0]["dag_run_id"], f"yellow_due__{run}")
        self.trigger_and_settle("shop__reconcile")
        self.assertEqual(len(self.new_runs(MASK)), 1, "nothing was due any more")

    def test_6_what_is_cleared_does_no_harm(self):
        masked = next(run for run in self.rest.runs(MASK) if self.rest.states(MASK, run["dag_run_id"])["output"] == "success")["dag_run_id"]
        ingested = next(run for run in self.rest.runs("Main__Shop__ingest") if run["state"] == "success")["dag_run_id"]
        before = self.history()
        for dag, run, tasks in ((MASK, masked, ["code"]), (MASK, masked, ["close", "output"]), (MASK, masked, ["output"]), ("Main__Shop__ingest", ingested, ["ingest"])):
            with self.subTest(tasks):
                self.rest.clear(dag, run, tasks)
                self.settle()
                self.assertIn(self.rest.states(dag, run)[tasks[-1]], ("success", "skipped"))
        self.assertEqual(self.history(), before)
        self.rest.clear(MASK, masked, ["open", "code", "close", "output"])
        self.settle()
        self.assertEqual(set(self.rest.states(MASK, masked).values()), {"skipped"})
        self.assertEqual(self.history(), before)
        self.assert_right()

    def test_7_the_scheduler_is_killed_between_tasks(self):
        self.rename("Willa")
        self.pay(13)
        ingests = [(dag, self.trigger(dag)) for dag in ("Main__Shop__ingest", "Main__Billing__ingest")]

        def opened():
            return any(self.rest.states(MASK, run["dag_run_id"]).get("open") == "success" for run in self.new_runs(MASK))
        wait("an open run", opened)
        self.kill("scheduler")
        time.sleep(3)
        airflow("up")
        self.settle(300)
        self.assert_right()
        self.assertEqual({self.rest.runs(dag)[0]["state"] for dag, _ in ingests}, {"success"})
        self.assertEqual({run["state"] for run in self.new_runs(MASK)}, {"success"})
        self.trigger_and_settle("shop__reconcile")
        self.assertEqual(self.rest.states("shop__reconcile", self.new_runs("shop__reconcile")[0]["dag_run_id"]), {"due": "success", "start": "skipped"})

    def test_8_a_task_that_is_killed(self):
        dag = "Main__ListCities__transform"
        self.slow.touch()
        self.yellow("job", "ingest", "Shop", "--asked-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        run = self.trigger(dag)

        def at_work():
            if self.rest.states(dag, run).get("code") != "running":
                return False
            return json.loads(self.yellow("job", "look", self.rest.xcom(dag, run, "open"), "--output", "json"))["state"] == "running"
        wait("the code", at_work)
        self.rest.mark(dag, run, "code", "failed")
        wait("the end", lambda: self.rest.states(dag, run)["close"] == "failed")
        self.slow.unlink()
        self.settle()
        self.assertEqual(self.rest.states(dag, run)["output"], "upstream_failed")
        self.assertEqual(self.project.broken_invariants(), {})

        def listed():
            self.trigger_and_settle("shop__reconcile")
            return self.yellow_runs("ListCities")[0]["state"] == "committed"
        wait("the next run, when its back-off is over", listed)
        self.assert_right()

    def test_9_a_transformer_goes(self):
        before = len(self.rest.runs("Main__Fails__transform"))
        self.assertGreater(before, 0)
        fails, readers = MODEL.index("kind: Workspace\nname: Fails"), MODEL.index("kind: Workspace\nname: AirflowReaders")
        self.project.write("model/airflow.yaml", (MODEL[:fails] + MODEL[readers:]).replace(", Failed.invoices", ""))
        run = self.trigger_and_settle("shop__apply")
        self.assertRegex(json.dumps(self.rest.xcom("shop__apply", run, "apply")), r"MergeDB: model version \d+, \d+ steps")
        self.assertIn("drop view", self.rest.log("shop__apply", run, "apply"))
        self.render()
        wait("its DAGs go", lambda: not {"Main__Fails__transform", "Main__Failed__ingest"} & set(self.rest.dags()))
        self.assertEqual(len(self.rest.runs("Main__Fails__transform")), before, "its history stays")
        self.assertEqual(self.rest.import_errors(), [])

    def test_team_of_dags(self):
        """One DAG for all streams of the team and one for its transformers: who is not due is skipped. What is behind one of them is started by its output."""
        self.render("--dag-per", "team")
        streams, transformers = "Main__Default__Default__streams", "Main__Default__Default__transformers"
        outputs = {f"Main__{store}__ingest" for store in ("ShopMasked", "Names", "Cities")}
        wait("the team's DAGs", lambda: set(self.rest.dags()) == {streams, transformers, *outputs, "shop__reconcile", "shop__apply"} or self.rest.import_errors())
        self.settle()
        before = {run["dag_run_id"] for run in self.rest.runs(transformers)}
        self.pay(14)
        self.yellow("job", "ingest", "Billing", "--asked-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
        run = self.trigger_and_settle(transformers)
        states = self.rest.states(transformers, run)
        self.assertEqual([states[f"{one}.output"] for one in ("MaskShop", "CountNames", "ListCities")], ["success", "skipped", "skipped"])
        self.rename("Vera")
        run = self.trigger_and_settle(streams)
        self.assert_right()
        self.assertEqual(self.rest.states(streams, run), {"Shop.ingest": "success", "Billing.ingest": "success"})
        self.assertEqual({run["run_type"] for run in self.rest.runs(transformers) if run["dag_run_id"] not in before}, {"manual", "asset_triggered"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
