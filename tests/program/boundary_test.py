"""The code of a transformer runs as an operating-system user of its own when Yellow runs as root: it reaches its folder, its login, and nothing else."""

import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import time
import unittest

from project import PSQL, YELLOW, Project

MODEL = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  retries: 0
  output:
    datastore: Work
    datasets: {people: {key: [id], columns: {id: varchar(20)}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""

COMMON = """
import json, os, signal, subprocess, sys, time
def refused(attempt, *arguments):
    try:
        attempt(*arguments)
    except OSError as error:
        return type(error).__name__
    return "ALLOWED"
def sql(text, **variables):
    return subprocess.run(["@PSQL@", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-c", text], capture_output=True, text=True, env={**os.environ, **variables})
def write():
    done = sql(f"INSERT INTO {os.environ['YELLOW_OUTPUT__PEOPLE']} SELECT id FROM {os.environ['YELLOW_INPUT__IN__SHOP__CUSTOMERS']}")
    assert done.returncode == 0, done.stderr
def tell(**facts):
    print("FACTS " + json.dumps(facts), flush=True)
"""

RUNS = pathlib.Path("/var/lib/yellow/runs")
USERS = range(61184, 65520)


def processes_of(user):
    """Those that live: one that has ended may wait to be seen by the process that adopted it."""
    return subprocess.run(["pgrep", "-u", str(user), "-r", "R,S,D,T", "-l"], capture_output=True, text=True).stdout


def wait_for(condition, seconds=10):
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def locks_of_others(root):
    """What processes hold open in RUNS that do not work on this project: the tests beside this one have workplaces, too."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            files = {pathlib.Path(os.readlink(file)) for file in (process / "fd").iterdir()}
            mine = str(root) in (process / "cmdline").read_text() or os.readlink(process / "cwd").startswith(str(root))
        except OSError:
            continue  # it has ended meanwhile
        if not mine:
            found |= {file for file in files if file.parent == RUNS}
    return found


@unittest.skipUnless(os.geteuid() == 0, "only root can give users")
class Boundary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.setgroups([0, 4])        # root may have none where the test runs; what Yellow has must not reach the code
        cls.project = Project().unscheduled()
        cls.project.demo()
        cls.secret = cls.project.root / ".yellow/secrets/probe"
        cls.secret.write_text("secret")
        cls.secret.chmod(0o644)     # the folder above must be closed
        (cls.project.root / "model/worker").mkdir()
        cls.project.write("model/worker.yaml", MODEL)
        cls.step = 0

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def tearDown(self):
        left = wait_for(lambda: not self.left_behind()) or self.left_behind()
        self.assertTrue(left is True, left)

    def left_behind(self):
        there = [path for path in RUNS.iterdir() if path.name != "all.lock"] if RUNS.exists() else []
        return [path for path in there if path.with_suffix(".lock") not in locks_of_others(self.project.root)] if there else []

    def code(self, body):
        type(self).step += 1
        self.project.write("model/worker/main.py", f"# {self.step}\n" + COMMON.replace("@PSQL@", PSQL) + body)

    def logs(self):
        return sorted((self.project.root / ".yellow/runs").glob("*/output.log"), key=lambda path: path.stat().st_mtime)

    def facts(self):
        found = re.findall(r"^FACTS (.*)$", self.logs()[-1].read_text(), re.M) if self.logs() else []
        return json.loads(found[-1]) if found else None

    def run_code(self, body, status=0):
        self.code(body)
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, status, f"{result}\n{self.logs()[-1].read_text()}")
        return self.facts()

    def start(self, body):
        """The program while the code runs that has told its facts."""
        self.code(body)
        self.assertEqual(self.project.yellow("apply").status, 0)
        before = len(self.logs())
        running = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run"], stdout=subprocess.DEVNULL)
        self.addCleanup(running.wait)
        facts = wait_for(lambda: len(self.logs()) > before and self.facts())
        self.assertTrue(facts, "the code did not begin")
        return running, facts

    def test_each_run_has_a_user_that_nobody_has(self):
        body = """
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
tell(user=os.getresuid(), group=os.getresgid(), groups=os.getgroups(), capabilities=status["CapEff"], bounded=status["NoNewPrivs"],
     folder=os.getcwd(), mode=oct(os.stat("..").st_mode), owner=os.stat("..").st_uid, temporary=os.environ["TMPDIR"])
open(os.environ["TMPDIR"] + "/x", "w").write("x")
write()
"""
        first, second = self.run_code(body), self.run_code(body)
        for facts in (first, second):
            self.assertEqual(len(set(facts["user"] + facts["group"])), 1, facts)
            self.assertIn(facts["user"][0], USERS)
            self.assertEqual((facts["groups"], int(facts["capabilities"], 16), facts["bounded"]), ([], 0, "1"))
            self.assertEqual((facts["mode"], facts["owner"]), ("0o40700", facts["user"][0]))
            self.assertEqual(facts["temporary"], str(pathlib.Path(facts["folder"]).parent / "tmp"))
            self.assertFalse(pathlib.Path(facts["folder"]).parent.exists(), "its folder goes with it")
        self.assertEqual(self.logs()[-1].stat().st_uid, 0, "the log is nobody's who comes later")

    def test_it_reaches_nothing_of_yellow(self):
        body = f"""
guardian = os.getppid()
above = int(open(f"/proc/{{guardian}}/stat").read().rsplit(")", 1)[1].split()[1])
tell(secret=refused(open, {str(self.secret)!r}), project=refused(os.listdir, {str(self.project.root)!r}), runs=refused(os.listdir, {str(RUNS)!r}),
     lock=refused(open, os.path.dirname(os.getcwd()) + ".lock"), environment=refused(open, f"/proc/{{above}}/environ"), memory=refused(open, f"/proc/{{guardian}}/mem"),
     kill=[refused(os.kill, pid, signal.SIGKILL) for pid in (above, guardian)], root=refused(os.setuid, 0),
     superuser=sql("SELECT 1", PGUSER="yellow_super").stderr, engine=sql("SELECT 1", PGUSER="yellow_engine").stderr, open=sorted(os.listdir("/proc/self/fd")))
print("again", file=open("/dev/stdout", "a"))
write()
"""
        facts = self.run_code(body)
        for what in ("secret", "project", "runs", "lock", "environment", "memory", "root"):
            self.assertEqual(facts[what], "PermissionError", (what, facts))
        self.assertEqual(facts["kill"], ["PermissionError"] * 2)
        self.assertIn("authentication failed", facts["superuser"].lower())
        self.assertIn("password authentication failed", facts["engine"])
        self.assertEqual(len(facts["open"]), 4, "0, 1, 2 and the folder that is being listed")
        self.assertIn("again\n", self.logs()[-1].read_text(), "its output can be opened again")

    def test_another_run_reaches_nothing_of_it(self):
        running, facts = self.start("tell(user=os.getuid(), pid=os.getpid(), folder=os.getcwd())\ntime.sleep(3)\nwrite()")
        other = next(user for user in USERS if user != facts["user"])
        as_other = ["setpriv", f"--reuid={other}", f"--regid={other}", "--clear-groups"]
        for command in (["ls", facts["folder"]], ["cat", facts["folder"] + "/main.py"], ["cat", f"/proc/{facts['pid']}/environ"], ["kill", "-9", str(facts["pid"])]):
            done = subprocess.run(as_other + command, capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0, command)
            self.assertRegex(done.stderr, "not permitted|denied")
        self.assertEqual(running.wait(), 0)

    def test_nothing_that_it_started_is_left(self):
        body = """
for _ in range(3):
    subprocess.Popen(["sh", "-c", "setsid sh -c 'while true; do setsid sleep 1000 & sleep 0.01; done' & exit 0"], start_new_session=True,
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
time.sleep(0.5)
tell(user=os.getuid(), count=len(subprocess.run(["pgrep", "-u", str(os.getuid())], capture_output=True, text=True).stdout.split()))
write()
"""
        facts = self.run_code(body)
        self.assertGreater(facts["count"], 30)
        self.assertEqual(processes_of(facts["user"]), "")

    def test_nothing_is_left_when_yellow_is_killed(self):
        hang = "subprocess.Popen(['setsid', 'sleep', '1000'])\ntell(user=os.getuid(), folder=os.getcwd())\ntime.sleep(1000)"
        running, facts = self.start(hang)
        self.assertIn("sleep", processes_of(facts["user"]))
        running.kill()
        self.assertTrue(wait_for(lambda: processes_of(facts["user"]) == ""), processes_of(facts["user"]))
        # Any Yellow of this machine may have removed the folder by now; the next run here has at the latest.
        self.run_code("write()")
        self.assertFalse(pathlib.Path(facts["folder"]).exists())

    def test_nothing_is_left_when_yellow_and_the_guardian_are_killed(self):
        running, facts = self.start("subprocess.Popen(['setsid', 'sleep', '1000'])\ntell(user=os.getuid(), guardian=os.getppid(), folder=os.getcwd())\ntime.sleep(1000)")
        self.assertIn("sleep", processes_of(facts["user"]))
        running.send_signal(signal.SIGSTOP)
        os.kill(facts["guardian"], signal.SIGKILL)
        running.kill()
        running.wait()      # nobody is there to end what is left, but another Yellow
        self.run_code("write()")
        self.assertEqual(processes_of(facts["user"]), "")
        self.assertFalse(pathlib.Path(facts["folder"]).exists())

    def test_a_virtual_environment_that_it_cannot_reach_is_said(self):
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(self.project.root / "model/worker/.venv")], check=True)
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.project.root / "model/worker/.venv")])
        self.code("write()")
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 1, result)
        self.assertIn("the user that the code runs as cannot use " + str(self.project.root / "model/worker/.venv/bin/python"), result.out + result.err)

    def test_tests_and_tries_have_the_same_boundary(self):
        self.run_code("write()")
        self.code("tell(user=os.getuid())\nprint(os.getuid() in range(61184, 65520), refused(open, %r))\nsys.exit(7)" % str(self.secret))
        self.assertIn("True PermissionError", self.project.yellow("try", "Worker").err)
        self.project.write("model/worker/tests/one/in/Shop.customers.csv", "id,firstname,lastname,email,phone,dob\n")
        self.project.write("model/worker/tests/one/out/people.csv", "id\n")
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.project.root / "model/worker/tests")])
        result = self.project.yellow("test", "Worker")
        self.assertIn("True PermissionError", result.out + result.err)

    def test_root_says_nothing_of_trust(self):
        self.code("write()")
        self.assertNotIn("trusted", self.project.yellow("plan").out + self.project.yellow("run", "--apply").out)


class Trust(unittest.TestCase):
    """Where a run has no user of its own: who runs Yellow as root is asked to become somebody else for it."""

    MESSAGE = "Worker: the code runs as {user}, as yellow does, and must be trusted with whatever {user} may do: only root can give each run a user of its own\n"

    @classmethod
    def setUpClass(cls):
        cls.project = Project(example=None)
        cls.user = pwd.getpwuid(os.geteuid() or pwd.getpwnam("nobody").pw_uid)
        if os.geteuid() == 0:
            shutil.chown(cls.project.base, cls.user.pw_uid)
            shutil.chown(cls.project.root, cls.user.pw_uid)
        cls.message = cls.MESSAGE.format(user=cls.user.pw_name)
        cls.done("init", str(cls.project.root))
        cls.done("init", "transformer", "BySet", "--input", "Example.people")

    @classmethod
    def tearDownClass(cls):
        cls.done("down")
        cls.project.close()

    @classmethod
    def done(cls, *arguments):
        become = ["setpriv", f"--reuid={cls.user.pw_uid}", f"--regid={cls.user.pw_gid}", "--clear-groups"] if os.geteuid() == 0 else []
        clean = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
        done = subprocess.run([*become, YELLOW, "--project", str(cls.project.root), *arguments], capture_output=True, text=True, env=clean)
        assert done.returncode == 0, done
        return done.stdout + done.stderr

    def test_it_is_said_by_plan_and_by_the_first_run_of_each_definition(self):
        self.assertNotIn("trusted", self.done("plan") + self.done("run", "--apply"), "SQL needs no trust")
        self.done("init", "transformer", "Worker", "--input", "Example.people", "--language", "python")
        self.assertTrue(self.done("plan").endswith(self.message))
        first = self.done("run", "--apply")
        self.assertEqual(first.count(self.message), 1, first)
        self.assertLess(first.index(self.message), first.index("Worker: run "), "before the code runs")
        again = self.done("run", "Worker")
        self.assertRegex(again, "Worker: run .* committed")
        self.assertNotIn("trusted", again)
        self.assertNotIn("trusted", self.done("test", "Worker") + self.done("try", "Worker"))
        code = self.project.root / "model/worker/main.py"
        code.write_text(code.read_text() + "# another\n")
        self.assertIn(self.message, self.done("run", "--apply"))
        work = self.project.root / ".yellow/work"
        self.assertEqual([path.name for path in work.iterdir()], ["all.lock"], "the folders of the runs are gone")


if __name__ == "__main__":
    unittest.main()
