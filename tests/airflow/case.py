"""What the tests in a private Airflow share."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kubernetes"), str(HERE.parent / "program")]

from processes import Processes  # noqa: E402
from rest import Rest  # noqa: E402


def airflow(*arguments, status=0):
    done = subprocess.run([HERE / "airflow", *arguments], capture_output=True, text=True, timeout=590)
    if done.returncode != status:
        raise AssertionError(f"airflow {' '.join(arguments)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def wait(what, ready, seconds=150):
    """Until ready() gives something that is true, which is handed back."""
    until = time.monotonic() + seconds
    while not (found := ready()):
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.5)
    return found


class AirflowCase(unittest.TestCase):
    """A project and an Airflow with its DAGs, for all tests of a class."""

    @classmethod
    def start(cls, project):
        """REQUIRES: the project is applied. It is reconciled by hand, so that it is known what has started what."""
        cls.project = project
        folder = tempfile.TemporaryDirectory(prefix="yellow-dags-")
        cls.addClassCleanup(folder.cleanup)
        cls.dags = pathlib.Path(folder.name)
        cls.render()
        compiled = json.loads((cls.dags / "yellow_shop.json").read_text())
        names = {node["dag"] for node in (*compiled["ingests"], *compiled["transforms"])} | {"shop__reconcile", "shop__apply"}
        os.environ.setdefault("YELLOW_AIRFLOW", f"/tmp/yellow-airflow-{os.getpid()}")
        cls.folder = pathlib.Path(os.environ["YELLOW_AIRFLOW"])
        cls.addClassCleanup(airflow, "down")
        airflow("up", str(cls.dags))
        cls.rest = Rest(cls.folder, json.loads((cls.folder / "state.json").read_text()))
        wait("the DAGs", lambda: set(cls.rest.dags()) == names or cls.rest.import_errors())
        # A new DAG runs for the tick that was last, and then there is what the project has not done yet.
        cls.trigger_and_settle("shop__reconcile")

    @classmethod
    def render(cls, *arguments):
        cls.yellow("render", "airflow", "-o", str(cls.dags), "--name", "shop", "--reconcile", "0 0 1 1 *", *arguments)

    @classmethod
    def yellow(cls, *arguments, status=0):
        done = cls.project.yellow(*arguments)
        assert done.status == status, done
        return done.out

    @classmethod
    def trigger(cls, dag):
        return cls.rest.trigger(dag)

    @classmethod
    def trigger_and_settle(cls, dag):
        run = cls.trigger(dag)
        cls.settle()
        return run

    @classmethod
    def settle(cls, seconds=240):
        """Until no DAG run is active, and none comes of what the last ones did."""
        quiet = [time.monotonic()]

        def settled():
            if cls.rest.active():
                quiet[0] = time.monotonic()
            return time.monotonic() - quiet[0] > 5
        wait("rest", settled, seconds)

    def setUp(self):
        self.before = {run["dag_run_id"] for run in self.rest.runs()}

    def new_runs(self, dag):
        """Since the test has begun, the newest first."""
        return [run for run in self.rest.runs(dag) if run["dag_run_id"] not in self.before]

    def yellow_runs(self, node):
        return json.loads(self.yellow("runs", "list", node, "--output", "json"))

    def kill(self, program):
        os.kill(Processes(self.folder / "processes").pid(program), signal.SIGKILL)
