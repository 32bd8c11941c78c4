"""A small project that has every kind of stream, and what must be true of it whenever the program has been let finish: used by the sweeps over
fault points and by the storm of random faults. Only the command line and the database are looked at."""

import os
import pathlib
import random
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "program"))

from project import INVARIANTS, YELLOW, Project, Result  # noqa: E402,F401

# Each committed output, in one text; computed at the source and seen in the merge database.
EXPECTED = """
SELECT md5(string_agg(r, E'\\n' ORDER BY r)) FROM (
  SELECT format('c %s %s %s', id, left(name, 1), date_trunc('year', born)::date) FROM customers
  UNION ALL SELECT format('a %s %s %s', customer, nr, city) FROM addresses
  UNION ALL SELECT format('s cities %s', count(DISTINCT city)) FROM addresses
  UNION ALL SELECT format('s people %s', count(*)) FROM addresses
  UNION ALL SELECT format('s customers %s', count(*)) FROM customers) x (r)"""
SEEN = """
SELECT md5(string_agg(r, E'\\n' ORDER BY r)) FROM (
  SELECT format('c %s %s %s', id, name, born) FROM ws_reader.history__masked__customers
  UNION ALL SELECT format('a %s %s %s', customer, nr, city) FROM ws_reader.now__masked__addresses
  UNION ALL SELECT format('s %s %s', what, how_many) FROM ws_reader.now__work__summary) x (r)"""

# Versions of one key follow each other without hole or overlap while it lives.
HISTORY = """
SELECT count(*) FROM (
  SELECT yellow_batch_in, lag(yellow_batch_out) OVER (PARTITION BY id ORDER BY yellow_batch_in) AS before FROM dp_main.masked__customers) x
WHERE before > yellow_batch_in"""

# What was under way when a fault fell.
STATES = """
SELECT 'batch ' || state FROM yellow.batch WHERE state IN ('open', 'staged', 'held')
UNION ALL SELECT 'run ' || state FROM yellow.run WHERE state IN ('preparing', 'launched', 'finished', 'ingesting')"""


class Storm(Project):
    """REQUIRES: closed with `close`. `durable`: the private PostgreSQL keeps its fsync, for tests that stop it."""

    def __init__(self, durable=False):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-storm-"))
        self.root, self._sessions = self.base / "project", {}
        shutil.copytree(HERE / "project", self.root)
        password = os.urandom(12).hex()
        (self.root / "environments/shop_reader").write_text(f"shop_reader:{password}\n")
        result = self.yellow("plan")
        assert result.status == 0, result
        if not durable:
            self.psql(self.server("postgres"), "ALTER SYSTEM SET fsync = off; ALTER SYSTEM SET full_page_writes = off; SELECT pg_reload_conf();")
        self.psql(self.server("postgres"), "CREATE DATABASE shop")
        self.psql(self.server("shop"), (HERE / "source.sql").read_text() + f"CREATE ROLE shop_reader LOGIN PASSWORD '{password}';"
                  "GRANT CONNECT ON DATABASE shop TO shop_reader; GRANT SELECT ON customers, addresses TO shop_reader")

    def keep(self, name):
        """Remembers the merge database as it is."""
        self.psql(self.server("postgres"), f"DROP DATABASE IF EXISTS {name};" + self.copy("merge", name))

    def back_to(self, name):
        """Makes the merge database what it was."""
        self.psql(self.server("postgres"), "DROP DATABASE merge WITH (FORCE);" + self.copy(name, "merge"))

    @staticmethod
    def copy(origin, name):
        """A copy of a database takes everything along but who may connect."""
        return (f"CREATE DATABASE {name} TEMPLATE {origin}; SET allow_system_table_mods = on;"
                f"UPDATE pg_database d SET datacl = t.datacl FROM pg_database t WHERE d.datname = '{name}' AND t.datname = '{origin}'")

    def change(self, chance):
        """A random change of the source, one transaction."""
        customer, other = chance.randrange(1, 90), chance.randrange(1, 90)
        changes = [chance.choice([
            f"UPDATE customers SET name = chr({chance.randrange(65, 91)}) || name, born = born + 400 WHERE id = {customer}",
            f"DELETE FROM customers WHERE id = {customer}",
            f"INSERT INTO customers VALUES ({customer}, 'New {other}', '1990-05-05') ON CONFLICT DO NOTHING",
            f"UPDATE addresses SET city = 'city {other}' WHERE customer = {customer}",
            f"INSERT INTO addresses VALUES ({customer}, {other}, 'city {other % 5}') ON CONFLICT DO NOTHING",
            f"DELETE FROM addresses WHERE customer = {other}"]) for _ in range(chance.randrange(1, 6))]
        changes.append(f"UPDATE customers SET name = '{chr(65 + chance.randrange(26))}{chance.random()}' WHERE id = (SELECT min(id) FROM customers)")
        changes.append(f"UPDATE addresses SET city = 'city {chance.random()}' WHERE (customer, nr) = (SELECT customer, nr FROM addresses ORDER BY 1, 2 LIMIT 1)")
        self.psql(self.server("shop"), "BEGIN;" + ";".join(changes) + "; COMMIT")

    def lease_is_held(self):
        return self.psql(self.server(), "SELECT count(*) FROM yellow.stream WHERE lease_until > clock_timestamp()") != [("0",)]

    def under_way(self):
        return {row[0] for row in self.psql(self.server(), STATES)}

    def wrong(self):
        """What is not as it must be, once the program has been let finish; empty when all is well."""
        broken = self.broken()
        seen, expected = self.psql(self.server(), SEEN)[0][0], self.psql(self.server("shop"), EXPECTED)[0][0]
        if seen != expected:
            broken["outputs differ from the source"] = f"{seen} is not {expected}"
        return broken

    def broken(self):
        """The rules of the merge database that do not hold, and how often."""
        counts = [f"SELECT '{name}', (SELECT count(*)::text FROM ({query}) q)" for name, query in INVARIANTS.items()]
        rows = self.psql(self.server(), " UNION ALL ".join([*counts, f"SELECT 'versions overlap', ({HISTORY})::text"]))
        return {name: count for name, count in rows if count != "0"}


def seeded(seed=None):
    seed = random.randrange(1 << 30) if seed is None else seed
    return seed, random.Random(seed)
