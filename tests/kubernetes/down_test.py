"""The cluster is restarted in the middle of a job, and leaves the machine as it found it. Ends the cluster that YELLOW_KUBERNETES names: ctest runs it last."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from api import Api, wait  # noqa: E402
from cluster_test import cluster, job  # noqa: E402
from node import BRIDGE, CGROUP, RUN  # noqa: E402
from processes import born  # noqa: E402

JOBS = "/apis/batch/v1/namespaces/default/jobs"


class DownTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(os.environ.get("YELLOW_KUBERNETES", "/no-cluster-was-named"))
        self.assertTrue((self.folder / "kubeconfig").exists(), "no cluster")

    def test_restart_and_down(self):
        self.restart()
        settings = json.loads((RUN / "settings.json").read_text())
        changed = [name for name, value in settings.items() if pathlib.Path("/proc/sys", name).read_text().strip() != value]
        print(f"settings that the cluster had changed: {', '.join(changed)}", flush=True)
        Api(self.folder / "kubeconfig").create(JOBS, job("runs-until-the-end", "sleep 600"))
        wait("a pod that runs", lambda: self.pods(), 60)
        # Worst of all: those that would have ended the pods are gone.
        for name in ("containerd", "kubelet"):
            os.kill(json.loads((self.folder / "processes" / f"{name}.pid").read_text())["pid"], signal.SIGKILL)
        pids = [json.loads(path.read_text())["pid"] for path in (self.folder / "processes").glob("*.pid")]
        cluster("down")
        self.assertEqual([pid for pid in pids if born(pid)], [])
        for name, value in settings.items():
            self.assertEqual(pathlib.Path("/proc/sys", name).read_text().strip(), value, name)
        self.assertFalse(self.folder.exists())
        self.assertFalse(RUN.exists())
        self.assertFalse(pathlib.Path("/sys/class/net", BRIDGE).exists())
        self.assertEqual([line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if str(self.folder) in line or str(RUN) in line], [])
        self.assertEqual([path for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/{CGROUP}")], [])
        left = subprocess.run(["pgrep", "-f", f"containerd-shim.*{RUN}|{self.folder}"], capture_output=True, text=True).stdout.split()
        self.assertEqual([pid for pid in left if int(pid) != os.getpid()], [])
        self.assertEqual(subprocess.run([HERE / "cluster", "status"], capture_output=True).returncode, 1)
        cluster("down")     # once more is no error

    def pods(self):
        found = Api(self.folder / "kubeconfig").get("/api/v1/namespaces/default/pods")["items"]
        return [pod for pod in found if pod["status"].get("phase") == "Running"]

    def restart(self):
        """The API server and the kubelet end under a job that runs on; `up` starts just these again, where they were."""
        before = (self.folder / "kubeconfig").read_bytes()
        api = Api(self.folder / "kubeconfig")
        api.create(JOBS, job("outlives", "sleep 8; echo done"))
        wait("a pod that runs", lambda: self.pods(), 60)
        cluster("status")
        etcd = (self.folder / "processes" / "etcd.pid").read_text()
        cluster("stop", "kube-apiserver")
        cluster("stop", "kubelet")
        self.assertFalse(api.answers("/readyz"))
        self.assertEqual(subprocess.run([HERE / "cluster", "status"], capture_output=True).returncode, 1)
        self.assertEqual(cluster("up"), str(self.folder / "kubeconfig"))
        self.assertEqual((self.folder / "kubeconfig").read_bytes(), before)
        self.assertEqual((self.folder / "processes" / "etcd.pid").read_text(), etcd)
        wait("the job's end", lambda: api.get(f"{JOBS}/outlives")["status"].get("succeeded") == 1, 90)


if __name__ == "__main__":
    unittest.main(verbosity=2)
