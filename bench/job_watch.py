"""500 runs in flight in a cluster, and as many new ones as end: how many watches Yellow's adapter has open, and whether its memory grows."""

import json
import pathlib
import tempfile

from bench_cluster import BenchCluster
from figures import Figure, median
from simulated_node import FIRST_LINE, LAST_LINE, SimulatedNode

WATCHES = 2     # docs/decisions/0045-code-in-pods.md
GROWTH = 1.05
AT_REST = 5     # MiB: connections that are kept, two watches; a run that left something behind would be seen here


def measure(small):
    # What the controllers do for a run takes them, the API server and etcd a fifth of a second: about four runs a second is what two processors do.
    runs, code_seconds, seconds = (50, 15, 60) if small else (500, 120, 300)
    cluster = BenchCluster()
    try:
        node = SimulatedNode(cluster, code_seconds)
        try:
            with tempfile.TemporaryDirectory(prefix="yellow-bench-logs-") as logs:
                load = cluster.load("flight", runs, seconds, logs)
                samples = [json.loads(line) for line in load.stdout]
                if load.wait() != 0:
                    raise SystemExit("kubernetes_load failed")
                require_logs(logs)
        finally:
            node.close()
        return figures_of(cluster, samples, runs)
    finally:
        cluster.close()


def require_logs(folder):
    """What the code has said was followed to its end, in most files: a run that was in flight at the end has not said all."""
    logs = [path.read_bytes() for path in pathlib.Path(folder).iterdir()]
    if any(log not in (b"", FIRST_LINE, FIRST_LINE + LAST_LINE) for log in logs) or FIRST_LINE not in logs:
        raise SystemExit(f"the logs are not what the code has said: {set(logs)}")


def figures_of(cluster, samples, runs):
    """From when as many runs have ended as are in flight: before that, what a run takes is taken for the first time. Memory in the first, second and last third of the time since."""
    *samples, rest = [sample for sample in samples if sample["ended"] >= runs]
    third = len(samples) // 3
    thirds = (samples[:third], samples[third:-third], samples[-third:])
    resident = [median(sample["kib"] for sample in part) for part in thirds]
    # A run whose code has begun has a connection for its log, and how many have is up to the controllers.
    files = [median(sample["files"] / max(1, sample["begun"]) for sample in part) for part in thirds]
    first, last = samples[0], samples[-1]
    passed = last["seconds"] - first["seconds"]
    requests = sum(one.verb != "watch" for one in cluster.requests()) / (last["ended"] + runs)
    return [
        Figure("runs in flight at a time", median(sample["flight"] for sample in samples), "", 0.9 * runs, at_least=True),
        Figure("of them, those whose code has begun", median(sample["begun"] for sample in samples), ""),
        Figure(f"runs that ended and were replaced in {passed:.0f} s", last["ended"] - first["ended"], ""),
        Figure("resident memory at the end / at the start", resident[2] / resident[0], "", GROWTH),
        Figure("resident memory at the start", resident[0] / 1024, "MiB"),
        Figure("resident memory in the middle", resident[1] / 1024, "MiB"),
        Figure("resident memory at the end", resident[2] / 1024, "MiB"),
        Figure("memory still allocated when none is in flight any more", rest["allocated"] / 1024, "MiB", AT_REST),
        Figure("open files for each run whose code has begun: at the end / at the start", files[2] / files[0], "", GROWTH),
        Figure("watches open at the same time, at most", sum(cluster.most_at_once("watch", kind) for kind in ("jobs", "pods")), "", WATCHES),
        Figure("requests for each run", requests, ""),
        Figure("processor time a second", (last["own"] - first["own"]) / passed * 1000, "ms"),
    ]
