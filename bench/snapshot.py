"""Staging beside a pipe of two psql, and whole snapshot batches beside that pipe and the best comparison of two tables by hand."""

from bench_project import BenchProject
from figures import Figure, median

ROUNDS = 3
COLUMNS = {"id": "bigint", "a": "varchar(40)", "b": "text", "c": "varchar(64)", "d": "integer", "e": "numeric(12,2)", "f": "timestamptz", "g": "date", "h": "boolean", "i": "double precision"}
FILL = """
CREATE TABLE wide (id bigint PRIMARY KEY, a varchar(40), b text, c varchar(64), d integer, e numeric(12,2), f timestamptz, g date, h boolean, i double precision);
INSERT INTO wide SELECT n, 'customer ' || n, 'text of row ' || n, md5(n::text), n % 1000, (n % 100000) / 100.0, timestamptz '2026-01-01' + n * interval '1 s',
  date '2020-01-01' + (n % 2000)::int, n % 2 = 0, n / 3.0 FROM generate_series(1, {rows}) n;
VACUUM ANALYZE wide;
"""
# One in a hundred: half of them changed, a quarter gone, a quarter new.
CHANGE = """
UPDATE wide SET b = 'changed in {round}' WHERE id % 200 = {round};
DELETE FROM wide WHERE id % 400 = {round} + 100;
INSERT INTO wide SELECT {rows} + {round} * {rows} / 100 + n, 'new', 'new', 'new', 1, 1, now(), current_date, true, 1 FROM generate_series(1, {rows} / 400) n;
VACUUM wide;
"""
MODEL = """
kind: Datastore
name: Large
capture: {{sql_snapshot: {{container: SourceDB, credential: reader}}}}
datasets:
  wide: {{key: [id], columns: {{{columns}}}}}
---
kind: Workspace
name: Reader
groups: {{Now: {{requires: {{milestoning: {milestoning}}}, sinks: [Large.wide]}}}}
"""
# Ways to find what differs, as people write them; the fastest counts.
BY_HAND = {
    "full join": """SELECT count(*) FROM {target} t FULL JOIN hand s ON s.id = t.id WHERE t.id IS NULL OR s.id IS NULL
        OR record_image_ne(ROW({old}), ROW({new}))""",
    "two joins": """SELECT count(*) FROM hand s LEFT JOIN {target} t ON s.id = t.id WHERE t.id IS NULL OR record_image_ne(ROW({old}), ROW({new}));
        SELECT count(*) FROM {target} t WHERE NOT EXISTS (SELECT FROM hand s WHERE s.id = t.id)""",
    "is distinct": """SELECT count(*) FROM {target} t FULL JOIN hand s ON s.id = t.id WHERE ({old}) IS DISTINCT FROM ({new})""",
}


def columns(alias):
    return ", ".join(f"{alias}.{name}" for name in COLUMNS)


def one(milestoning, rows):
    """Ratios of every round: staging, whole batch; and the parts in seconds."""
    stream = "Ingest/Main/Large"
    types = ", ".join(f'{name}: "{type}"' for name, type in COLUMNS.items())
    project = BenchProject(MODEL.format(columns=types, milestoning=milestoning), FILL.format(rows=rows))
    try:
        project.must("run", "--apply")
        target = "dp_main.large__wide" if milestoning == "live" else "(SELECT * FROM dp_main.large__wide WHERE yellow_batch_out = 2147483647)"
        names = ", ".join(COLUMNS)
        project.sql("MergeDB", "CREATE UNLOGGED TABLE hand (" + ", ".join(f"{n} {t}" for n, t in COLUMNS.items()) + "); VACUUM ANALYZE dp_main.large__wide")
        found = []
        for round_ in range(1, ROUNDS + 1):
            project.sql("SourceDB", CHANGE.format(rows=rows, round=round_))
            project.sql("MergeDB", "TRUNCATE hand; CHECKPOINT")
            copy = project.pipe(f"COPY (SELECT {names} FROM wide) TO STDOUT (FORMAT binary)", f"COPY hand ({names}) FROM STDIN (FORMAT binary)")
            # Once before it counts: the first reader of new rows marks them as committed. By hand nothing is analysed either.
            compare = min(project.seconds("MergeDB", way.format(target=target, old=columns("t"), new=columns("s"))) for way in BY_HAND.values())
            project.sql("MergeDB", "CHECKPOINT")
            whole = project.must("run", "Large")
            staging, merging = project.batch(stream)
            found.append({"copy": copy, "compare": compare, "whole": whole, "staging": staging, "merging": merging})
        return found
    finally:
        project.close()


def measure(small):
    rows = 500_000 if small else 5_000_000
    figures = []
    for milestoning in ("live", "forensic"):
        found = one(milestoning, rows)
        figures += [
            Figure(f"{milestoning}: psql's pipe / staging", median([f["copy"] / f["staging"] for f in found]), "", 0.8, at_least=True),
            Figure(f"{milestoning}: batch / (pipe + comparison by hand)", median([f["whole"] / (f["copy"] + f["compare"]) for f in found]), "", 1.2),
        ]
        figures += [Figure(f"{milestoning}: {name}", median([f[key] for f in found]), "s")
                    for key, name in (("copy", "psql's pipe"), ("compare", "comparison by hand"), ("staging", "staging"), ("merging", "checks and merge"), ("whole", "whole batch"))]
    return figures
