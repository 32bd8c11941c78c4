"""Very many batches on a database that already holds very many: a tick stays as fast as it was, what is old goes, and neither the database nor the
service grows without end. All the while `yellow serve` runs. Most batches are simulated: what a batch does to the control state is done by a procedure,
transaction by transaction, for small tables that do not change; every so often there is a round of real ones, and a run. The history before them is
written straight into the control tables, half of it older than is kept."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.request

from storm import YELLOW, Project

STORES = 40
FORGOTTEN_AT_ONCE = 20_000   # batches, by a `yellow run` that has nothing else to do
KEPT_DAYS = 90
TICKS = 30
MOST_SLOWER = 1.2
MOST_PAGES = 20

STORE = """
kind: Datastore
name: Store{n}
capture: {{sql_snapshot: {{container: ShopDB, credential: shop_reader}}}}
datasets: {{items: {{table: t{n}, key: [id], columns: {{id: integer, v: text}}}}}}
---
"""
READERS = """
kind: Workspace
name: Copier
groups: {In: {sinks: [Store0.items]}}
transformer:
  code: {sql: copy/}
  output: {datastore: Copies, datasets: {items: {like: Store0.items}}}
---
kind: Workspace
name: Reader
groups: {All: {sinks: ["Copies.*", %s]}}
"""
TEAM = """
kind: Team
name: Default
containers: {ShopDB: {postgres: {database: shop}}}
credentials: {shop_reader: {type: user_password}}
"""
ENVIRONMENT = """
kind: Environment
name: local
containers: {MergeDB: embedded, ShopDB: embedded}
credentials: {shop_reader: {file: environments/shop_reader}}
"""

# From twice as long ago as is kept until yesterday, evenly; each stream's first batch, which was read just now, is the oldest.
HISTORY = """
UPDATE yellow.batch SET opened_at = at, source_read_at = at, staged_at = at, committed_at = at FROM (SELECT clock_timestamp() - interval '%(days)s days' AS at) x;
INSERT INTO yellow.batch (stream, batch, state, attempt, model_version, opened_at, source_read_at, staged_at, committed_at, source_position)
SELECT s.key, 1 + n, 'committed', md5(n::text), 1, at, at, at, at, 1 FROM yellow.stream s, generate_series(1, %(each)s) n,
LATERAL (SELECT clock_timestamp() - interval '%(days)s days' + n * (interval '%(days)s days' - interval '1 day') / %(each)s AS at) x;
INSERT INTO yellow.batch_dataset (stream, batch, dataset, staged, inserted, updated, deleted, unchanged, live_rows)
SELECT stream, batch, 'items', 1, 0, 1, 0, 0, 1 FROM yellow.batch WHERE batch > 1;
INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder, opened_at, closed_at, output_batch)
SELECT 'old' || batch, t.key, 'committed', 'full', '', 1, 'history', 'history:1:1', b.opened_at, b.committed_at, batch
FROM yellow.batch b, yellow.transformer t WHERE b.stream LIKE '%%/Copies' AND batch > 1;
INSERT INTO yellow.claim (run_id, input, from_batch, to_batch) SELECT id, 'Store0.items', output_batch - 1, output_batch FROM yellow.run WHERE cause = 'history';
INSERT INTO yellow.event (at, kind, node, batch, actor, detail) SELECT opened_at, 'history', stream, batch, 'soak', 'history' FROM yellow.batch WHERE batch %% 10 = 0;
INSERT INTO yellow.verdict (node, code, sentence, decided_at) SELECT key, 'history', 'history ' || n, clock_timestamp() FROM yellow.stream, generate_series(1, 500) n;
UPDATE yellow.cursor SET batch = (SELECT max(batch) FROM yellow.batch WHERE stream LIKE '%%/Store0');
"""


# What batches do to the control state: lease, open, attempt, mark, staged, merged, released.
SIMULATE = """
CREATE PROCEDURE public.simulate(rounds integer) LANGUAGE plpgsql AS $$
DECLARE s record; number integer; attempt_id text; i integer;
BEGIN
  FOR i IN 1..rounds LOOP
    FOR s IN SELECT key FROM yellow.stream WHERE key NOT LIKE '%/Copies' LOOP
      attempt_id := md5(random()::text);
      UPDATE yellow.stream SET epoch = epoch + 1, holder = 'soak:1:1', lease_until = clock_timestamp() + interval '15 seconds' WHERE key = s.key;
      COMMIT;
      INSERT INTO yellow.batch (stream, batch, state, attempt, model_version)
        SELECT s.key, max(batch) + 1, 'open', attempt_id, 1 FROM yellow.batch WHERE stream = s.key RETURNING batch INTO number;
      UPDATE yellow.stream SET last_opened_at = clock_timestamp(), requested_at = NULL WHERE key = s.key;
      COMMIT;
      DELETE FROM yellow.mark WHERE stream = s.key;
      UPDATE yellow.batch SET source_read_at = clock_timestamp() WHERE stream = s.key AND batch = number;
      COMMIT;
      INSERT INTO yellow.mark (stream, batch, attempt, dataset, rows) VALUES (s.key, number, attempt_id, 'items', 1);
      COMMIT;
      UPDATE yellow.batch SET state = 'staged', staged_at = clock_timestamp() WHERE stream = s.key AND batch = number;
      COMMIT;
      INSERT INTO yellow.batch_dataset (stream, batch, dataset, staged, inserted, updated, deleted, unchanged, live_rows)
        VALUES (s.key, number, 'items', 1, 0, 0, 0, 1, 1);
      UPDATE yellow.batch SET state = 'committed', committed_at = clock_timestamp() WHERE stream = s.key AND batch = number;
      COMMIT;
      UPDATE yellow.stream SET lease_until = '-infinity', holder = NULL WHERE key = s.key;
      NOTIFY yellow;
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
"""
ROUNDS_AT_ONCE = 25          # of simulated batches, between two rounds of real ones


class Soak(Project):
    """REQUIRES: closed with `close`."""

    def __init__(self, batches, history):
        self.batches, self.history = batches, history
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-soak-"))
        self.root, self._sessions = self.base / "project", {}
        self.service = None
        self.write("model/team.yaml", TEAM)
        self.write("model/stores.yaml", "".join(STORE.format(n=n) for n in range(STORES)))
        self.write("model/readers.yaml", READERS % ", ".join(f"Store{n}.items" for n in range(STORES)))
        self.write("model/copy/items.sql", "SELECT id, v FROM Store0.items\n")
        self.write("environments/local.yaml", ENVIRONMENT)
        password = os.urandom(12).hex()
        self.write("environments/shop_reader", f"shop_reader:{password}\n")
        self.must("plan")
        self.psql(self.server("postgres"), "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; ALTER SYSTEM SET autovacuum_naptime = 5; SELECT pg_reload_conf();")
        self.psql(self.server("postgres"), "CREATE DATABASE shop")
        self.psql(self.server("shop"), "".join(f"CREATE TABLE t{n} (id integer PRIMARY KEY, v text); INSERT INTO t{n} VALUES (1, 'first');" for n in range(STORES)) +
                  f"CREATE ROLE shop_reader LOGIN PASSWORD '{password}'; GRANT CONNECT ON DATABASE shop TO shop_reader;"
                  "GRANT SELECT ON ALL TABLES IN SCHEMA public TO shop_reader")
        self.must("run", "--apply")

    def must(self, *arguments):
        result = self.yellow(*arguments, timeout=900)
        assert result.status == 0, result
        return result

    def ask(self, statement):
        return self.sql("MergeDB", statement)[0][0]

    def stop_serving(self):
        if self.service is not None:
            self.service.kill()
            self.service.communicate()

    def close(self):
        self.stop_serving()
        super().close()

    def run(self):
        """Yields what it has seen, a line each; fails when something is not bounded."""
        self.fill()
        yield f"history: {self.ask('SELECT count(*) FROM yellow.batch')} batches, {self.size() >> 20} MiB"
        self.serve()
        first, first_pages = self.tick(), self.pages()
        start, size, memory, began = self.newest(), self.size(), self.memory(), time.monotonic()
        rounds = -(-self.batches // (STORES * ROUNDS_AT_ONCE))
        for n in range(rounds):
            self.psql(self.server(), f"CALL public.simulate({ROUNDS_AT_ONCE})", timeout=600)
            self.round(n)
            self.forget()
            if n % max(1, rounds // 10) == 0:
                yield (f"{self.newest() - start} batches in {time.monotonic() - began:.0f} s: {self.size() >> 20} MiB, "
                       f"service {self.memory() >> 10} MiB, tick {self.tick(5) * 1000:.1f} ms")
        self.forget()
        last, last_pages = self.tick(), self.pages()
        made = self.newest() - start
        yield f"{made} batches in {time.monotonic() - began:.0f} s; tick {first * 1000:.2f} ms at first, {last * 1000:.2f} ms at last: {last / first:.2f}"
        yield f"a tick looks at {first_pages['']:.0f} pages at first, {last_pages['']:.0f} at last: {last_pages[''] / first_pages['']:.2f}"
        yield f"database {size >> 20} MiB at first, {self.size() >> 20} MiB at last; service {memory >> 10} MiB at first, {self.memory() >> 10} MiB at last"
        assert made >= self.batches, made
        assert self.broken_invariants() == {}, self.broken_invariants()
        assert last_pages[""] <= first_pages[""] * MOST_SLOWER, f"a tick takes {last_pages[''] / first_pages['']:.2f} of what it took"
        # Of these it asks for the one transformer and its one input only, whatever their history.
        many = {table: pages for table, pages in last_pages.items() if table in ("batch_dataset", "claim", "cursor", "run") and pages > MOST_PAGES}
        assert not many, f"a tick reads a history: {many}"
        # New rows take the place of old ones; a batch and what belongs to it are less than 2 KiB.
        assert self.size() <= size * 1.1 + 2048 * made, "the database grows by more than its batches"
        assert self.memory() <= memory * 1.3 + (16 << 10), "the service grows"
        old = self.ask(f"SELECT count(*) FROM yellow.batch WHERE committed_at < clock_timestamp() - interval '{KEPT_DAYS + 1} days'")
        assert int(old) <= max(0, self.history * 0.5 - FORGOTTEN_AT_ONCE * rounds), f"{old} batches are older than is kept"

    def fill(self):
        each = self.history // (STORES + 1)
        self.psql(self.server(), "BEGIN;" + HISTORY % {"days": 2 * KEPT_DAYS, "each": each} + "COMMIT;" + SIMULATE + "VACUUM ANALYZE", timeout=900)

    def serve(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.service = subprocess.Popen([YELLOW, "--project", str(self.root), "serve", "--listen", f"127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                if urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("serve is not ready")

    def pages(self):
        """How many pages the server looks at for a tick in which nothing is due, in all ('') and of each table: what a tick takes, on a machine that
        may have other things to do. What else goes on, as the forgetting of old batches, only adds to it, so the least of three counts."""
        # Versions that nobody sees any more are the server's to remove, which it does from time to time.
        self.psql(self.server(), "VACUUM ANALYZE", timeout=600)
        measured = [self.pages_now() for _ in range(3)]
        return {table: min(pages.get(table, 0) for pages in measured) for table in measured[0]}

    def pages_now(self):
        looked = ("SELECT '', blks_hit + blks_read FROM pg_stat_database WHERE datname = 'merge' UNION ALL SELECT relname, heap_blks_hit + heap_blks_read "
                  "+ idx_blks_hit + idx_blks_read FROM pg_statio_user_tables WHERE schemaname = 'yellow' AND idx_blks_hit IS NOT NULL")
        time.sleep(3)   # until everybody has told what he did before
        before = {table: int(pages) for table, pages in self.sql("MergeDB", looked)}
        for _ in range(TICKS):
            self.ask("SELECT 1 FROM pg_notify('yellow', '')")
            time.sleep(0.1)
        time.sleep(3)
        return {table: (int(pages) - before.get(table, 0)) / TICKS for table, pages in self.sql("MergeDB", looked)}

    def tick(self, ticks=TICKS):
        """Seconds of the fastest of so many ticks in which nothing is due."""
        seen = []
        while len(seen) < ticks:
            text = urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10).read().decode()
            value = float(re.search(r"^yellow_tick_seconds\S* (\S+)$", text, re.M)[1])
            if not seen or value != seen[-1]:
                seen.append(value)
            self.psql(self.server(), "NOTIFY yellow")     # the next tick need not be waited for
            time.sleep(0.05)
        return min(seen)

    def round(self, n):
        self.psql(self.server("shop"), "BEGIN;" + "".join(f"UPDATE t{s} SET v = 'round {n}';" for s in range(STORES)) + "COMMIT")
        self.psql(self.server(), "UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key NOT LIKE '%/Copies'; NOTIFY yellow")
        deadline = time.time() + 120
        pending = ("SELECT (SELECT count(*) FROM yellow.stream WHERE requested_at IS NOT NULL) + (SELECT count(*) FROM yellow.batch WHERE state IN "
                   "('open', 'staged', 'held')) + (SELECT count(*) FROM yellow.cursor c WHERE batch < (SELECT max(batch) FROM yellow.batch WHERE stream = 'Ingest/Main/Store0'))")
        while self.ask(pending) != "0":
            assert time.time() < deadline, f"round {n} does not end"
            time.sleep(0.02)

    def forget(self):
        """What serve does every hour, and every `yellow run` at its end."""
        self.must("run")

    def newest(self):
        return int(self.ask("SELECT sum((SELECT max(batch) FROM yellow.batch WHERE stream = key)) FROM yellow.stream"))

    def size(self):
        return int(self.ask("SELECT pg_database_size('merge')"))

    def memory(self):
        """KiB that the service has in memory."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.service.pid}/status").read_text())[1])
