"""The DAGs of compiled files, made by the real Airflow: their schedules, tasks and order; what it takes; and that Airflow can store them."""

import copy
import gc
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest
from unittest import mock

import airflow  # noqa: F401  (first, and not part of what is measured)
import airflow.providers.standard.operators.trigger_dagrun  # noqa: F401
from airflow.sdk import Asset, AssetAll, AssetAny
from airflow.serialization.serialized_objects import DagSerialization

import yellow_airflow.factory
from model import compiled, write
from yellow_airflow.compiled import CompiledError

# What a DAG file must not do: the calls of Python that open a connection.
QUIET = """import socket, sys
import airflow, airflow.sdk, airflow.providers.standard.operators.trigger_dagrun, yellow_airflow
sys.addaudithook(lambda event, arguments: event in ("socket.connect", "subprocess.Popen", "os.system", "os.exec", "os.fork") and sys.exit(f"did {event} {arguments}"))
yellow_airflow.build(sys.argv[1], {})
"""


class FactoryTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name, "yellow_demo.json")

    def build(self, document, dag=None):
        namespace = {}
        with mock.patch.dict(os.environ, {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag} if dag else {}):
            yellow_airflow.build(write(self.path, document), namespace)
        return namespace

    def measure(self, streams, transformers, dag=None):
        """How many DAGs, and the seconds of the processor that they took: the fewest of three times, for a machine that has other things to do."""
        write(self.path, compiled(streams, transformers))
        times = []
        for _ in range(3):
            namespace = {}
            yellow_airflow.factory._asset.cache_clear()
            gc.collect()
            began = time.process_time()
            with mock.patch.dict(os.environ, {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag} if dag else {}):
                yellow_airflow.build(self.path, namespace)
            times.append(time.process_time() - began)
        return len(namespace), min(times)

    def test_ingest(self):
        dag = self.build(compiled(1, 1))["main__Shop0__ingest"]
        self.assertEqual((dag.timetable.expression, dag.timetable.timezone), ("0 5 * * *", "Europe/Berlin"))
        self.assertEqual((dag.catchup, dag.max_active_runs, dag.tags), (False, 1, {"yellow", "demo", "ingest", "sales"}))
        self.assertIn("yellow explain Shop0", dag.doc_md)
        [task] = dag.tasks
        self.assertEqual((task.task_id, task.arguments, task.priority_weight, task.owner, task.asked), ("ingest", ["ingest", "Shop0"], 40, "sales", True))
        self.assertEqual(DagSerialization.to_dict(dag)["dag"]["tasks"][0]["__var"]["weight_rule"], "absolute")
        self.assertEqual([asset.uri for asset in task.outlets], [f"yellow://main/Shop0/table{k}" for k in range(3)])

    def test_output_waits_for_nobody(self):
        dag = self.build(compiled(1, 1))["main__Masked0__ingest"]
        self.assertFalse(dag.timetable.can_be_scheduled)
        self.assertIs(dag.is_paused_upon_creation, False)
        self.assertIs(dag.tasks[0].asked, False)

    def test_transform(self):
        dag = self.build(compiled(4, 1))["main__Mask0__transform"]
        inputs = [Asset(f"yellow://main/Shop{j}/table{k}") for j in range(4) for k in range(3)]
        self.assertEqual(dag.timetable.asset_condition, AssetAny(*inputs))
        self.assertEqual({task.task_id: task.downstream_task_ids for task in dag.tasks}, {"open": {"code", "close"}, "code": {"close"}, "close": {"output"}, "output": set()})
        self.assertEqual({task.task_id: task.upstream_task_ids for task in dag.tasks}, {"open": set(), "code": {"open"}, "close": {"open", "code"}, "output": {"close"}})
        close, output = dag.get_task("close"), dag.get_task("output")
        self.assertEqual(close.trigger_rule, "all_done_min_one_success")
        self.assertEqual((output.trigger_dag_id, output.wait_for_completion, output.deferrable, output.trigger_rule), ("main__Masked0__ingest", True, True, "all_success"))
        self.assertIn("xcom_pull", output.trigger_run_id)

    def test_schedules_of_transformers(self):
        document = compiled(2, 1)
        uris = ["yellow://main/Shop0/table0", "yellow://main/Shop1/table0"]
        document["transforms"][0]["schedule"] = {"all": uris}
        self.assertEqual(self.build(document)["main__Mask0__transform"].timetable.asset_condition, AssetAll(*map(Asset, uris)))
        document["transforms"][0]["schedule"] = {"cron": "30 2 * * 1", "timezone": "Asia/Tokyo"}
        timetable = self.build(document)["main__Mask0__transform"].timetable
        self.assertEqual((timetable.expression, timetable.timezone), ("30 2 * * 1", "Asia/Tokyo"))

    def test_a_dag_for_a_team(self):
        document = compiled(4, 3)
        for ingest in document["ingests"][:3]:
            ingest.update(dag="main__Default__sales__streams", group=ingest["node"])
        document["ingests"][1]["schedule"] = {"cron": "*/7 * * * *", "timezone": "Europe/Berlin"}
        document["ingests"][2]["schedule"] = None
        for transform in document["transforms"]:
            transform.update(dag="main__Default__sales__transformers", group=transform["node"])
        uris = [f"yellow://main/Shop{k}/table0" for k in range(4)]
        for transform, schedule in zip(document["transforms"], ({"any": uris[:2]}, {"all": uris[1:]}, {"cron": "30 2 * * 1", "timezone": "UTC"})):
            transform["schedule"] = schedule
        document["transforms"][2]["priority"] = 70
        dags = self.build(document)
        self.assertEqual(set(dags), {"main__Default__sales__streams", "main__Shop3__ingest", *(f"main__Masked{k}__ingest" for k in range(3)), "main__Default__sales__transformers",
                                     "demo__reconcile", "demo__apply"})
        streams, transformers = dags["main__Default__sales__streams"], dags["main__Default__sales__transformers"]
        self.assertEqual(sorted(streams.task_dict), ["Shop0.ingest", "Shop1.ingest", "Shop2.ingest"])
        times = DagSerialization.to_dict(streams)["dag"]["timetable"]["__var"]
        self.assertEqual((times["expressions"], times["timezone"]), (["0 5 * * *", "*/7 * * * *"], "Europe/Berlin"))
        self.assertEqual(transformers.timetable.asset_condition, AssetAny(*map(Asset, uris)), "each finds out whether all of its own are there")
        self.assertEqual((transformers.timetable.timetable.expression, transformers.timetable.timetable.timezone), ("30 2 * * 1", "UTC"))
        self.assertEqual(transformers.get_task("Mask1.open").downstream_task_ids, {"Mask1.code", "Mask1.close"})
        close = transformers.get_task("Mask1.close")
        self.assertEqual((close.upstream_task_ids, close.code, close.arguments[1]), ({"Mask1.open", "Mask1.code"}, "Mask1.code", "{{ ti.xcom_pull(task_ids='Mask1.open') }}"))
        self.assertEqual([transformers.get_task(f"Mask{k}.code").priority_weight for k in range(3)], [50, 50, 70])
        self.assertEqual(dags["demo__reconcile"].get_task("due").dags["Mask1"], "main__Default__sales__transformers")
        for dag in (streams, transformers):
            self.assertEqual(set(DagSerialization.from_dict(copy.deepcopy(DagSerialization.to_dict(dag))).task_dict), set(dag.task_dict))

    def test_reconcile_and_apply(self):
        dags = self.build(compiled(1, 1))
        due = dags["demo__reconcile"].get_task("due")
        self.assertEqual(due.dags, {"Shop0": "main__Shop0__ingest", "Masked0": "main__Masked0__ingest", "Mask0": "main__Mask0__transform"})
        self.assertEqual(dags["demo__reconcile"].get_task("start").upstream_task_ids, {"due"})
        self.assertFalse(dags["demo__apply"].timetable.can_be_scheduled)

    def test_airflow_can_store_them_and_they_stay_the_same(self):
        first, second = (self.build(compiled(5, 2)) for _ in range(2))
        for name, dag in first.items():
            stored = DagSerialization.to_dict(dag)
            self.assertEqual(stored, DagSerialization.to_dict(second[name]))
            self.assertEqual(set(DagSerialization.from_dict(copy.deepcopy(stored)).task_dict), set(dag.task_dict))
        dependencies = DagSerialization.to_dict(first["main__Mask0__transform"])["dag"]["dag_dependencies"]
        self.assertIn(("trigger", "main__Masked0__ingest"), {(one["dependency_type"], one["target"]) for one in dependencies})

    def test_inside_a_task_only_its_dag(self):
        self.assertEqual(list(self.build(compiled(5, 2), "main__Mask1__transform")), ["main__Mask1__transform"])
        self.assertEqual(self.build(compiled(5, 2), "main__Gone__transform"), {})

    def test_no_connection_and_no_process(self):
        write(self.path, compiled(5, 2))
        done = subprocess.run([sys.executable, "-c", QUIET, self.path], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)

    def test_what_cannot_be_read(self):
        document = compiled()
        for change, words in (({"format": 3}, "has format 3, and this yellow-airflow reads format 2"), ({"ingests": [{}]}, "lacks what format 2 has: 'dag'")):
            with self.assertRaisesRegex(CompiledError, words):
                self.build({**document, **change})
        self.path.write_text("{")
        with self.assertRaisesRegex(CompiledError, "is not JSON"):
            yellow_airflow.build(self.path, {})

    def test_a_thousand_streams(self):
        """Seconds of the processor: 5 for all, 0.2 for one; and four times as many take about four times as long, not sixteen."""
        quarter, whole = self.measure(250, 50), self.measure(1000, 200)
        ingest, transform = (self.measure(1000, 200, dag) for dag in ("main__Shop7__ingest", "main__Mask7__transform"))
        print(f"\n{quarter[0]} DAGs in {quarter[1]:.2f} s, {whole[0]} in {whole[1]:.2f} s, one of them in {ingest[1]:.3f} s (ingest) and "
              f"{transform[1]:.3f} s (transform)", flush=True)
        self.assertEqual((quarter[0], whole[0], ingest[0], transform[0]), (352, 1402, 1, 1))
        self.assertLess(whole[1], 5)
        self.assertLess(whole[1], 8 * quarter[1])
        self.assertLess(max(ingest[1], transform[1]), 0.2)


if __name__ == "__main__":
    unittest.main()
