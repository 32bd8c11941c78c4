"""A cluster to measure on: the real API server and its controllers, on two processors with what is measured, and what they say of each request."""

import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from bench_project import ROOT

sys.path.insert(0, str(ROOT / "tests/kubernetes"))

from pods import Namespace  # noqa: E402  (the path is set above)
from processes import Processes  # noqa: E402

PROCESSORS = 2
LOAD = ROOT / "build/release/bench/kubernetes_load"
# Of any name: nothing pulls it.
IMAGE = f"registry.invalid/bench/code@sha256:{'5a' * 32}"


def seconds_of(stamp):
    """RFC 3339 with microseconds, as seconds since 1970."""
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Request:
    """One that the API server has answered: when it came in, and when the answer was written. `name` of the object, where it has one."""

    def __init__(self, event):
        self.began, self.ended = seconds_of(event["requestReceivedTimestamp"]), seconds_of(event["stageTimestamp"])
        asked = event["objectRef"]
        self.verb, self.resource, self.name = event["verb"], "/".join(filter(None, [asked["resource"], asked.get("subresource")])), asked.get("name")
        self.status = event["responseStatus"].get("code")

    @property
    def seconds(self):
        return self.ended - self.began


class BenchCluster:
    """REQUIRES: closed with `close`. Without a node; `namespace` is made for the benchmark, with an account that has the rights of Yellow's and no others."""

    def __init__(self):
        self.had = os.sched_getaffinity(0)
        os.sched_setaffinity(0, sorted(self.had)[:PROCESSORS])     # and so for everything that is started from here
        self.base = tempfile.TemporaryDirectory(prefix="yellow-bench-")
        self.folder = pathlib.Path(self.base.name, "cluster")
        try:
            self.command("up", "--without-node", "--audit")
            os.environ["YELLOW_KUBERNETES"] = str(self.folder)
            self.namespace = Namespace("bench")
        except BaseException:
            self.close()
            raise

    def command(self, *arguments):
        subprocess.run([ROOT / "tests/kubernetes/cluster", "--folder", self.folder, *arguments], check=True, stdout=subprocess.DEVNULL)

    def close(self):
        self.command("down")
        self.base.cleanup()
        os.sched_setaffinity(0, self.had)

    def events(self, stage):
        """Of Yellow's account, in the order of the answers."""
        account = f"system:serviceaccount:{self.namespace.name}:yellow"
        with open(self.folder / "audit.log", encoding="utf-8") as file:
            events = [json.loads(line) for line in file if line.endswith("\n")]
        return [event for event in events if event["stage"] == stage and event["user"]["username"] == account]

    def requests(self):
        return [Request(event) for event in self.events("ResponseComplete") if "objectRef" in event]

    def most_at_once(self, verb, resource):
        """How many long requests of this kind were open at the same time."""
        wanted = [event for event in self.events("ResponseStarted") if (event["verb"], event["objectRef"]["resource"]) == (verb, resource)]
        ended = {event["auditID"]: seconds_of(event["stageTimestamp"]) for event in self.events("ResponseComplete")}
        changes = []
        for event in wanted:
            changes.append((seconds_of(event["stageTimestamp"]), 1))
            if event["auditID"] in ended:
                changes.append((ended[event["auditID"]], -1))
        most = now = 0
        for _, change in sorted(changes):
            now += change
            most = max(most, now)
        return most

    def processor_seconds(self):
        """That the cluster's programs have used so far."""
        processes = Processes(self.folder / "processes")
        ticks = 0
        for name in processes.names():
            fields = pathlib.Path(f"/proc/{processes.pid(name)}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def load(self, *arguments):
        """The program that uses Yellow's own adapter, started; it prints a JSON object a line."""
        return subprocess.Popen([LOAD, self.namespace.kubeconfig, self.namespace.name, IMAGE, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
