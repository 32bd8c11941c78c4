"""The shop's customers masked by code in a container, on a real engine: `container_test.py podman` or `container_test.py docker`."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "program")]
from guard import Guard  # noqa: E402
from outlives import MASK, Outlives, slow_mask  # noqa: E402
from project import ROOT, YELLOW, Project  # noqa: E402
from server import NamedPostgres  # noqa: E402

ENGINE = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("podman", "docker") else "podman"
FOLDER = pathlib.Path(os.environ.get("YELLOW_ENGINES") or tempfile.mkdtemp(prefix=f"yellow-{ENGINE}-", dir="/var/tmp"))


def engine(*arguments):
    done = subprocess.run([HERE / "engine", "--folder", FOLDER, *arguments], capture_output=True, text=True, timeout=500)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.strip()


class Connection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(FOLDER / ENGINE / "socket"))


def api(method, path):
    """The engine's own view of things."""
    connection = Connection("engine", timeout=60)
    connection.request(method, path)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text and answer.getheader("Content-Type", "").startswith("application/json") else text


def containers():
    status, found = api("GET", "/containers/json?all=1")
    assert status == 200, found
    return [one["Names"][0].lstrip("/") for one in found]


def setUpModule():
    if "YELLOW_ENGINES" not in os.environ:
        unittest.addModuleCleanup(engine, "down")
    engine("up", ENGINE)
    Images.mask = engine("publish", ENGINE, "shop/mask-customers", str(ROOT / "examples/images/python"))


def change(project, old, new):
    file = project.root / "environments/local.yaml"
    text = file.read_text()
    assert old in text, text
    file.write_text(text.replace(old, new))


class Images:
    mask = None


class Shop(unittest.TestCase):
    maxDiff = None

    @staticmethod
    def make_shop():
        """The standing example, whose transformer is an image."""
        project = Project().unscheduled()
        workspace = (project.root / "model/mask_shop.yaml").read_text()
        workspace, count = re.subn(r"  code:\n    sql: .*\n", "  code: {image: shop/mask-customers}\n", workspace)
        assert count == 1
        project.write("model/mask_shop.yaml", workspace)
        environment = (project.root / "environments/local.yaml").read_text()
        project.write("environments/local.yaml", environment.replace(
            "launcher: process", f"launcher: {{docker: {{socket: {FOLDER / ENGINE / 'socket'}}}}}\nimages: {{shop/mask-customers: \"{Images.mask}\"}}"))
        return project

    def runs(self, project):
        result = project.yellow("runs", "list", "--output", "json")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)


class Standing(Shop):
    def test_customers_are_masked_by_a_container(self):
        project = self.make_shop()
        self.addCleanup(project.close)
        project.demo()
        self.assertEqual(project.masked(), project.expected_masked())
        runs = self.runs(project)
        self.assertEqual([(run["state"], run["exit_status"]) for run in runs], [("committed", 0)] * 2)
        run = runs[0]
        shown = project.yellow("runs", "show", run["id"])
        self.assertIn(Images.mask, shown.out)
        self.assertEqual(json.loads(project.yellow("runs", "show", run["id"], "--output", "json").out)["image"], Images.mask)
        self.assertIn("customers are masked", project.yellow("runs", "logs", run["id"]).out)
        self.assertEqual(project.broken_invariants(), {})
        self.assertEqual([name for name in containers() if name.startswith("yellow_run_")], [])


    if ENGINE == "podman":     # one engine is enough for what only the image is about
        def test_customers_are_masked_by_psql(self):
            project = self.make_shop()
            self.addCleanup(project.close)
            change(project, Images.mask, engine("publish", ENGINE, "shop/mask-by-psql", str(ROOT / "examples/images/psql")))
            project.demo()
            self.assertEqual(project.masked(), project.expected_masked())
            run = self.runs(project)[0]
            self.assertIn("customers are masked", project.yellow("runs", "logs", run["id"]).out)
            # A snapshot that is not there: what the image says of it.
            workspace = (project.root / "model/mask_shop.yaml").read_text()
            project.write("model/mask_shop.yaml", workspace.replace("{image: shop/mask-customers}", '{image: shop/mask-customers, command: [sh, -c, "YELLOW_SNAPSHOT=00000003-00000001-1 exec sh /opt/mask/mask.sh"]}'))
            self.assertEqual(project.yellow("run", "--apply").status, 1)
            self.assertEqual(self.runs(project)[0]["reason"]["code"], "snapshot")

    def test_a_database_on_the_network(self):
        """Through the network that the launcher names, as this run's login."""
        server = NamedPostgres()
        self.addCleanup(server.close)
        for database in ("merge", "shop"):
            server.psql("postgres", f"CREATE DATABASE {database}")
        server.psql("shop", (ROOT / "examples/shop/source.sql").read_text() + ";CREATE ROLE shop_reader LOGIN PASSWORD 'reader'; GRANT SELECT ON customers, addresses TO shop_reader")
        project = self.make_shop()
        self.addCleanup(project.close)
        change(project, "MergeDB: embedded", f"MergeDB: {{host: 127.0.0.1, port: {server.port}}}")
        change(project, "ShopDB: embedded", f"ShopDB: {{host: 127.0.0.1, port: {server.port}}}")
        change(project, "{file: .yellow/secrets/shop_reader}", "{env: SHOP}")
        lint = project.yellow("lint")
        self.assertEqual(lint.status, 1)
        self.assertIn("code in a container without a network does not reach MergeDB on 127.0.0.1 [Y709]", lint.out + lint.err)
        change(project, f"{ENGINE}/socket", f"{ENGINE}/socket, network: host")
        secrets = {"SHOP_USER": "shop_reader", "SHOP_PASSWORD": "reader"}
        for command, environment in ((["bootstrap"], {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}), (["run", "--apply"], secrets)):
            done = project.yellow(*command, environment=environment)
            self.assertEqual(done.status, 0, done)
        count = "SELECT count(*), count(*) FILTER (WHERE length(firstname) = 2)"
        masked = server.psql("merge", f"{count} FROM ws_analysts.now__shopmasked__customers")
        self.assertEqual(masked, server.psql("shop", "SELECT count(*), count(*) FROM customers"))

    if ENGINE == "docker":     # one engine is enough for what only the image is about
        def test_customers_are_masked_by_dbt(self):
            project = self.make_shop()
            self.addCleanup(project.close)
            change(project, Images.mask, engine("publish", ENGINE, "shop/mask-by-dbt", str(ROOT / "examples/images/dbt"), "dbt"))
            project.demo()
            self.assertEqual(project.masked(), project.expected_masked())
            self.assertIn("customers is copied", project.yellow("runs", "logs", self.runs(project)[0]["id"]).out)
            self.assertEqual(project.sql("MergeDB", "SELECT nspname FROM pg_namespace WHERE nspname ~ '^scratch_'"), [])
            # A test of dbt's that does not hold discards the run.
            workspace = (project.root / "model/mask_shop.yaml").read_text()
            before = project.masked()
            project.write("model/mask_shop.yaml", workspace.replace(
                "{image: shop/mask-customers}", "{image: shop/mask-customers, environment: {MASK_LETTERS: '5'}}"))
            self.assertEqual(project.yellow("run", "--apply").status, 1)
            run = self.runs(project)[0]
            self.assertEqual((run["state"], run["exit_status"], run["reason"]["code"]), ("failed", 1, "exit_status"))
            self.assertNotIn("is copied", project.yellow("runs", "logs", run["id"]).out)
            self.assertEqual(project.masked(), before)


class Code(Outlives, Shop):
    """One project, whose code is changed from test to test."""

    @classmethod
    def setUpClass(cls):
        cls.project = cls.make_shop()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()
        cls.workspace = (cls.project.root / "model/mask_shop.yaml").read_text()
        cls.environment = (cls.project.root / "environments/local.yaml").read_text()
        cls.count = 0

    def setUp(self):
        self.addCleanup(self.nothing_is_left)

    def nothing_is_left(self):
        self.assertEqual([name for name in containers() if name.startswith("yellow_run_")], [])

    def code(self, script, more="", transformer="  retries: 0\n", image="shop/mask-customers", timeout="10m"):
        """Makes this Python the code of the transformer."""
        type(self).count += 1   # what is the same would not run again
        text = json.dumps(f"# {self.count}\n{script}")
        code = f"  code: {{image: {image}, command: [python3, -c, {text}]{more}}}\n{transformer}"
        self.project.write("model/mask_shop.yaml", self.workspace.replace("  code: {image: shop/mask-customers}\n", code).replace("timeout: 10m", "timeout: " + timeout))

    def newest(self):
        return self.runs(self.project)[0]

    def run_code(self, script, state="failed", reason=None, **how):
        """Runs it once; returns the run and what it has printed."""
        self.code(script, **how)
        result = self.project.yellow("run", "--apply")
        run = self.newest()
        self.assertEqual((run["state"], (run["reason"] or {}).get("code")), (state, reason), f"{run}\n{result}")
        self.assertEqual(result.status, 0 if state == "committed" else 1, result)
        return run, self.project.yellow("runs", "logs", run["id"]).out

    def begin(self, script, **how):
        """Starts yellow with it, and waits until the code has said that it is there; returns yellow and the container's name."""
        self.code(script if "there" in script else "import signal, sys, time\nprint('there', flush=True)\n" + script, **how)
        yellow = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "--apply"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(yellow.communicate)
        self.addCleanup(yellow.kill)
        return yellow, self.wait_for(lambda: next((name for name in containers() if name.startswith("yellow_run_") and b"there" in api("GET", f"/containers/{name}/logs?stdout=1")[1]), None))

    def begin_run(self, script, **how):
        yellow, container = self.begin(script, **how)
        return yellow, container.removeprefix("yellow_run_")

    def await_end(self, run):
        self.wait_for(lambda: not api("GET", f"/containers/yellow_run_{run}/json")[1]["State"]["Running"])

    def wait_for(self, what, seconds=30):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = what()
            if found:
                return found
            time.sleep(0.1)
        self.fail("it did not happen in time")

    def test_the_code_has_no_rights(self):
        _, log = self.run_code("""
import os, socket
print("user", os.getuid(), os.getgid(), os.getgroups())
for line in open("/proc/self/status"):
    if line.startswith(("Cap", "NoNewPrivs", "Seccomp:")): print(line.strip())
for path in ("/x", "/etc/x", "/run/yellow/x", "/run/yellow/postgresql/x"):
    try: open(path, "w"); print("wrote", path)
    except OSError as error: print(path, error.strerror)
open("/tmp/x", "w").write("x")
print("tmp", os.statvfs("/tmp").f_blocks * os.statvfs("/tmp").f_frsize)
print("net", os.listdir("/sys/class/net"))
print("names", " ".join(sorted(os.environ)))
sys_exit = 3
raise SystemExit(sys_exit)
""", reason="exit_status", more=", resources: {limits: {tmp: 8Mi}}")
        self.assertIn("user 65532 65532 [", log)
        self.assertNotIn(" 0]", log)
        for line in ("CapInh:\t0000000000000000", "CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "CapAmb:\t0000000000000000",
                     "NoNewPrivs:\t1", "Seccomp:\t2", f"tmp {8 << 20}", "net ['lo']"):
            self.assertIn(line, log)
        self.assertNotIn("wrote", log)

    def test_limits_hold(self):
        _, log = self.run_code("""
import os, threading, time
print("memory", open("/sys/fs/cgroup/memory/memory.limit_in_bytes").read() if os.path.exists("/sys/fs/cgroup/memory/memory.limit_in_bytes") else open("/sys/fs/cgroup/memory.max").read())
began = 0
try:
    for began in range(1000): threading.Thread(target=time.sleep, args=(1,)).start()
except RuntimeError as error: print("threads", began, error)
time.sleep(2)
begin = time.process_time(), time.monotonic()
def burn():
    end = time.monotonic() + 2
    while time.monotonic() < end: pass
if os.fork() == 0: burn(); os._exit(0)
burn(); os.wait()
used = sum(os.times()[:4])
print("cpu %.2f" % (used / 2))
raise SystemExit(3)
""", reason="exit_status", more=", resources: {limits: {memory: 128Mi, processes: 20, cpu: 500m}}")
        self.assertIn(f"memory {128 << 20}", log)
        self.assertRegex(log, r"threads 1[0-9] can't start new thread")
        self.assertLess(float(re.search(r"cpu ([0-9.]+)", log)[1]), 0.9, log)

    def test_what_it_is_given(self):
        self.project.write("environments/local.yaml", self.environment.replace("credentials:\n", "credentials:\n  api: {env: API}\n"))
        team = (self.project.root / "model/team.yaml").read_text()
        self.addCleanup(self.project.write, "model/team.yaml", team)
        self.addCleanup(self.project.write, "environments/local.yaml", self.environment)
        self.project.write("model/team.yaml", team.replace("credentials:\n", "credentials:\n  api: {type: user_password}\n"))
        os.environ.update(API_USER="apiuser", API_PASSWORD="pa'ss \"w\u00f6rd")
        self.addCleanup(lambda: [os.environ.pop(name) for name in ("API_USER", "API_PASSWORD")])
        _, log = self.run_code("""
import os, sys
print(sys.argv[1:], os.environ["LEVEL"], os.environ["HOME"], os.environ["PATH"].count("/usr/local/bin"), os.environ["YELLOW_CREDENTIAL__API__USER"])
print(os.environ["YELLOW_CREDENTIAL__API__PASSWORD"] == "pa'ss \\"w\\u00f6rd", "SHOP_PASSWORD" in os.environ, os.environ["PGHOST"])
raise SystemExit(3)
""", reason="exit_status", more=", arguments: [--fast, \"a b\"], environment: {LEVEL: debug}", transformer="  retries: 0\n  credentials: [api]\n")
        self.assertIn("['--fast', 'a b'] debug /tmp 1 apiuser", log)
        self.assertIn("True False /run/yellow/postgresql", log)

    def test_exit_statuses(self):
        run, log = self.run_code("print('looking at', 42)\nraise SystemExit(5)", reason="exit_status")
        self.assertEqual((run["exit_status"], run["reason"]["text"]), (5, "the code ended with exit status 5"))
        self.assertIn("looking at 42", log)
        self.run_code("raise SystemExit(75)", reason="snapshot")

    def test_too_much_memory_is_told_apart(self):
        run, _ = self.run_code("x = bytearray(500 << 20)", reason="out_of_memory", more=", resources: {limits: {memory: 64Mi}}")
        self.assertIn("64 MiB", run["reason"]["text"])
        self.assertEqual(run["exit_status"], 137)

        # It was a child that was killed, and the code noticed.
        self.run_code("import subprocess, sys\nif subprocess.run([sys.executable, '-c', 'x = bytearray(500 << 20)']).returncode: sys.exit(4)", reason="out_of_memory",
                      more=", resources: {limits: {memory: 64Mi}}")

    def test_killed_for_another_reason_is_told_apart(self):
        """Through the engine, past it, and by an exit status that only looks like it."""
        def by_engine(container):
            self.assertEqual(api("POST", f"/containers/{container}/kill?signal=KILL")[0] // 100, 2)

        def by_root(container):
            os.kill(api("GET", f"/containers/{container}/json")[1]["State"]["Pid"], signal.SIGKILL)

        for kill in (by_engine, by_root):
            with self.subTest(kill=kill.__name__):
                yellow, container = self.begin("time.sleep(60)")
                time.sleep(0.5)
                kill(container)
                yellow.wait(timeout=30)
                self.assertEqual(self.newest()["reason"]["code"], "killed")
        self.run_code("import time\ntime.sleep(1)\nraise SystemExit(137)", reason="killed")

    def test_a_container_that_is_removed_ends_its_run(self):
        yellow, container = self.begin("time.sleep(60)")
        self.assertEqual(api("DELETE", f"/containers/{container}?force=1")[0] // 100, 2)
        self.wait_for(lambda: next(run for run in self.runs(self.project) if run["id"] in container)["state"] != "launched")
        ended = next(run for run in self.runs(self.project) if run["id"] in container)
        # An engine kills it first; who looks between the two sees that.
        self.assertIn((ended["state"], ended["reason"]["code"]), (("lost", "lost"), ("failed", "killed")))
        if ended["state"] == "lost":    # a new run has begun, which counts as no second try
            self.assertEqual(self.project.yellow("runs", "cancel", self.newest()["id"]).status, 0)
        yellow.wait(timeout=60)

    def test_a_timeout_ends_it_however_it_resists(self):
        begin = time.monotonic()
        run, log = self.run_code("import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\nfor i in range(600): time.sleep(0.1)",
                                 "timed_out", "timeout", timeout="2s")
        self.assertIn("no", log)
        self.assertLess(time.monotonic() - begin, 20)

    def test_cancel_ends_it(self):
        yellow, container = self.begin("time.sleep(60)")
        cancelled = self.project.yellow("runs", "cancel", container.removeprefix("yellow_run_"))
        self.assertEqual(cancelled.status, 0, cancelled)
        yellow.wait(timeout=30)
        self.assertEqual(self.newest()["state"], "cancelled")

    def test_output_is_followed_and_capped(self):
        yellow, container = self.begin("time.sleep(3)\nfor i in range(60000): print(i, 'x' * 42)\nsys.exit(3)")
        log = self.project.root / ".yellow/runs" / container.removeprefix("yellow_run_") / "output.log"
        self.wait_for(lambda: log.exists() and "there" in log.read_text())
        self.assertIsNone(yellow.poll())    # while it runs
        yellow.wait(timeout=60)
        text = log.read_text()
        self.assertTrue(text.startswith("there\n0 xxx") and text.endswith("59999 " + "x" * 42 + "\n"), text[:100])
        self.assertEqual(text.count("\n"), 60001)
        shown = self.project.yellow("runs", "logs", self.newest()["id"]).out
        self.assertLess(len(shown), (1 << 20) + 1000)
        self.assertIn("59999 xx", shown)

    def test_images_that_cannot_be_had(self):
        repository, digest = Images.mask.split("@sha256:")
        registry = FOLDER / "registry/data/docker/registry/v2"
        lie = "ab" * 32     # the registry says that it has this digest, and gives another manifest for it
        blob = registry / "blobs/sha256" / lie[:2] / lie
        blob.mkdir(parents=True)
        shutil.copy(registry / "blobs/sha256" / digest[:2] / digest / "data", blob)
        revision = registry / "repositories/shop/mask-customers/_manifests/revisions/sha256" / lie
        revision.mkdir(parents=True)
        (revision / "link").write_text("sha256:" + lie)
        self.addCleanup(self.project.write, "environments/local.yaml", self.environment)
        for image, reason in ((f"{repository}@sha256:{'cd' * 32}", "image_missing"), (f"{repository}@sha256:{lie}", "image_digest"),
                              (f"{repository}-not@sha256:{'cd' * 32}", "image_missing"), (f"127.0.0.1:9/shop/mask@sha256:{'cd' * 32}", "image_pull")):
            with self.subTest(image=image):
                self.project.write("environments/local.yaml", self.environment.replace(Images.mask, image) + "limits: {retry: 2s}\n")
                run, _ = self.run_code("", reason=reason)
                self.assertIn(image, run["reason"]["text"])

    def test_a_registry_that_wants_a_login(self):
        """Images are pulled with the credential that the launcher names."""
        guard = Guard((FOLDER / "registry/other").read_text().strip(), engine("up", "registry"))
        self.addCleanup(guard.close)
        self.addCleanup(self.project.write, "environments/local.yaml", self.environment)
        team = (self.project.root / "model/team.yaml").read_text()
        self.addCleanup(self.project.write, "model/team.yaml", team)
        image = f"{guard.address}/shop/mask-customers@{Images.mask.split('@')[1]}"
        environment = self.environment.replace(Images.mask, image)
        for login in (False, True):
            with self.subTest(login=login):
                api("DELETE", f"/images/{api('GET', f'/images/{Images.mask}/json')[1].get('Id')}?force=1")
                if login:
                    self.project.write("model/team.yaml", team.replace("credentials:\n", "credentials:\n  registry: {type: user_password}\n"))
                    environment = environment.replace("credentials:\n", "credentials:\n  registry: {env: REGISTRY}\n").replace(f"{ENGINE}/socket", f"{ENGINE}/socket, pull: registry")
                self.project.write("environments/local.yaml", environment)
                os.environ.update(REGISTRY_USER="puller", REGISTRY_PASSWORD=Guard.PASSWORD)
                run, _ = self.run_code("raise SystemExit(3)", reason="exit_status" if login else "image_pull")
                self.assertEqual(login, guard.served > 0)
                self.assertNotIn(Guard.PASSWORD, str(run))

    def test_faults_leave_nothing_behind(self):
        """Yellow is killed, or an answer is lost, at every effect on the engine; the next yellow brings it to its end."""
        for fault in ("kill@container.start:1", "kill@container.start:2", "fail@container.start:1", "lose@container.start:1", "kill@container.remove:1", "kill@container.remove:2",
                      "lose@container.remove:1", "fail@container.fetch:1"):
            with self.subTest(fault=fault):
                self.code(MASK)
                result = self.project.yellow("run", "--apply", environment={"YELLOW_FAULT": fault})
                self.assertEqual(result.status, -9 if fault.startswith("kill") else 0, result)
                again = self.project.yellow("run")
                self.assertEqual(again.status, 0, again)
                run = self.newest()
                self.assertEqual((run["state"], self.project.masked(), self.project.broken_invariants()), ("committed", self.project.expected_masked(), {}))
                self.nothing_is_left()

    def test_the_engine_is_restarted_meanwhile(self):
        """Podman's containers go on without it; Docker ends them when it is stopped."""
        yellow, container = self.begin(slow_mask(6) if ENGINE == "podman" else "time.sleep(100)")
        pid = int((FOLDER / ENGINE / "pid").read_text())
        os.kill(pid, signal.SIGKILL if ENGINE == "podman" else signal.SIGTERM)
        self.wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists() or pathlib.Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z", 60)
        engine("up", ENGINE)
        yellow.wait(timeout=60)
        run = next(one for one in self.runs(self.project) if one["id"] in container)
        self.assertEqual((run["state"], (run["reason"] or {}).get("code")), ("committed", None) if ENGINE == "podman" else ("failed", "killed"))

    def test_a_command_that_is_not_there(self):
        self.code("")
        text = (self.project.root / "model/mask_shop.yaml").read_text()
        self.project.write("model/mask_shop.yaml", text.replace("[python3, -c", "[pyhton3, -c"))
        self.assertEqual(self.project.yellow("run", "--apply").status, 1)
        run = self.newest()
        self.assertEqual(run["reason"]["code"], "container", run)
        self.assertIn("pyhton3", run["reason"]["text"])

    def test_its_secrets_are_in_its_environment_only(self):
        yellow, container = self.begin("time.sleep(3)\nsys.exit(3)")
        inspected = api("GET", f"/containers/{container}/json")[1]
        password = next(value[len("PGPASSWORD="):] for value in inspected["Config"].pop("Env") if value.startswith("PGPASSWORD="))
        self.assertGreater(len(password), 20)
        self.assertNotIn(password, json.dumps(inspected))
        for command in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertNotIn(password.encode(), command.read_bytes(), command)
            except OSError:
                pass
        self.assertNotIn(password, yellow.communicate(timeout=30)[0])
        for file in (self.project.root / ".yellow").rglob("*"):
            if file.is_file():
                self.assertNotIn(password.encode(), file.read_bytes(), file)

    def test_try_and_test(self):
        self.code(MASK)
        tried = self.project.yellow("try", "MaskShop")
        self.assertEqual(tried.status, 0, tried)
        self.project.write("model/mask_shop_tests/first/in/Shop.customers.csv", "id,firstname,lastname\n1,Ada,Byron\n")
        self.project.write("model/tests/MaskShop/first/in/Shop.customers.csv", "id,firstname,lastname\n1,Ada,Byron\n")
        self.project.write("model/tests/MaskShop/first/out/customers.csv", "id,firstname,lastname\n1,A.,B.\n")
        tested = self.project.yellow("test", "MaskShop")
        self.assertEqual(tested.status, 0, tested)
        self.assertIn("1 tests: 0 failed", tested.out)

    def test_doctor_looks_at_the_engine(self):
        found = {one["key"]: one for one in json.loads(self.project.yellow("doctor", "--output", "json").out)}
        self.assertEqual(found["launcher/engine"]["state"], "ok")
        self.assertIn("Podman Engine" if ENGINE == "podman" else "Docker Engine", found["launcher/engine"]["reason"]["text"] if found["launcher/engine"]["reason"] else json.dumps(found["launcher/engine"]))

    def test_an_engine_that_is_not_there(self):
        self.addCleanup(self.project.write, "environments/local.yaml", self.environment)
        self.project.write("environments/local.yaml", self.environment.replace(str(FOLDER / ENGINE / "socket"), "/nonexistent/docker.sock") + "limits: {retry: 2s}\n")
        run, _ = self.run_code("", reason="engine")
        self.assertIn("/nonexistent/docker.sock does not answer", run["reason"]["text"])
        found = {one["key"]: one for one in json.loads(self.project.yellow("doctor", "--output", "json").out)}
        self.assertEqual((found["launcher/engine"]["state"], found["launcher/engine"]["reason"]["code"]), ("problem", "launcher.engine"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
