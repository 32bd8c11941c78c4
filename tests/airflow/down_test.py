"""`down` leaves nothing, also of a scheduler that was killed; `up` is twice the same; what is killed is started again."""

import json
import os
import pathlib
import signal
import stat
import tempfile
import unittest

from case import Processes, airflow, wait
from rest import Rest

DAG = """from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
with DAG("sleeps", schedule=None):
    BashOperator(task_id="sleep", bash_command="exec sleep 4711")
"""


def running(words):
    """Of all processes, those whose output goes there or that have these words in their command."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if words in (path / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ") or os.readlink(path / "fd/1").startswith(words):
                found.append(int(path.name))
        except OSError:
            pass
    return [pid for pid in found if pid != os.getpid()]


class DownTest(unittest.TestCase):
    def test_up_and_down(self):
        os.environ.setdefault("YELLOW_AIRFLOW", f"/tmp/yellow-airflow-{os.getpid()}")
        folder = pathlib.Path(os.environ["YELLOW_AIRFLOW"])
        self.addCleanup(airflow, "down")
        with tempfile.TemporaryDirectory() as dags:
            pathlib.Path(dags, "sleeps.py").write_text(DAG)
            airflow("up", dags)
            for name in ("password.json", "airflow.cfg", "state.json"):
                self.assertEqual(stat.S_IMODE((folder / name).stat().st_mode), 0o600, name)
            self.assertEqual(airflow("up"), airflow("up", dags))
            airflow("status")
            airflow("up", "/tmp", status=1)
            rest = Rest(folder, json.loads((folder / "state.json").read_text()))
            wait("the DAG", rest.dags)
            rest.trigger("sleeps")
            wait("its task", lambda: running("sleep 4711"))
            processes = Processes(folder / "processes")
            before = {name: processes.pid(name) for name in processes.names()}
            os.kill(before["scheduler"], signal.SIGKILL)
            wait("its end", lambda: not processes.pid("scheduler"))
            airflow("status", status=1)
            airflow("up")
            after = {name: processes.pid(name) for name in processes.names()}
            self.assertEqual({name for name in after if after[name] != before[name]}, {"scheduler"})
            airflow("down")
        self.assertFalse(folder.exists())
        self.assertEqual((running(str(folder)), running("sleep 4711")), ([], []))
        airflow("status", status=1)
        airflow("down")


if __name__ == "__main__":
    unittest.main()
