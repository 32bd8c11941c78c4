"""500 changed rows of a transformer into outputs of very different sizes: what a batch costs must not grow with its target."""

from bench_project import BenchProject
from figures import Figure, median

ROUNDS = 9
CHANGED = 500
MODEL = """
kind: Datastore
name: Ranges
capture: {sql_snapshot: {container: SourceDB, credential: reader}}
datasets:
  ranges: {key: [first], columns: {first: bigint, last: bigint not null, version: integer not null}}
---
kind: Workspace
name: Expand
groups: {In: {sinks: [Ranges.ranges]}}
transformer:
  code: {sql: expand/}
  mode: incremental
  output: {datastore: Expanded, datasets: {items: {key: [id], columns: {id: bigint, version: integer, label: text}}}}
---
kind: Workspace
name: Reader
groups: {Now: {sinks: [Expanded.items]}}
"""
EXPAND = """
SELECT CASE WHEN r.yellow_op = 'D' THEN 'U' ELSE r.yellow_op END AS yellow_op, n AS id, r.version, 'item ' || n AS label
FROM Ranges.ranges__changes r, generate_series(r.first, r.last) n
"""


def one(rows):
    """Seconds of the transaction that takes 500 rows into a target of `rows`, in every round, and how often the target was read whole."""
    project = BenchProject(MODEL, "CREATE TABLE ranges (first bigint PRIMARY KEY, last bigint, version integer);", {"expand/items.sql": EXPAND})
    try:
        project.sql("SourceDB", f"INSERT INTO ranges VALUES (1, {rows}, 1)")
        project.must("run", "--apply")
        project.sql("MergeDB", "VACUUM ANALYZE dp_main.expanded__items; CHECKPOINT")
        scans = "SELECT seq_scan FROM pg_stat_all_tables WHERE schemaname = 'dp_main' AND relname = 'expanded__items'"
        before = project.sql("MergeDB", scans)
        seconds, whole = [], []
        for round_ in range(1, ROUNDS + 1):
            first = rows // (ROUNDS + 1) * round_
            # A range of its own: the large one stays as it is.
            project.sql("SourceDB", f"INSERT INTO ranges VALUES ({first + 1}, {first + CHANGED}, {round_ + 1})")
            whole.append(project.must("run", "Ranges"))
            taken, counted = project.sql("MergeDB", """
                SELECT extract(epoch FROM b.committed_at - r.finished_at), d.staged FROM yellow.run r
                JOIN yellow.batch b ON b.run_id = r.id JOIN yellow.batch_dataset d ON d.stream = b.stream AND d.batch = b.batch
                ORDER BY r.opened_at DESC LIMIT 1""")[0]
            if int(counted) != CHANGED:
                raise SystemExit(f"the run wrote {counted} rows, not {CHANGED}")
            seconds.append(float(taken))
        after = project.sql("MergeDB", scans)
        return seconds, whole, int(after[0][0]) - int(before[0][0])
    finally:
        project.close()


def measure(small):
    sizes = [50_000, 500_000] if small else [500_000, 5_000_000, 50_000_000]
    figures, medians = [], []
    for rows in sizes:
        seconds, whole, scans = one(rows)
        medians.append(median(seconds))
        figures.append(Figure(f"{CHANGED} rows into {rows:,}: code finished to committed", medians[-1] * 1000, "ms"))
        figures.append(Figure(f"{CHANGED} rows into {rows:,}: yellow run, source and output", median(whole) * 1000, "ms"))
        figures.append(Figure(f"{CHANGED} rows into {rows:,}: times that the target was read whole", scans, "", 0))
    figures.append(Figure("slowest size / fastest size", max(medians) / min(medians), "", 1.5))
    return figures
