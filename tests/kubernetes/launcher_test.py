"""The shop's customers masked by code in pods (launcher: kubernetes), on the real cluster that YELLOW_KUBERNETES names (ctest starts it). Without one it fails."""

import json
import os
import signal
import time
import unittest

from pods import Namespace, PodShop, Registry, cluster, wait     # which makes the others be found
from outlives import MASK, Outlives, slow_mask
from rough_api import RoughApi
from server import NamedPostgres


def setUpModule():
    global registry, namespace
    registry = Registry()
    unittest.addModuleCleanup(registry.close)
    namespace = Namespace("launcher-test")
    unittest.addModuleCleanup(namespace.remove)


class Code(Outlives, unittest.TestCase):
    """One project, whose code is changed from test to test."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.project = PodShop(registry.mask, namespace)
        cls.addClassCleanup(cls.project.close)

    def setUp(self):
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        wait("Jobs, pods and Secrets go", lambda: not any(namespace.names(path) for path in (namespace.jobs, namespace.pods, namespace.secrets)), 60)

    def place(self, more=None, **how):
        """The environment with these settings of its launcher, until the test is over."""
        self.addCleanup(self.project.place, {})
        self.project.place(more or {}, **how)

    def newest(self):
        return self.project.runs()[0]

    def run_code(self, script, state="failed", reason=None, **how):
        """Runs it once; returns the run and what it has printed."""
        self.project.code(script, **how)
        result = self.project.yellow("run", "--apply")
        run = self.newest()
        self.assertEqual((run["state"], (run["reason"] or {}).get("code")), (state, reason), f"{run}\n{result}")
        self.assertEqual(result.status, 0 if state == "committed" else 1, result)
        return run, self.project.yellow("runs", "logs", run["id"]).out

    def begin(self, script, **how):
        """Starts yellow with it, and waits until the code has said that it is there; returns yellow, the run's id, and its pod."""
        self.project.code(script if "there" in script else "import signal, sys, time\nprint('there', flush=True)\n" + script, **how)
        yellow = self.project.start("run", "--apply")
        self.addCleanup(yellow.communicate)
        self.addCleanup(yellow.kill)

        def there():
            return next((pod for pod in namespace.all(namespace.pods) if "there" in namespace.log(pod["metadata"]["name"])), None)
        pod = wait("the code begins", there)
        return yellow, pod["metadata"]["labels"]["yellow.run"], pod

    def begin_run(self, script, **how):
        return self.begin(script, **how)[:2]

    def await_end(self, run):
        wait("the pod ends", lambda: namespace.pod_of(run)["status"]["phase"] == "Succeeded")

    def code(self, script, **how):
        self.project.code(script, **how)

    def all_is_well(self):
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    # What runs, and as what

    def test_customers_are_masked_by_a_pod(self):
        self.run_code(MASK, "committed")
        self.all_is_well()
        run = self.newest()
        shown = json.loads(self.project.yellow("runs", "show", run["id"], "--output", "json").out)
        self.assertEqual((shown["image"], shown["job"]), (registry.mask, f"yellow-run-{run['id']}"))
        self.assertIn("customers are masked", self.project.yellow("runs", "logs", run["id"]).out)

    def test_the_code_has_no_rights(self):
        _, log = self.run_code("""
import os
print("user", os.getuid())
for line in open("/proc/self/status"):
    if line.startswith(("CapEff", "CapBnd", "NoNewPrivs", "Seccomp:")): print(line.strip())
for path in ("/x", "/etc/x", "/run/x"):
    try: open(path, "w"); print("wrote", path)
    except OSError as error: print(path, error.strerror)
open("/tmp/x", "w").write("x")
print("tmp", os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize)
print("account", os.path.exists("/var/run/secrets/kubernetes.io"))
print("greeting", os.environ["GREETING"])
raise SystemExit(3)
""", reason="exit_status", more=", environment: {GREETING: hello}, resources: {limits: {memory: 128Mi, tmp: 8Mi}, requests: {cpu: 10m}}")
        for line in ("user 65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", f"tmp {8 << 20}", "account False", "greeting hello"):
            self.assertIn(line, log)
        self.assertNotIn("wrote", log)

    def test_secrets_are_in_the_secret_alone(self):
        yellow, run, pod = self.begin("time.sleep(3)\nsys.exit(3)")
        job = f"yellow-run-{run}"
        values = namespace.secret_values(job)
        password = values["PGPASSWORD"]
        self.assertGreater(len(password), 20)
        self.assertEqual(namespace.api.get(f"{namespace.secrets}/{job}")["metadata"]["ownerReferences"][0]["name"], job)
        everything = cluster("kubectl", "get", "all,events,configmaps", "-n", namespace.name, "-o", "yaml") + namespace.log(pod["metadata"]["name"])
        output = yellow.communicate(timeout=60)[0]
        for secret in (password, values["YELLOW_DATABASE_URL"], "reader:", NamedPostgres.PASSWORD):
            self.assertNotIn(secret, everything)
            self.assertNotIn(secret, output)
        for file in (self.project.root / ".yellow").rglob("*"):
            if file.is_file():
                self.assertNotIn(password.encode(), file.read_bytes(), file)

    def test_nodes_labels_and_limits_as_the_launcher_says(self):
        node = namespace.all("/api/v1/nodes")[0]["metadata"]["labels"]["kubernetes.io/hostname"]
        self.place({"node_selector": {"kubernetes.io/hostname": node}, "labels": {"example.com/team": "shop"}, "tolerations": [{"key": "dedicated", "effect": "NoSchedule"}]})
        yellow, run, pod = self.begin("time.sleep(1)\nsys.exit(3)", more=", resources: {limits: {memory: 64Mi, cpu: 250m}, requests: {memory: 32Mi, cpu: 10m}}")
        yellow.communicate(timeout=60)
        self.assertEqual(pod["metadata"]["labels"]["example.com/team"], "shop")
        self.assertIn({"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}, pod["spec"]["tolerations"])
        self.assertEqual(pod["spec"]["containers"][0]["resources"], {"limits": {"memory": str(64 << 20), "cpu": "250m"}, "requests": {"memory": str(32 << 20), "cpu": "10m"}})

    # How it ends

    def test_ends_are_told_apart(self):
        self.run_code("raise SystemExit(7)", reason="exit_status")
        run, _ = self.run_code("x = []\nwhile True: x.append(bytearray(1 << 20))", reason="out_of_memory", more=", resources: {limits: {memory: 48Mi}}")
        self.assertIn("48 MiB", run["reason"]["text"])
        self.run_code("import subprocess, sys\nsys.exit(137)", reason="killed")
        run, _ = self.run_code("import time\ntime.sleep(600)", "timed_out", "timeout", timeout="3s")
        self.assertIn("longer than 3 s", run["reason"]["text"])
        self.run_code("import os\nos.environ['YELLOW_SNAPSHOT'] = '00000003-00000001-1'\n" + MASK, reason="snapshot")

    def test_a_command_that_is_not_there(self):
        self.project.code("")
        text = (self.project.root / "model/mask_shop.yaml").read_text()
        self.project.write("model/mask_shop.yaml", text.replace("[python3, -c", "[pyhton3, -c"))
        self.assertEqual(self.project.yellow("run", "--apply").status, 1)
        run = self.newest()
        self.assertEqual(run["reason"]["code"], "container", run)
        self.assertIn("pyhton3", run["reason"]["text"])

    def test_images_that_cannot_be_had(self):
        repository = registry.mask.split("@")[0]
        for image, reason, start_limit in ((f"{repository}@sha256:{'cd' * 32}", "image_missing", "5m"), (f"{repository}-not@sha256:{'cd' * 32}", "image_missing", "5m"),
                                           (f"127.0.0.1:9/shop/mask@sha256:{'cd' * 32}", "not_started", "4s")):
            with self.subTest(image=image):
                self.place(image=image)
                run, _ = self.run_code("", reason=reason, transformer=f"  retries: 0\n  start_limit: {start_limit}\n")
                self.assertIn(image.split("@")[0].split("/")[0], run["reason"]["text"])

    def test_no_node_will_have_it(self):
        self.place({"node_selector": {"disk": "none-has-this"}})
        run, _ = self.run_code("", reason="not_started", transformer="  retries: 0\n  start_limit: 3s\n")
        self.assertIn("(start_limit): its pod has no node yet: 0/1 nodes are available", run["reason"]["text"])

    def test_a_quota_keeps_its_pod_out(self):
        path = f"{namespace.path}/resourcequotas"
        namespace.api.create(path, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
        self.addCleanup(namespace.api.delete, f"{path}/none")
        wait("the quota holds", lambda: namespace.api.get(f"{path}/none").get("status", {}).get("hard"))
        run, _ = self.run_code("", reason="not_started", transformer="  retries: 0\n  start_limit: 4s\n")
        self.assertIn("exceeded quota: none", run["reason"]["text"])

    def test_a_pod_that_somebody_ends(self):
        """By force, or by the rules: each is its own reason, and the next attempt does the work."""
        evict = {"apiVersion": "policy/v1", "kind": "Eviction"}
        for reason in ("pod_deleted", "evicted"):
            with self.subTest(reason=reason):
                yellow, run, pod = self.begin("time.sleep(600)")
                name = pod["metadata"]["name"]
                if reason == "evicted":
                    namespace.api.create(f"{namespace.pods}/{name}/eviction", {**evict, "metadata": {"name": name, "namespace": namespace.name}})
                else:
                    cluster("kubectl", "delete", "pod", "-n", namespace.name, name, "--force", "--grace-period=0")
                self.assertIn(yellow.wait(60), (1,))
                ended = next(one for one in self.project.runs() if one["id"] == run)
                self.assertEqual((ended["state"], ended["reason"]["code"]), ("failed", reason), ended)
        self.run_code(MASK, "committed")
        self.all_is_well()

    def test_a_cancelled_run_ends(self):
        yellow, run, pod = self.begin("time.sleep(600)")
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        yellow.communicate(timeout=60)
        self.assertEqual(next(one for one in self.project.runs() if one["id"] == run)["state"], "cancelled")
        self.nothing_is_left()

    # Who goes on with it

    def test_faults_leave_nothing_behind(self):
        """Yellow is killed, or an answer is lost, before and after every change in the cluster; the next yellow brings it to its end."""
        points = [f"{what}@kubernetes.{effect}:{n}" for effect in ("secret", "job", "owner", "delete") for what, n in (("kill", 1), ("kill", 2), ("lose", 1))]
        points += ["kill@container.start:2", "kill@container.remove:2"]
        for fault in points:
            with self.subTest(fault=fault):
                self.project.code(MASK)
                result = self.project.yellow("run", "--apply", environment={"YELLOW_FAULT": fault})
                self.assertEqual(result.status, -9 if fault.startswith("kill") else 0, result)
                again = self.project.yellow("run")
                self.assertEqual(again.status, 0, again)
                self.assertEqual(self.newest()["state"], "committed")
                self.all_is_well()
                self.nothing_is_left()

    def test_the_api_server_is_restarted_meanwhile(self):
        yellow, run, _ = self.begin(slow_mask(8))
        cluster("stop", "kube-apiserver")
        time.sleep(2)
        cluster("up")
        output = yellow.communicate(timeout=120)[0]
        ended = next(one for one in self.project.runs() if one["id"] == run)
        self.assertEqual(ended["state"], "committed", output)
        log = self.project.yellow("runs", "logs", run).out
        self.assertEqual((log.count("there\n"), log.count("customers are masked")), (1, 1), log)     # what was read twice is there once
        self.all_is_well()

    def test_a_node_that_does_not_answer(self):
        """Its pod is taken away, and nobody says that it has ended."""
        yellow, run, pod = self.begin("time.sleep(600)")
        cluster("stop", "kubelet")
        self.addCleanup(cluster, "up")
        cluster("kubectl", "delete", "pod", "-n", namespace.name, pod["metadata"]["name"], "--wait=false")
        self.assertEqual(yellow.wait(90), 1)
        ended = next(one for one in self.project.runs() if one["id"] == run)
        self.assertEqual((ended["state"], ended["reason"]["code"]), ("failed", "node_lost"), ended)
        cluster("up")

    def test_the_cluster_ends_what_yellow_does_not(self):
        yellow, run, _ = self.begin("time.sleep(600)", timeout="20s")       # which begin before its pod has
        yellow.send_signal(signal.SIGKILL)
        yellow.wait()
        wait("the Job is over its deadline", lambda: not namespace.pod_of(run) or namespace.pod_of(run)["status"]["phase"] == "Failed", 90)
        self.assertEqual(self.project.yellow("run").status, 1)
        ended = next(one for one in self.project.runs() if one["id"] == run)
        self.assertEqual((ended["state"], ended["reason"]["code"]), ("timed_out", "timeout"), ended)

    def test_a_kubeconfig_that_is_not_there_stops_its_code_only(self):
        self.place({"kubeconfig": "/nowhere/kubeconfig"})
        run, _ = self.run_code(MASK, reason="kubeconfig")
        self.assertIn("/nowhere/kubeconfig: cannot be read", run["reason"]["text"])
        self.project.postgres.psql("shop", "UPDATE customers SET phone = phone || '0' WHERE id = (SELECT min(id) FROM customers)")
        self.assertIn("Shop: batch", self.project.yellow("run", "Shop").out)
        found = {one["key"]: one for one in json.loads(self.project.yellow("doctor", "--output", "json").out)}
        self.assertEqual(found["launcher/engine"]["state"], "problem")

    def test_a_zombie_is_refused(self):
        """The node does not hear that the run is over, and the code tries to write for as long as it lives."""
        script = """
import os, psycopg2
connection = psycopg2.connect("")
connection.autocommit = True
print("there", flush=True)
import time
while True:
    try:
        connection.cursor().execute(f"INSERT INTO {os.environ['YELLOW_OUTPUT__CUSTOMERS']} (id, firstname, lastname) VALUES ('z', 'zombie', 'zombie')")
        connection.cursor().execute(f"DELETE FROM {os.environ['YELLOW_OUTPUT__CUSTOMERS']}")
    except psycopg2.Error:
        try: connection = psycopg2.connect(""); connection.autocommit = True
        except psycopg2.Error: pass
    time.sleep(0.2)
"""
        before = self.project.masked()
        yellow, run, pod = self.begin(script)
        cluster("stop", "kubelet")
        self.addCleanup(cluster, "up")
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        yellow.communicate(timeout=90)
        refusals = lambda: self.project.postgres.log.read_text(errors="replace").count(f'"yellow_run_{run}"')
        count = refusals()
        wait("the zombie is turned away", lambda: refusals() > count + 5)
        self.assertEqual(self.project.sql("MergeDB", f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'yellow_run_{run}'"), [("0",)])
        self.project.code(MASK)
        cluster("up")
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.assertEqual(self.project.masked(), before)
        self.all_is_well()

    def test_two_services_and_one_is_killed(self):
        self.project.code(slow_mask(3))
        self.assertEqual(self.project.yellow("apply").status, 0)
        services = [self.project.start("serve") for _ in range(2)]
        for service in services:
            self.addCleanup(service.communicate)
            self.addCleanup(service.kill)
        known = {run["id"] for run in self.project.runs()}
        pod = wait("a run begins", lambda: next((pod for pod in namespace.all(namespace.pods) if "there" in namespace.log(pod["metadata"]["name"])), None), 90)
        run = pod["metadata"]["labels"]["yellow.run"]
        holder = self.project.sql("MergeDB", f"SELECT holder FROM yellow.run WHERE id = '{run}'")[0][0]
        next(service for service in services if str(service.pid) in holder.replace("/", " ").replace(":", " ").split()).kill()
        wait("the other goes on with it", lambda: next((one for one in self.project.runs() if one["id"] == run and one["state"] == "committed"), None), 90)
        self.assertLessEqual(len({one["id"] for one in self.project.runs()} - known - {run}), 1)
        self.all_is_well()

    # An API that misbehaves, and one that does not let us

    def test_an_api_that_misbehaves(self):
        """Before the server is what answers 429, 500, 503, loses answers, cuts watches, forgets versions, and takes its time."""
        rough = RoughApi(namespace, seed=int(os.environ.get("YELLOW_SEED", "2718")))
        self.addCleanup(rough.close)
        self.place({"kubeconfig": str(rough.kubeconfig)}, limits={"retry": "60s"})
        for _ in range(6):
            self.project.code(MASK)
            result = self.project.yellow("run", "--apply", timeout=240)
            self.assertEqual((result.status, self.newest()["state"]), (0, "committed"), f"{result} {rough.did}")
            self.all_is_well()
        self.assertGreater(sum(rough.did.values()), 10, rough.did)
        print(f"seed {rough.seed}: {dict(sorted(rough.did.items()))}", flush=True)
        rough.calm = True
        self.assertEqual(self.project.yellow("run").status, 0)      # what could not be removed then

    def test_what_has_ended_before_its_pod_is_heard_of(self):
        """Its log is there all the same."""
        rough = RoughApi(namespace, seed=1, chance=0)
        self.addCleanup(rough.close)
        rough.late = "/pods?"
        self.place({"kubeconfig": str(rough.kubeconfig)})
        self.test_a_run_that_jobs_hand_on(seconds=20)

    def test_an_account_that_may_not(self):
        self.addCleanup(namespace.give, Namespace.RULES)
        namespace.give([rule for rule in Namespace.RULES if rule["resources"] != ["secrets"]])
        wait("the role is known", lambda: "secrets is forbidden" in self.project.yellow("doctor").out)
        found = {one["key"]: one for one in json.loads(self.project.yellow("doctor", "--output", "json").out)}
        self.assertEqual((found["launcher/engine"]["state"], found["launcher/engine"]["reason"]["code"]), ("problem", "launcher.engine"))
        run, _ = self.run_code(MASK, reason="engine")
        self.assertIn("secrets is forbidden", run["reason"]["text"])
        namespace.give(Namespace.RULES)
        wait("the role is known", lambda: "secrets is forbidden" not in self.project.yellow("doctor").out)

    def test_doctor_looks_at_the_cluster(self):
        found = {one["key"]: one for one in json.loads(self.project.yellow("doctor", "--output", "json").out)}
        self.assertEqual(found["launcher/engine"]["state"], "ok", found["launcher/engine"])
        self.assertIn("Kubernetes 1.", json.dumps(found["launcher/engine"]))

    def test_a_database_that_pods_do_not_reach(self):
        self.place(host="127.0.0.1")
        lint = self.project.yellow("lint")
        self.assertEqual(lint.status, 1)
        self.assertIn("code in a pod does not reach MergeDB, which is at 127.0.0.1 of this machine [Y710]", lint.out + lint.err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
