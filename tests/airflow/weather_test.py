"""Random changes in a real Airflow whose programs are killed meanwhile; afterwards its metadata database and Yellow's history tell the same, nothing is lost and nothing doubled.

  python3 tests/airflow/weather_test.py [--minutes 60] [--seed N]"""

import argparse
import collections
import json
import random
import sys
import time
import unittest

from case import airflow, wait
from database import Database
from processes import Processes
from rest import Refused
from shop_case import ShopCase

PARSER = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
PARSER.add_argument("--minutes", type=float, default=2)
PARSER.add_argument("--seed", type=int)
OPTIONS = PARSER.parse_args()

SOURCES = ("Main__Shop__ingest", "Main__Billing__ingest")
TRANSFORMS = ("Main__MaskShop__transform", "Main__CountNames__transform", "Main__ListCities__transform")
BY = "airflow "      # what Yellow knows of a DAG run: `airflow DAG RUN`

# The batches (from, to] of each input that a committed run has counted, or that needed none because they changed nothing.
CLAIMS = """SELECT r.transformer, c.input, c.from_batch, c.to_batch FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id
WHERE r.state = 'committed' AND c.to_batch > c.from_batch
UNION ALL SELECT e.node, b.key, (b.value ->> 0)::int, (b.value ->> 1)::int FROM yellow.event e, jsonb_each(e.batches) b WHERE e.kind = 'consumed_unchanged'
ORDER BY 1, 2, 3"""
COMMITTED = "SELECT stream, max(batch) FROM yellow.batch WHERE state = 'committed' GROUP BY 1"
# What a task has handed on. Airflow keeps JSON.
HANDED_ON = """SELECT json_agg(json_build_array(x.dag_id, x.run_id, x.value #>> '{}'))
FROM (SELECT dag_id, run_id, value::jsonb AS value FROM xcom WHERE key = 'return_value' AND task_id = '%s') x"""
DAG_RUNS = "SELECT json_agg(json_build_array(dag_id, run_id, state)) FROM dag_run"
TASKS = "SELECT json_agg(json_build_array(dag_id, run_id, task_id, state)) FROM task_instance WHERE task_id IN ('open', 'close', 'output')"


class WeatherTest(ShopCase):
    @classmethod
    def render(cls):
        cls.yellow("render", "airflow", "-o", str(cls.dags), "--name", "shop", "--reconcile", "* * * * *")

    def metadata(self, statement):
        text = Database(self.folder, Processes(self.folder / "processes")).psql("airflow", statement)
        self.assertIsNotNone(text, statement)
        return [tuple(row) for row in json.loads(text or "null") or ()]

    # ---- What happens.

    def ask_beside(self, store):
        """Airflow hears nothing of the batch."""
        self.project.yellow("job", "ingest", store, "--asked-at", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))

    def change(self):
        what = self.chance.choice(("rename", "pay", "move"))
        if what == "rename":
            self.rename(self.chance.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") + "ela")
        elif what == "pay":
            self.pay(self.chance.randrange(100_000) / 100)
        else:
            self.project.sql("ShopDB", f"UPDATE addresses SET city = 'Town {self.chance.randrange(1000)}' WHERE ctid = (SELECT min(ctid) FROM addresses)")
        store = "Billing" if what == "pay" else "Shop"
        how = self.chance.random()
        if how < 0.6:
            self.trigger(f"Main__{store}__ingest")
        elif how < 0.8:
            self.ask_beside(store)

    def trigger_twice(self):
        dag = self.chance.choice(TRANSFORMS)
        for _ in range(2):
            self.trigger(dag)

    def clear(self):
        """Not what opens a run: that would belong to another one afterwards."""
        ended = [run for run in self.rest.runs() if run["state"] in ("success", "failed") and run["dag_id"] in (*SOURCES, *TRANSFORMS)]
        if ended:
            run = self.chance.choice(ended)
            tasks = ["ingest"] if run["dag_id"] in SOURCES else self.chance.choice((["code"], ["close", "output"], ["output"]))
            self.rest.clear(run["dag_id"], run["dag_run_id"], tasks)

    def kill_program(self):
        program = self.chance.choice(("scheduler", "dag-processor", "triggerer"))
        self.kill(program)
        self.happened[f"kill {program}"] += 1
        time.sleep(self.chance.random() * 3)
        airflow("up")

    def fail_code(self):
        """As a person does it, while it runs."""
        dag = self.chance.choice(TRANSFORMS)
        for run in self.rest.runs(dag, state="running"):
            if self.rest.states(dag, run["dag_run_id"]).get("code") == "running":
                self.rest.mark(dag, run["dag_run_id"], "code", "failed")
                self.happened["code marked failed"] += 1

    def run_by_hand(self):
        self.project.yellow("run")

    def blow(self, minutes):
        works = [self.change] * 10 + [self.trigger_twice, self.clear, self.fail_code, self.run_by_hand] + [self.kill_program] * 2
        until = time.monotonic() + minutes * 60
        while time.monotonic() < until:
            work = self.chance.choice(works)
            try:
                work()
                self.happened[work.__name__] += 1
            except Refused as refused:     # another state by now
                self.assertIn(refused.status, (404, 409), refused)
            time.sleep(self.chance.random() * 6)

    def calm(self):
        """Everything is let finish, with a last batch of each source: a change need not have been asked for."""
        airflow("up")
        for dag in SOURCES:
            self.trigger(dag)

        def nothing_is_due():
            self.settle(400)
            return self.project.yellow("job", "due").status == 10
        wait("nothing to be due", nothing_is_due, 600)

    # ---- What must be true.

    def test_weather(self):
        seed = OPTIONS.seed if OPTIONS.seed is not None else random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        self.chance, self.happened = random.Random(seed), collections.Counter()
        self.blow(OPTIONS.minutes)
        self.calm()
        self.assertEqual(self.rest.import_errors(), [])
        self.assert_right()
        self.every_batch_arrived_once()
        self.runs_are_the_same()
        self.batches_are_the_same()
        print(f"{dict(sorted(self.happened.items()))}", flush=True)

    def every_batch_arrived_once(self):
        committed = {stream.removeprefix("Ingest/Main/"): int(batch) for stream, batch in self.project.sql("MergeDB", COMMITTED)}
        reached = collections.Counter()
        for transformer, dataset, first, last in self.project.sql("MergeDB", CLAIMS):
            self.assertEqual(int(first), reached[transformer, dataset], f"{dataset} of {transformer}")
            reached[transformer, dataset] = int(last)
        for (transformer, dataset), batch in reached.items():
            if transformer != "Transform/Main/Fails":
                self.assertEqual(batch, committed[dataset.split(".")[0]], f"{dataset} of {transformer}")
        outputs = dict(self.project.sql("MergeDB", "SELECT transformer, count(*) FROM yellow.run WHERE state = 'committed' GROUP BY 1"))
        for transformer, store in (("MaskShop", "ShopMasked"), ("CountNames", "Names"), ("ListCities", "Cities")):
            self.assertEqual(int(outputs[f"Transform/Main/{transformer}"]), committed[store], "each run is one batch of its output")

    def runs_are_the_same(self):
        """Each run of Yellow that a DAG run has opened, and each DAG run that has one."""
        states = {(dag, run): state for dag, run, state in self.metadata(DAG_RUNS)}
        opened = {(dag, run): yellow for dag, run, yellow in self.metadata(HANDED_ON % "open") if yellow}
        tasks = collections.defaultdict(dict)
        for dag, run, task, state in self.metadata(TASKS):
            tasks[dag, run][task] = state
        runs = {run: (state, by) for run, state, by in self.project.sql("MergeDB", f"SELECT id, state, handed_to FROM yellow.run WHERE handed_to LIKE '{BY}%'")}
        self.assertEqual(len(set(opened.values())), len(opened), "two DAG runs have one run")
        for where, run in opened.items():
            state, by = runs[run]
            self.assertEqual(by, BY + " ".join(where))
            self.assertNotIn(state, ("preparing", "launched", "finished", "ingesting"))
            self.assertIn(states[where], ("success", "failed"))
            # A red task is one that was killed, or whose code has failed; what is green is committed.
            if tasks[where]["output"] == "success":
                self.assertEqual(state, "committed", (where, run))
        lost = [run for run, (state, by) in runs.items() if run not in opened.values()]
        for run in lost:        # its task was killed before it could hand on what it had opened
            state, by = runs[run]
            self.assertIn(tuple(by.removeprefix(BY).split(" ", 1)), states)
        by_state = collections.Counter(state for state, _ in runs.values())
        print(f"{len(runs)} runs of DAG runs: {dict(by_state)}; of {len(lost)} Airflow has no id", flush=True)
        self.assertGreater(by_state["committed"], 0)

    def batches_are_the_same(self):
        """Each batch that a DAG run says that it has read was opened for it, and no two have read the same."""
        batches = {(stream, int(batch)): by for stream, batch, by in self.project.sql("MergeDB", "SELECT stream, batch, coalesce(opened_by, '') FROM yellow.batch WHERE state = 'committed'")}
        said = [(dag, run, int(batch)) for dag, run, batch in self.metadata(HANDED_ON % "ingest") if dag in SOURCES and batch]
        self.assertEqual(len({(dag, batch) for dag, _, batch in said}), len(said))
        for dag, run, batch in said:
            self.assertEqual(batches["Ingest/Main/" + dag.split("__")[1], batch], f"{BY}{dag} {run}")
        of_airflow = [by for (stream, _), by in batches.items() if by.startswith(BY) and stream in ("Ingest/Main/Shop", "Ingest/Main/Billing")]
        print(f"{len(batches)} batches, {len(of_airflow)} of them of source DAGs, which name {len(said)}", flush=True)
        self.assertGreater(len(said), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
