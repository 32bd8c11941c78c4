"""How soon a transformer's process runs after a batch of its input was committed, under `yellow serve`.

The process is a program without libraries, whose first instruction tells the time: what an interpreter takes to begin is
the author's choice, and is no part of it.
"""

import os
import pathlib
import subprocess
import tempfile
import time

from bench_project import YELLOW, BenchProject
from figures import Figure, median

MODEL = """
kind: Datastore
name: Shop
capture: {sql_snapshot: {container: SourceDB, credential: reader}}
datasets:
  items: {key: [id], columns: {id: bigint, label: text}}
---
kind: Workspace
name: Clock
groups: {In: {sinks: [Shop.items]}}
transformer:
  code: {source: clock/, command: [PROGRAM]}
  output: {datastore: Ticks, datasets: {items: {like: Shop.items}}}
---
kind: Workspace
name: Reader
groups: {Now: {sinks: [Ticks.items]}}
"""
CLOCK = r"""
#include <stdio.h>
#include <time.h>
int main(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  printf("started %ld.%09ld\n", (long)now.tv_sec, now.tv_nsec);
  return 0;
}
"""
# As `yellow run Shop` asks, but serve does the work.
ASK = "UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = 'Ingest/Main/Shop'; SELECT pg_notify('yellow', '');"
CONSUMED = "SELECT batch FROM yellow.cursor WHERE consumer = 'Transform/Main/Clock' AND input = 'Shop.items'"
PARTS = """
SELECT extract(epoch FROM b.committed_at), extract(epoch FROM r.opened_at), extract(epoch FROM r.launched_at), substring(r.log FROM 'started ([0-9.]+)')
FROM yellow.run r JOIN yellow.claim c ON c.run_id = r.id JOIN yellow.batch b ON b.stream = 'Ingest/Main/Shop' AND b.batch = c.to_batch
WHERE r.state = 'committed' AND r.transformer = 'Transform/Main/Clock' ORDER BY r.opened_at DESC LIMIT 1
"""


def fsync_seconds(folder):
    """Of one page of 8 KiB that is written and synchronised, as a commit does."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(200):
            os.pwrite(file.fileno(), os.urandom(8192), 0)
            started = time.monotonic()
            os.fdatasync(file.fileno())
            times.append(time.monotonic() - started)
    return median(times)


def build_clock(folder):
    """Compiles the program where every user may run it."""
    program = pathlib.Path(folder) / "clock"
    subprocess.run(["cc", "-x", "c", "-O1", "-static", "-o", program, "-"], input=CLOCK, text=True, check=True)
    pathlib.Path(folder).chmod(0o755)
    return str(program)


def measure(small):
    with tempfile.TemporaryDirectory() as folder:
        return measure_with(build_clock(folder), rounds=10 if small else 50)


def measure_with(program, rounds):
    project = BenchProject(MODEL.replace("PROGRAM", program), "CREATE TABLE items (id bigint PRIMARY KEY, label text)", {"clock/README": "The program is elsewhere."})
    serve = None
    try:
        project.must("run", "--apply")
        serve = subprocess.Popen([YELLOW, "--project", str(project.root), "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
        found = []
        for round_ in range(rounds):
            project.sql("SourceDB", f"INSERT INTO items VALUES ({round_}, 'item')")
            project.sql("MergeDB", ASK)
            until = time.monotonic() + 30
            time.sleep(0.5)  # to ask takes a processor, too
            while project.sql("MergeDB", CONSUMED) != [(str(round_ + 2),)]:
                if time.monotonic() > until:
                    raise SystemExit("serve did not run the transformer within 30 s")
                time.sleep(0.2)
            found.append([float(value) for value in project.sql("MergeDB", PARTS)[0]])
        fsync = fsync_seconds(project.cluster().parent)
        part = lambda after, before: median([(row[after] - row[before]) * 1000 for row in found])  # noqa: E731
        return [
            Figure("committed batch to process running", part(3, 0), "ms", 20 + 5 * fsync * 1000),
            Figure("of that: until the run is opened", part(1, 0), "ms"),
            Figure("of that: login, tables, claim, until it is launched", part(2, 1), "ms"),
            Figure("of that: until the process runs", part(3, 2), "ms"),
            Figure("fsync of 8 KiB on this disk", fsync * 1000, "ms"),
        ]
    finally:
        if serve is not None:
            serve.terminate()
            serve.wait()
        project.close()
