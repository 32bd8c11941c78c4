"""A model of 10,000 datasets with 100,000 columns: every command that reads it."""

import pathlib
import resource
import subprocess
import tempfile
import time

from bench_project import YELLOW
from figures import Figure, median

ROUNDS = 5


def write_model(folder, stores, datasets, columns):
    """`stores` files of `datasets` datasets each; every store has one workspace that reads it whole."""
    model = pathlib.Path(folder, "model")
    model.mkdir(parents=True)
    (model / "team.yaml").write_text("kind: Team\nname: Default\ncontainers: {SourceDB: {postgres: {database: source}}}\ncredentials: {reader: {type: user_password}}\n")
    pathlib.Path(folder, "environments").mkdir()
    pathlib.Path(folder, "environments/local.yaml").write_text("kind: Environment\nname: local\ncontainers: {MergeDB: embedded, SourceDB: embedded}\ncredentials: {reader: {env: BENCH}}\n")
    for store in range(stores):
        lines = [f"kind: Datastore\nname: Store{store}\ncapture:\n  sql_snapshot:\n    container: SourceDB\n    credential: reader\ndatasets:"]
        for dataset in range(datasets):
            lines.append(f"  dataset{dataset}:\n    key: [id]\n    columns:\n      id: bigint")
            lines += [f"      column{column}: varchar(100)" for column in range(1, columns)]
        lines.append(f'---\nkind: Workspace\nname: Reader{store}\ngroups: {{Now: {{sinks: ["Store{store}.*"]}}}}\n')
        (model / f"store{store}.yaml").write_text("\n".join(lines))


def measure(small):
    stores = 10 if small else 100
    figures = []
    with tempfile.TemporaryDirectory(prefix="yellow-bench-") as folder:
        write_model(folder, stores, 100, 10)
        for command in ("lint", "graph"):
            times = []
            for _ in range(ROUNDS):
                started = time.monotonic()
                subprocess.run([YELLOW, "--project", folder, command], check=True, stdout=subprocess.DEVNULL)
                times.append(time.monotonic() - started)
            figures.append(Figure(f"yellow {command}: {stores * 100:,} datasets, {stores * 1000:,} columns", median(times), "s", 1.0))
    figures.append(Figure("largest memory of a command so far", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, "MiB", 200))
    return figures
