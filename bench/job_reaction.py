"""How soon the Job of a transformer's code is in the cluster after a batch of its input was committed, under `yellow serve`: the whole, and without what the API server took for its answers.

The server's time is its own: from when a request came in until its answer was written. What lies between, the way there and back and TLS, counts as Yellow's.
"""

import os
import subprocess
import time

from bench_cluster import IMAGE, BenchCluster
from bench_project import YELLOW, program
from figures import Figure, median
from reaction import ASK, CONSUMED, MODEL, fsync_seconds
from server import NamedPostgres
from simulated_node import SimulatedNode

LIMIT = 30
CODE_SECONDS = 0.2
TEAM = """
kind: Team
name: Default
containers: {SourceDB: {postgres: {database: source}}}
credentials: {reader: {type: user_password}}
"""
# The address is this machine's loopback, but not by a name that only this machine has; no pod ever asks for it.
ENVIRONMENT = """
kind: Environment
name: local
containers: {MergeDB: {host: 0.0.0.0, port: PORT, database: merge}, SourceDB: {host: 0.0.0.0, port: PORT, database: source}}
credentials: {reader: {env: BENCH}}
images: {clock: "IMAGE"}
launcher: {kubernetes: {namespace: NAMESPACE, kubeconfig: KUBECONFIG}}
"""
PARTS = """
SELECT extract(epoch FROM b.committed_at), extract(epoch FROM r.opened_at), extract(epoch FROM r.launched_at), r.job
FROM yellow.run r JOIN yellow.claim c ON c.run_id = r.id JOIN yellow.batch b ON b.stream = 'Ingest/Main/Shop' AND b.batch = c.to_batch
WHERE r.state = 'committed' AND r.transformer = 'Transform/Main/Clock' ORDER BY r.opened_at DESC LIMIT 1
"""


class NamedProject(program.Project):
    """On a PostgreSQL that listens on the network, and waits for its disk. REQUIRES: closed with `close`."""

    def __init__(self, namespace):
        super().__init__(example=None)
        self.postgres = NamedPostgres("")
        self.superuser = {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}
        for database in ("merge", "source"):
            self.postgres.psql("postgres", f"CREATE DATABASE {database}")
        self.postgres.psql("source", "CREATE ROLE reader LOGIN PASSWORD 'reader'; CREATE TABLE items (id bigint PRIMARY KEY, label text); GRANT SELECT ON items TO reader")
        os.environ.update(BENCH_USER="reader", BENCH_PASSWORD="reader")
        environment = ENVIRONMENT
        for word, value in (("PORT", self.postgres.port), ("IMAGE", IMAGE), ("NAMESPACE", namespace.name), ("KUBECONFIG", namespace.kubeconfig)):
            environment = environment.replace(word, str(value))
        self.write("environments/local.yaml", environment)
        self.write("model/team.yaml", TEAM)
        self.write("model/ecosystem.yaml", "kind: Ecosystem\nname: Bench\n")
        self.write("model/bench.yaml", MODEL.replace("{source: clock/, command: [PROGRAM]}", "{image: clock}"))

    def must(self, *arguments, environment=None):
        result = self.yellow(*arguments, environment=environment)
        if result.status != 0:
            raise SystemExit(f"yellow {' '.join(arguments)} failed: {result}")

    def sql(self, container, statements):
        text = self.postgres.psql("merge" if container == "MergeDB" else "source", statements)
        return [tuple(line.split("|")) for line in text.splitlines()]

    def close(self):
        super().close()
        self.postgres.close()


def measure(small):
    cluster = BenchCluster()
    try:
        node = SimulatedNode(cluster, CODE_SECONDS)
        try:
            return measure_on(cluster, rounds=10 if small else 40)
        finally:
            node.close()
    finally:
        cluster.close()


def rounds_of(project, rounds):
    """Of every round: committed, opened, launched (seconds since 1970), name of the Job."""
    serve = subprocess.Popen([YELLOW, "--project", str(project.root), "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        for round_ in range(rounds):
            project.sql("SourceDB", f"INSERT INTO items VALUES ({round_}, 'item')")
            project.sql("MergeDB", ASK)
            until = time.monotonic() + 60
            time.sleep(1)   # to ask takes a processor, too
            while project.sql("MergeDB", CONSUMED) != [(str(round_ + 2),)]:
                if time.monotonic() > until:
                    raise SystemExit("serve did not run the transformer within 60 s")
                time.sleep(0.2)
            *times, job = project.sql("MergeDB", PARTS)[0]
            yield [float(one) for one in times], job
    finally:
        serve.terminate()
        serve.wait()


def measure_on(cluster, rounds):
    project = NamedProject(cluster.namespace)
    try:
        project.must("bootstrap", environment=project.superuser)
        project.must("run", "--apply")
        found = list(rounds_of(project, rounds))
        fsync = fsync_seconds(project.postgres.base)
    finally:
        project.close()
    created = {(one.resource, one.name): one for one in cluster.requests() if one.verb == "create"}
    whole, opened, launched, server, own, calls = [], [], [], [], [], []
    for (committed_at, opened_at, launched_at), job in found:
        secret, made = created["secrets", job], created["jobs", job]
        whole.append(made.ended - committed_at)
        opened.append(opened_at - committed_at)
        launched.append(launched_at - opened_at)
        server.append(secret.seconds + made.seconds)
        own.append(whole[-1] - server[-1])
        calls.append(made.ended - launched_at - server[-1])
    milliseconds = lambda values: median(values) * 1000  # noqa: E731
    return [
        Figure("committed batch to Job created: Yellow's own share", milliseconds(own), "ms", LIMIT + 5 * fsync * 1000),
        Figure("of that: until the run is opened", milliseconds(opened), "ms"),
        Figure("of that: login, tables, claim, until it is launched", milliseconds(launched), "ms"),
        Figure("of that: Secret and Job written, the way to the server", milliseconds(calls), "ms"),
        Figure("the API server's time, for Secret and Job", milliseconds(server), "ms"),
        Figure("committed batch to Job created: whole", milliseconds(whole), "ms"),
        Figure("fsync of 8 KiB on this disk", fsync * 1000, "ms"),
    ]
