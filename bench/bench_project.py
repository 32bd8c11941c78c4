"""A project to measure: an empty model on a private PostgreSQL that waits for its disk as it does for users."""

import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
os.environ.setdefault("YELLOW_BIN", str(ROOT / "build/release/src/app/yellow"))
sys.path.insert(0, str(ROOT / "tests/program"))

import project as program  # noqa: E402  (the path is set above)

YELLOW = program.YELLOW

ENVIRONMENT = """
kind: Environment
name: local
containers: {MergeDB: embedded, SourceDB: embedded}
credentials: {reader: {env: BENCH}}
launcher: process
scheduler: yellow
"""
TEAM = """
kind: Team
name: Default
containers: {SourceDB: {postgres: {database: source}}}
credentials: {reader: {type: user_password}}
"""


class BenchProject(program.Project):
    """REQUIRES: closed with `close`. `model`: documents beside the team's; `source`: statements that fill the source; `code`: path below model/ to text."""

    def __init__(self, model, source="", code=None):
        super().__init__(example=None)
        os.environ["BENCH_USER"], os.environ["BENCH_PASSWORD"] = "reader", "reader"
        self.write("environments/local.yaml", ENVIRONMENT)
        self.write("model/team.yaml", TEAM)
        self.write("model/ecosystem.yaml", "kind: Ecosystem\nname: Bench\n")
        self.write("model/bench.yaml", model)
        for path, text in (code or {}).items():
            self.write("model/" + path, text)
        self.must("apply")  # which starts the private server with both databases
        self.sql("SourceDB", "CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT CONNECT ON DATABASE source TO reader; GRANT USAGE ON SCHEMA public TO reader;"
                             "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader;" + source)

    def must(self, *arguments):
        """Runs a command that has to succeed; its seconds."""
        started = time.monotonic()
        result = self.yellow(*arguments, timeout=7200)
        if result.status != 0:
            raise SystemExit(f"yellow {' '.join(arguments)} failed: {result}")
        return time.monotonic() - started

    def psql(self, info, statements):
        done = subprocess.run(program.psql_command(info), input=statements, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        return program.rows_of(done.stdout)

    def seconds(self, container, statements):
        """Of statements by hand, as a person who knows PostgreSQL would run them: with memory and both processors."""
        started = time.monotonic()
        self.sql(container, "SET work_mem = '256MB'; SET max_parallel_workers_per_gather = 2;" + statements)
        return time.monotonic() - started

    def batch(self, stream):
        """Seconds of the newest batch: from the start of reading to staged, and from there to committed."""
        return tuple(float(v) for v in self.sql("MergeDB", f"""
            SELECT extract(epoch FROM staged_at - source_read_at), extract(epoch FROM committed_at - staged_at) FROM yellow.batch
            WHERE stream = '{stream}' AND state = 'committed' ORDER BY batch DESC LIMIT 1""")[0])

    def pipe(self, copy_out, copy_in):
        """Seconds of one psql that copies out into one that copies in."""
        source, target = self.connections()["SourceDB"], self.connections()["MergeDB"]
        started = time.monotonic()
        out = subprocess.Popen([*program.psql_command(source), "-c", copy_out], stdout=subprocess.PIPE)
        into = subprocess.run([*program.psql_command(target), "-c", copy_in], stdin=out.stdout)
        out.stdout.close()
        if out.wait() != 0 or into.returncode != 0:
            raise SystemExit("psql failed")
        return time.monotonic() - started
