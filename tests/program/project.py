"""A project under test: a copy of an example in a temporary folder, run by the built program only."""

import glob
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Debian's psql is a wrapper that looks for the server's version first; a test that calls it a thousand times takes the program itself.
PSQL = next(iter(sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))), "psql")
# Made by cluster_template.py, when there is one.
if "YELLOW_TEST_CLUSTER" in os.environ:
    os.environ["YELLOW_PG_BIN"] = os.environ["YELLOW_TEST_CLUSTER"]
YELLOW = os.environ.get("YELLOW_BIN", str(ROOT / "build/dev/src/app/yellow"))

# The newest committed batch of every stream, and each rule that no crash may break; every query must return no row.
INVARIANTS = {
    "counters add up": """
        SELECT * FROM yellow.batch_dataset WHERE inserted + updated + unchanged <> staged""",
    "what was read is merged or set aside": """
        SELECT * FROM yellow.batch b JOIN yellow.mark m ON m.stream = b.stream AND m.batch = b.batch AND m.attempt = b.attempt
        LEFT JOIN yellow.batch_dataset d ON d.stream = b.stream AND d.batch = b.batch AND d.dataset = m.dataset
        WHERE b.state = 'committed' AND m.rows IS DISTINCT FROM d.staged + d.rejected""",
    "no gap in the numbers of batches": """
        SELECT stream FROM yellow.batch GROUP BY stream HAVING max(batch) - min(batch) + 1 <> count(*)
        EXCEPT SELECT node FROM yellow.event WHERE kind = 'went_back'""",
    "every committed batch has its counters": """
        SELECT b.* FROM yellow.batch b WHERE b.state = 'committed'
        AND NOT EXISTS (SELECT FROM yellow.batch_dataset d WHERE d.stream = b.stream AND d.batch = b.batch)""",
    "claims of committed runs do not overlap": """
        SELECT * FROM (
          SELECT r.transformer, c.input, c.from_batch, c.to_batch,
                 lag(c.to_batch) OVER (PARTITION BY r.transformer, c.input ORDER BY c.to_batch, c.from_batch) AS before
          FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id WHERE r.state = 'committed') x
        WHERE from_batch < coalesce(before, 0)""",
    "every consumed batch that changed something was in exactly one committed run": """
        SELECT u.consumer, u.input, d.batch, count(r.id) FROM yellow.cursor u
        JOIN yellow.stream s ON s.store = split_part(u.input, '.', 1) AND coalesce(s.dataset, split_part(u.input, '.', 2)) = split_part(u.input, '.', 2)
        JOIN yellow.batch_dataset d ON d.stream = s.key AND d.dataset = split_part(u.input, '.', 2) AND d.batch <= u.batch
        LEFT JOIN yellow.claim c ON c.input = u.input AND d.batch > c.from_batch AND d.batch <= c.to_batch
        LEFT JOIN yellow.run r ON r.id = c.run_id AND r.state = 'committed' AND r.transformer = u.consumer
        WHERE d.inserted + d.updated + d.deleted > 0 GROUP BY 1, 2, 3 HAVING count(r.id) <> 1""",
    "cursors stand where the last committed run ended": """
        SELECT u.* FROM yellow.cursor u JOIN (
          SELECT r.transformer, c.input, max(c.to_batch) AS batch FROM yellow.claim c JOIN yellow.run r ON r.id = c.run_id
          WHERE r.state = 'committed' GROUP BY 1, 2) m ON m.transformer = u.consumer AND m.input = u.input
        WHERE u.batch < m.batch""",
    "no run stays open, no login outlives its run": """
        SELECT id, state, login FROM yellow.run WHERE state IN ('preparing', 'launched', 'finished', 'ingesting')
        UNION ALL SELECT rolname, NULL, NULL FROM pg_roles WHERE rolname ~ '^yellow_run_.' AND (rolcanlogin OR NOT pg_has_role(oid, 'yellow_run', 'MEMBER'))""",
    "commit times never go back": """
        SELECT * FROM (SELECT stream, committed_at, lag(committed_at) OVER (PARTITION BY stream ORDER BY batch) AS before
                       FROM yellow.batch WHERE state = 'committed') x WHERE before > committed_at""",
}


def without_dates(text):
    """Times of another day than today's have their date before them; no test may fail at midnight."""
    return re.sub(r"\d{4}-\d\d-\d\d (?=\d\d:\d\d:\d\d)", "", text)


class Result:
    def __init__(self, completed):
        self.status = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def __repr__(self):
        return f"exit status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"


def psql_command(info):
    return [PSQL, "-X", "-q", "-At", "-F", "\x1f", "-P", "null=\x1e", "-R", "\x1d", "-v", "ON_ERROR_STOP=1",
            "-h", info["host"], "-p", str(info["port"]), "-U", "yellow_super", "-d", info["database"]]


def rows_of(text):
    text = text[:-1] if text.endswith(("\x1d", "\n")) else text
    if not text:
        return []
    return [tuple(None if v == "\x1e" else v for v in row.split("\x1f")) for row in text.split("\x1d")]


# What changes nothing, in the session neither, and may be asked again.
ONE_SELECT = re.compile(r"\s*(SELECT|SHOW)\b(?!.*\b(INTO|set_config|pg_advisory\w+|FOR UPDATE)\b)[^;]*;?\s*", re.I | re.S)


class Session:
    """A psql that stays: a test asks hundreds of times, and a program and a backend for each question take most of its time."""

    END = "-- that is the answer --"

    def __init__(self, info):
        self.program = subprocess.Popen(psql_command(info), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "PGOPTIONS": "-c statement_timeout=60s"})

    def ask(self, statement):
        """What psql prints, None when it has ended over it."""
        try:
            self.program.stdin.write(f"{statement}\n;\n\\echo '{self.END}'\n")
            self.program.stdin.flush()
        except BrokenPipeError:
            return None
        text = ""
        while not text.endswith(self.END + "\n"):
            line = self.program.stdout.readline()
            if not line:
                return None
            text += line
        return text[:-len(self.END) - 1]

    def close(self):
        self.program.kill()
        self.program.communicate()


def with_run(run, workspace, statement):
    """The statement in one transaction with a run that is to begin, and is there for that moment only."""
    return f"""BEGIN; DELETE FROM yellow.run WHERE id = '{run}' AND holder = 'nobody:1:1';
INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder)
SELECT '{run}', t.key, 'preparing', 'full', '', (SELECT max(version) FROM yellow.model), 'a test', 'nobody:1:1' FROM yellow.transformer t WHERE workspace = '{workspace}';
{statement};
DELETE FROM yellow.run WHERE id = '{run}' AND holder = 'nobody:1:1'; COMMIT"""


class Project:
    """REQUIRES: closed with `close`, which stops the private PostgreSQL."""

    def __init__(self, example="shop"):
        """`example` None: an empty folder."""
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-test-"))
        self.root = self.base / "project"
        self._sessions = {}
        if example is None:
            self.root.mkdir()
        else:
            shutil.copytree(ROOT / "examples" / example, self.root)

    def unscheduled(self):
        """For tests that count batches and runs: a tick of the shop's schedule would fall into one of many."""
        model = self.root / "model/shop.yaml"
        model.write_text(model.read_text().replace('schedule: "*/5 * * * *"', 'schedule: "0 0 1 1 *"'))
        return self

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, errors="surrogateescape")

    def close(self):
        for session in self._sessions.values():
            session.close()
        self.yellow("down")
        for folder in (self.cluster(), pathlib.Path("/run/yellow", self.cluster().name), self.base):
            shutil.rmtree(folder, ignore_errors=True)

    def yellow(self, *arguments, environment=None, timeout=120):
        command = [YELLOW, "--project", str(self.root), *arguments]
        return Result(subprocess.run(command, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL,
                                     env={**os.environ, **(environment or {})}))

    def demo(self):
        """Makes the shop's database and runs everything once."""
        result = self.yellow("demo", str(self.root))
        assert result.status == 0, result
        return result

    def hurry(self):
        """The private PostgreSQL waits for no disk any more: for tests that do not stop it."""
        self.sql("MergeDB", "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();")

    def containers(self):
        result = self.yellow("status", "--output", "json")
        return {c["key"]: c for c in json.loads(result.out)["containers"]}

    def connections(self):
        if not hasattr(self, "_connections"):
            self._connections = self.containers()
        return self._connections

    def cluster(self):
        """The folder of the private server's data; root's lies outside the project."""
        data = str(self.root / ".yellow")
        return pathlib.Path("/var/lib/yellow", hashlib.sha256(data.encode()).hexdigest()[:16]) if os.geteuid() == 0 else pathlib.Path(data, "postgres")

    def server_log(self):
        """All that the private server has said so far."""
        files = [self.cluster() / "server.log", *sorted((self.cluster() / "log").glob("*.json"))]
        return "".join(path.read_text() for path in files if path.exists())

    def server(self, database="merge"):
        """The private server, found without a command of Yellow: by the folder of its socket in postmaster.pid."""
        lines = (self.cluster() / "postmaster.pid").read_text().splitlines()
        if len(lines) < 5:
            raise OSError("the server has not written its postmaster.pid to the end yet")
        return {"host": lines[4], "port": int(lines[3]), "database": database}

    def sql(self, container, statements):
        """As the owner of the private server; rows as tuples of text, None for null."""
        info = self.connections()[container]
        if ONE_SELECT.fullmatch(statements):
            session = self._sessions.get(container) or self._sessions.setdefault(container, Session(info))
            text = session.ask(statements)
            if text is not None:
                return rows_of(text)
            # A mistake of the statement, or the server has gone since; psql says which.
            self._sessions.pop(container).close()
        return self.psql(info, statements)

    def psql(self, info, statements, timeout=60):
        done = subprocess.run(psql_command(info), input=statements, capture_output=True, text=True, timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return rows_of(done.stdout)

    def broken_invariants(self):
        return {name: rows for name, query in INVARIANTS.items() if (rows := self.sql("MergeDB", query))}

    def expected_masked(self):
        """What mask/*.sql must give, computed at the source, on its own."""
        customers = self.sql("ShopDB", "SELECT id, left(firstname, 1) || '.', left(lastname, 1) || '.', "
                                       "date_trunc('year', dob)::date FROM customers ORDER BY id")
        addresses = self.sql("ShopDB", "SELECT id, customer_id, city, country FROM addresses ORDER BY id")
        return customers, addresses

    def masked(self):
        customers = self.sql("MergeDB", "SELECT id, firstname, lastname, dob FROM ws_analysts.now__shopmasked__customers ORDER BY id")
        addresses = self.sql("MergeDB", "SELECT id, customer_id, city, country FROM ws_analysts.now__shopmasked__addresses ORDER BY id")
        return customers, addresses
