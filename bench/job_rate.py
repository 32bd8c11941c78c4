"""Jobs a second that Yellow's adapter makes, each with its Secret and owner, while the API server and its controllers have the same two processors."""

import json

from bench_cluster import PROCESSORS, BenchCluster
from figures import Figure, median

OFFERED, LIMIT = 25, 20


def measure(small):
    cluster = BenchCluster()
    try:
        before = cluster.processor_seconds()
        said, _ = cluster.load("rate", OFFERED, 10 if small else 60).communicate()
        server = cluster.processor_seconds() - before
        found = json.loads(said)
        runs = found["runs"]
        # The three calls of each run; the first is the one that connects.
        requests = [one for one in cluster.requests() if one.verb in ("create", "patch")]
        served = {}
        for one in requests:
            if not one.name.endswith("--1"):
                served[one.name] = served.get(one.name, 0) + one.seconds * 1000
        if len(served) != runs or any(one.status not in (200, 201) for one in requests):
            raise SystemExit(f"{len(served)} of {runs} runs were answered, with {set(one.status for one in requests)}")
        return [
            Figure(f"Jobs a second, of {OFFERED} offered, for {found['seconds']:.0f} s on {PROCESSORS} processors", runs / found["seconds"], "", LIMIT, at_least=True),
            Figure("fewest a second in any five seconds", found["least"], ""),
            Figure("Secret, Job, owner: whole", median(found["milliseconds"]), "ms"),
            Figure("of that: the API server's time", median(served.values()), "ms"),
            Figure("processor time a Job: Yellow's own", found["own"] / runs * 1000, "ms"),
            Figure("processor time a Job: API server, etcd, controllers, scheduler", server / runs * 1000, "ms"),
        ]
    finally:
        cluster.close()
