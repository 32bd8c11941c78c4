"""Sweeps n = 1, 2, 3 … over every fault point of a scenario until none fires. After each fault the program is let finish, and everything must be
as if nothing had happened.

  kill   kill -9 before, or after, the effect
  fail   the effect is not tried, and fails as something that may be retried
  lose   the effect happens, and its answer is lost with the connection
  stop   the program is stopped there until somebody else has taken over, and then goes on
"""

import collections
import json
import os
import signal
import subprocess
import time

from storm import YELLOW, Storm, seeded

KILLED = -9
MOST = 2000
STEPS = (["open", "Worker", "--by", "{job}"], ["launch", "{run}"], ["close", "{run}"], ["ingest", "Work"])

# Somebody's lease has ended while he was stopped. One who stands between fence and commit holds the row itself: his sessions end first, as by the
# server's own time-outs.
EXPIRE = """
SET lock_timeout = '200ms';
DO $$ BEGIN
  UPDATE yellow.stream SET lease_until = '-infinity' WHERE lease_until > clock_timestamp();
EXCEPTION WHEN lock_not_available THEN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('yellow_engine', 'yellow_ingest_out');
  PERFORM pg_sleep(0.2);
  UPDATE yellow.stream SET lease_until = '-infinity' WHERE lease_until > clock_timestamp();
END $$"""


def is_lost(result):
    """A job whose run is lost: what is between its claims and the end of its code, in one process, happens once or not at all."""
    if result.status != 1:
        return False
    reason = json.loads(result.out).get("reason")
    return reason is not None and reason["code"] == "lost"


class Sweep:
    """One scenario in one mode. `stride`: only every so many-th point, from a random one on. `named`: every point that has a name of its own once, at
    one of its passings, instead of every passing of all."""

    def __init__(self, scenario, mode, stride=1, seed=None, named=False):
        self.scenario, self.mode, self.stride, self.named = scenario, mode, stride, named
        self.seed, self.chance = seeded(seed)
        self.states = set()
        self.rounds = 0

    def run(self):
        storm = Storm()
        try:
            getattr(self, self.scenario)(storm)
        finally:
            storm.close()
        return self

    def where(self, point):
        return f"{self.mode}@{point} in {self.scenario}, seed {self.seed}"

    def apply(self, storm):
        storm.keep("bootstrapped")
        self.over(storm, ["apply"], lambda: storm.back_to("bootstrapped"), lambda: {} if "Nothing to do" in storm.yellow("plan").out else {"plan": "not empty"})
        result = storm.yellow("run")
        assert result.status == 0 and storm.wrong() == {}, result

    def first_load(self, storm):
        assert storm.yellow("apply").status == 0
        storm.keep("applied")
        self.over(storm, ["run"], lambda: storm.back_to("applied"), storm.wrong)

    def change(self, storm):
        result = storm.yellow("run", "--apply")
        assert result.status == 0, result
        self.over(storm, ["run", "Shop"], lambda: storm.change(self.chance), storm.wrong)

    def steps(self, storm):
        """A run that another scheduler takes step by step, and takes again the step in which the fault fell."""
        result = storm.yellow("run", "--apply")
        assert result.status == 0, result
        for faulty in range(len(STEPS)):
            start = 1 if self.stride == 1 else self.chance.randrange(1, self.stride + 1)
            for point in range(start, MOST, self.stride):
                if not self.fault_in_step(storm, faulty, f"*:{point}"):
                    break
                self.rounds += 1

    def fault_in_step(self, storm, faulty, point):
        """False when no point fired."""
        hint = f"step {faulty}, {self.where(point)}"
        storm.change(self.chance)
        now = storm.psql(storm.server(), "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")[0][0]
        for command in (["ingest", "Shop", "--asked-at", now], ["transform", "Mask"]):
            result = storm.yellow("job", *command)
            assert result.status == 0, f"{hint}: {result}"
        run, fired = "", False
        for number, step in enumerate(STEPS):
            command = ["job", *(part.format(run=run, job=f"{faulty} {point}") for part in step), "--output", "json"]
            if number == faulty:
                fired = self.fault(storm, command, point)
                self.states |= storm.under_way()
            done = storm.yellow(*command)
            if is_lost(done):
                break
            # Who takes an ingestion again that was committed finds nothing to do.
            assert done.status == 0 or (done.status == 10 and number == faulty == len(STEPS) - 1), f"{hint}: {done}"
            run = json.loads(done.out)["run"] or run
        rest = storm.yellow("run")
        assert rest.status == 0, f"{hint}: {rest}"
        broken = storm.wrong()
        assert broken == {}, f"{hint}: {broken}"
        return fired

    def over(self, storm, command, prepare, wrong):
        for point in self.points(storm, command, prepare):
            prepare()
            if not self.fault(storm, command, point):
                if self.named:
                    continue
                return
            self.rounds += 1
            # What the fault cut off goes on, as far as it was begun; then everything else.
            if command[0] == "run":
                self.states |= storm.under_way()
            finished = storm.yellow(*command)
            assert finished.status == 0, f"{self.where(point)}: {finished}"
            broken = wrong()
            assert broken == {}, f"{self.where(point)}: {broken}"
        assert self.named, "the sweep did not end: " + self.where(MOST)

    def points(self, storm, command, prepare):
        if not self.named:
            start = 1 if self.stride == 1 else self.chance.randrange(1, self.stride + 1)
            return [f"*:{n}" for n in range(start, MOST, self.stride)]
        prepare()
        counted = storm.base / "points"
        result = storm.yellow(*command, environment={"YELLOW_FAULT": f"count:{counted}"})
        assert result.status == 0, result
        passings = collections.Counter(counted.read_text().splitlines())
        return [f"{name}:{self.chance.randrange(1, count + 1)}" for name, count in sorted(passings.items())][self.chance.randrange(self.stride)::self.stride]

    def fault(self, storm, command, point):
        """False when no point fired."""
        if self.mode == "stop":
            return self.stopped(storm, command, point)
        result = storm.yellow(*command, environment={"YELLOW_FAULT": f"{self.mode}@{point}"})
        if self.mode == "kill":
            if result.status == KILLED:
                return True
            assert result.status == 0, f"{self.where(point)}: {result}"
            return False
        # A fault that may pass is waited for, and needs nobody; only a command that had not begun to work says that it failed.
        fired = "fault: " in result.err
        assert result.status in ((0, 3) if fired else (0,)) or (fired and is_lost(result)), f"{self.where(point)}: {result}"
        return fired

    def stopped(self, storm, command, point):
        victim = subprocess.Popen([YELLOW, "--project", str(storm.root), *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  env={**os.environ, "YELLOW_FAULT": f"stop@{point}"})
        while True:
            pid, status = os.waitpid(victim.pid, os.WUNTRACED | os.WNOHANG)
            if pid == 0:
                time.sleep(0.005)
                continue
            if not os.WIFSTOPPED(status):
                victim.returncode = os.waitstatus_to_exitcode(status)
                assert victim.returncode == 0, self.where(point)
                victim.stdout.close()
                return False
            break
        # Who is stopped while it looks after the server itself holds the lock file: nobody can go on, and nothing is under way yet.
        if not storm.lease_is_held():
            os.kill(victim.pid, signal.SIGCONT)
            out, _ = victim.communicate(timeout=120)
            assert victim.returncode == 0, f"{self.where(point)}: {out}"
            return True
        storm.psql(storm.server(), EXPIRE)
        other = storm.yellow(*command)
        assert other.status in (0, 3), f"{self.where(point)}: {other}"
        os.kill(victim.pid, signal.SIGCONT)
        out, _ = victim.communicate(timeout=120)
        assert "bug" not in out, f"{self.where(point)}: {out}"
        return True
