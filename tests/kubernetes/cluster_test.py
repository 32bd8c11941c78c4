"""The cluster is a real one: which engine, version and Job fields it has, and that its node runs pods, ends them and says why. Needs the cluster that
YELLOW_KUBERNETES names (ctest starts it); without one it fails."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "program")]

import images  # noqa: E402
from api import Api, Refused, wait  # noqa: E402
from control_plane import free_ports  # noqa: E402
from node import SOCKET  # noqa: E402
from programs import version  # noqa: E402
from server import NamedPostgres  # noqa: E402

SPACE = "cluster-test"
JOBS = f"/apis/batch/v1/namespaces/{SPACE}/jobs"
PODS = f"/api/v1/namespaces/{SPACE}/pods"
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True, "readOnlyRootFilesystem": True, "seccompProfile": {"type": "RuntimeDefault"}}
PASSWORD = "canary-secret-2718"


def cluster(*arguments):
    done = subprocess.run([HERE / "cluster", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"cluster {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def job(name, script, container=None, pod=None, **fields):
    """A Job of one pod that the `restricted` standard lets in, and that is not tried again."""
    main = {"name": "main", "image": images.BASE, "command": ["sh", "-c", script], "securityContext": RESTRICTED, **(container or {})}
    template = {"spec": {"restartPolicy": "Never", "automountServiceAccountToken": False, "dnsPolicy": "Default", "containers": [main], **(pod or {})}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"backoffLimit": 0, "template": template, **fields}}


FIELDS = {
    "suspend": True,
    "podReplacementPolicy": "Failed",
    "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"containerName": "main", "operator": "In", "values": [42]}}]},
    "ttlSecondsAfterFinished": 86400,
    "activeDeadlineSeconds": 600,
}
LOOK = """set -e
test "$PASSWORD" = canary-secret-2718 && echo "secret ok"
echo "user $(id -u), greeting $GREETING, first $(cat /data/first)"
for file in /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max; do test ! -e $file || echo "memory $(cat $file)"; done
touch /root-is-read-only 2>/dev/null && echo "could write" || echo "could not write"
"""


class Registry:
    """Debian's, on loopback, without TLS. REQUIRES: ended with `close`."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="yellow-registry-"))
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        config = {"version": 0.1, "log": {"level": "error"}, "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}}, "http": {"addr": self.address}}
        (self.folder / "config.yml").write_text(json.dumps(config))
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.folder / "config.yml"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait("the registry", lambda: self.process.poll() is None and self.answers())

    def answers(self):
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5):
                return True
        except OSError:
            return False

    def push(self, name):
        """An image that is nowhere else, by way of the node, which then has it no more; hands back its digest."""
        target, archive = f"{self.address}/{name}:1", self.folder / "image.tar"
        images.write_base(archive, target, {"made-for": self.address})
        for arguments in (["import", archive], ["push", "--plain-http", target], ["remove", target]):
            subprocess.run(["ctr", "-a", SOCKET, "-n", "k8s.io", "images", *arguments], check=True, capture_output=True)
        asked = urllib.request.Request(f"http://{self.address}/v2/{name}/manifests/1", headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"})
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.headers["Docker-Content-Digest"]

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


class ClusterTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kubeconfig = pathlib.Path(os.environ.get("YELLOW_KUBERNETES", "/no-cluster-was-named"), "kubeconfig")
        if not cls.kubeconfig.exists():
            raise AssertionError(f"{cls.kubeconfig}: no cluster\n  = tests/kubernetes/cluster up, and name its folder in YELLOW_KUBERNETES")
        cls.api = Api(cls.kubeconfig)
        labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
        try:
            cls.api.delete(f"/api/v1/namespaces/{SPACE}")
        except Refused as refused:
            assert refused.status == 404, refused
        wait("the namespace of an earlier test goes", lambda: not cls.api.answers(f"/api/v1/namespaces/{SPACE}"))
        cls.api.create("/api/v1/namespaces", {"metadata": {"name": SPACE, "labels": labels}})
        cls.api.create(f"/api/v1/namespaces/{SPACE}/secrets", {"metadata": {"name": "login"}, "stringData": {"password": PASSWORD}})
        cls.api.create(f"/api/v1/namespaces/{SPACE}/configmaps", {"metadata": {"name": "data"}, "data": {"first": "one"}})
        wait("the service account", lambda: cls.api.answers(f"/api/v1/namespaces/{SPACE}/serviceaccounts/default"))
        # All of them at once, so that the tests wait for one another's time only.
        environment = [{"name": "GREETING", "value": "hello"}, {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "login", "key": "password"}}}]
        limits = {"resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "500m", "memory": "48Mi"}}}
        data = {"volumes": [{"name": "data", "configMap": {"name": "data"}}]}
        cls.began = time.monotonic()
        for one in (
            job("look", LOOK, {"env": environment, "volumeMounts": [{"name": "data", "mountPath": "/data"}], **limits}, data),
            job("oom", "tail /dev/zero", limits),
            # A shell that is the first process of its container hears no SIGTERM: without this the end would take the usual half minute.
            job("deadline", "sleep 600", pod={"terminationGracePeriodSeconds": 1}, activeDeadlineSeconds=3),
            job("missing", "true", {"image": "127.0.0.1:1/missing@sha256:" + "0" * 64}),
            job("fails", "echo it went wrong >&2; exit 3"),
            job("policy", "exit 42", backoffLimit=6, podFailurePolicy=FIELDS["podFailurePolicy"]),
        ):
            cls.api.create(JOBS, one)

    @classmethod
    def tearDownClass(cls):
        cls.api.delete(f"/api/v1/namespaces/{SPACE}")

    def pod(self, name):
        """Of that job; None if there is none yet."""
        found = self.api.get(f"{PODS}?labelSelector=batch.kubernetes.io%2Fjob-name%3D{name}")["items"]
        return found[0] if found else None

    def ended(self, name):
        """The condition with which a job ended, and the job."""
        def condition():
            status = self.api.get(f"{JOBS}/{name}")["status"]
            return next((one for one in status.get("conditions", []) if one["type"] in ("Complete", "Failed") and one["status"] == "True"), None)
        return wait(f"the end of job {name}", condition, 90)

    def container_end(self, name):
        return self.pod(name)["status"]["containerStatuses"][0]["state"]["terminated"]

    def log(self, name):
        return self.api.text("GET", f"{PODS}/{self.pod(name)['metadata']['name']}/log")

    def why_waiting(self, name):
        """The reason and message with which a pod waits for its image; None while it does not."""
        for status in (self.pod(name) or {}).get("status", {}).get("containerStatuses", []):
            waiting = status["state"].get("waiting", {})
            if waiting.get("reason") == "ErrImagePull":
                return waiting["reason"], waiting["message"]
        return None

    def test_version(self):
        said = self.api.get("/version")
        node = self.api.get("/api/v1/nodes")["items"][0]["status"]["nodeInfo"]
        print(f"API server {said['gitVersion']}, kubelet {node['kubeletVersion']}, runtime {node['containerRuntimeVersion']}, kernel {node['kernelVersion']}", flush=True)
        self.assertEqual(said["gitVersion"], f"v{version()}")
        self.assertEqual(node["kubeletVersion"], f"v{version()}")
        self.assertTrue(node["containerRuntimeVersion"].startswith("containerd://"))

    def test_job_fields(self):
        """What an older server would drop without a word is stored, handed back, and checked."""
        self.api.create(JOBS, job("fields", "true", **FIELDS))
        spec = self.api.get(f"{JOBS}/fields")["spec"]
        print("Job fields stored: " + ", ".join(f"{name}={json.dumps(spec.get(name))}" for name in FIELDS), flush=True)
        for name, value in FIELDS.items():
            self.assertEqual(spec.get(name), value)
        time.sleep(1)
        self.assertIsNone(self.pod("fields"), "a suspended job has no pod")
        with self.assertRaises(Refused) as refused:
            self.api.create(JOBS, job("wrong", "true", podReplacementPolicy="Sometimes"))
        self.assertEqual(refused.exception.status, 422)
        self.api.change(f"{JOBS}/fields", {"spec": {"suspend": False}})
        self.assertEqual(self.ended("fields")["type"], "Complete")

    def test_environment_secret_limits_log(self):
        self.assertEqual(self.ended("look")["type"], "Complete")
        self.assertEqual(self.log("look"), f"secret ok\nuser 65534, greeting hello, first one\nmemory {48 << 20}\ncould not write\n")
        times = self.api.get(f"{JOBS}/look")["status"]
        print(f"a job from {times['startTime']} to {times['completionTime']}", flush=True)

    def test_out_of_memory(self):
        self.assertEqual(self.ended("oom")["reason"], "BackoffLimitExceeded")
        end = self.container_end("oom")
        self.assertEqual((end["reason"], end["exitCode"]), ("OOMKilled", 137))

    def test_deadline(self):
        self.assertEqual(self.ended("deadline")["reason"], "DeadlineExceeded")

    def test_missing_image(self):
        self.assertIn("127.0.0.1:1", wait("why the pod of a missing image waits", lambda: self.why_waiting("missing"))[1])

    def test_exit_status_and_failure_policy(self):
        self.ended("fails")
        self.assertEqual(self.container_end("fails")["exitCode"], 3)
        self.assertEqual(self.log("fails"), "it went wrong\n")
        # Without the policy it would be tried six times more, over minutes.
        self.assertEqual(self.ended("policy")["reason"], "PodFailurePolicy")

    def test_restricted_is_enforced(self):
        root = job("root", "true")["spec"]["template"]
        root["spec"]["containers"][0]["securityContext"] = {}
        with self.assertRaises(Refused) as refused:
            self.api.create(PODS, {"metadata": {"name": "root"}, **root})
        self.assertEqual(refused.exception.status, 403)
        self.assertIn("restricted", refused.exception.body)

    def test_pods_reach_postgresql(self):
        """A server that listens on loopback, through the address that `forward` gives: asked for TLS it says no, in PostgreSQL's protocol."""
        server = NamedPostgres()
        self.addCleanup(server.close)
        host, port = cluster("forward", str(server.port)).split(":")
        self.addCleanup(cluster, "stop", f"forward-{server.port}")
        self.api.create(JOBS, job("postgresql", f"printf '\\0\\0\\0\\010\\004\\322\\026\\057' | nc -w 5 {host} {port}"))
        self.assertEqual(self.ended("postgresql")["type"], "Complete")
        self.assertEqual(self.log("postgresql"), "N")

    def test_pull_by_digest(self):
        """From a registry on this machine's loopback: the digest that was pushed runs, another one is not found."""
        registry = Registry()
        self.addCleanup(registry.close)
        digest = registry.push("base")
        good, wrong = f"{registry.address}/base@{digest}", f"{registry.address}/base@sha256:{'1' * 64}"
        self.api.create(JOBS, job("digest", "echo pulled", {"image": good, "imagePullPolicy": "IfNotPresent"}))
        self.api.create(JOBS, job("wrong-digest", "true", {"image": wrong}))
        self.assertEqual(self.ended("digest")["type"], "Complete")
        self.assertIn(digest, self.pod("digest")["status"]["containerStatuses"][0]["imageID"])
        self.assertIn("not found", wait("why the other waits", lambda: self.why_waiting("wrong-digest"))[1])

    def test_service_account_inside(self):
        """A pod finds the API as any in-cluster client does, and may do what its role says and nothing else."""
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{SPACE}"
        self.api.create(f"{roles}/roles", {"metadata": {"name": "reader"}, "rules": rules})
        subject = {"kind": "ServiceAccount", "name": "default", "namespace": SPACE}
        self.api.create(f"{roles}/rolebindings", {"metadata": {"name": "reader"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}, "subjects": [subject]})
        token = self.api.create(f"/api/v1/namespaces/{SPACE}/serviceaccounts/default/token", {"spec": {"expirationSeconds": 600}})
        self.assertTrue(token["status"]["token"].startswith("ey"))
        script = "test -s /var/run/secrets/kubernetes.io/serviceaccount/token && nc -w 5 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null && echo reached"
        self.api.create(JOBS, job("inside", script, pod={"automountServiceAccountToken": True}))
        self.assertEqual(self.ended("inside")["type"], "Complete")
        self.assertEqual(self.log("inside"), "reached\n")
        asked = ["--server", f"https://{self.api.address}", "--token", token["status"]["token"], "-n", SPACE]
        self.assertEqual(self.kubectl_without_certificate(*asked, "get", "configmap", "data", "-o", "jsonpath={.data.first}")[1], "one")
        self.assertIn("Forbidden", self.kubectl_without_certificate(*asked, "get", "secret", "login")[1])

    def kubectl_without_certificate(self, *arguments):
        config = json.loads(self.kubeconfig.read_text())
        config["users"] = [{"name": "admin", "user": {}}]
        path = self.kubeconfig.with_name("kubeconfig-without-certificate")
        path.write_text(json.dumps(config))
        self.addCleanup(path.unlink, missing_ok=True)
        done = subprocess.run([HERE / "cluster", "kubectl", "--kubeconfig", path, *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    unittest.main(verbosity=2)
