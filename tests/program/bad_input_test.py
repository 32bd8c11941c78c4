"""Every way in which a source can be bad, all at once: each stream says what is wrong and what helps, keeps its last good data, and stops no other;
mended, each goes on without anyone. Code that misbehaves: misbehave_test.py; broken models: the golden files of lint."""

import json
import unittest

from project import Project
from server import NamedPostgres

STORE = """
kind: Datastore
name: {name}
capture: {{sql_snapshot: {{container: {container}, credential: {credential}, schedule: "*/5 * * * *"}}}}
datasets:
  items: {{table: {table}, key: [id], columns: {{id: integer, v: text, n: integer}}}}
---
kind: Workspace
name: Reader{name}
groups: {{Now: {{sinks: [{name}.items]}}}}
---
"""
TEAM = """
kind: Team
name: Default
containers: {Here: {postgres: {database: here}}, Far: {postgres: {database: far}}}
credentials: {reader: {type: user_password}, other: {type: user_password}}
"""
ENVIRONMENT = """
kind: Environment
name: local
containers: {{MergeDB: embedded, Here: {{host: 127.0.0.1, port: {here}}}, Far: {{host: 127.0.0.1, port: {far}}}}}
credentials: {{reader: {{env: READER}}, other: {{env: OTHER}}}}
limits: {{retry: 1s}}
"""
# What is broken by which statement at the source, the state and what is said of it, and what helps; how it is mended.
CASES = {
    "Gone": ("DROP TABLE gone", "held", "the table public.gone is not there, or may not be read", "CREATE TABLE gone (id integer PRIMARY KEY, v text, n integer); INSERT INTO gone VALUES (1, 'new', 1); GRANT SELECT ON gone TO reader"),
    "Unfit": ("ALTER TABLE unfit ALTER n TYPE text", "held", "column n of public.unfit is text at the source and integer in the model", "ALTER TABLE unfit ALTER n TYPE integer USING n::integer; UPDATE unfit SET v = 'new' WHERE id = 1"),
    "Twice": ("ALTER TABLE twice DROP CONSTRAINT twice_pkey; INSERT INTO twice VALUES (1, 'again', 1)", "held", "2 rows break the rule that the key (id) is unique", "DELETE FROM twice WHERE v = 'again'; UPDATE twice SET v = 'new' WHERE id = 1"),
    "NullKey": ("ALTER TABLE nullkey DROP CONSTRAINT nullkey_pkey; ALTER TABLE nullkey ALTER id DROP NOT NULL; INSERT INTO nullkey VALUES (NULL, 'x', 1)", "held", "1 row breaks the rule that column id is not null", "DELETE FROM nullkey WHERE id IS NULL; UPDATE nullkey SET v = 'new' WHERE id = 1"),
    "Emptied": ("TRUNCATE emptied", "held", "items had 10 rows, now none", "INSERT INTO emptied VALUES (1, 'new', 1)"),
}
HELPS = {"Gone": "mend the source", "Unfit": "mend the source", "Twice": "mend the rows", "NullKey": "mend the rows", "Emptied": "yellow batches release Emptied", "Locked": "credential", "Unreachable": "check that the server runs"}
PASSWORD = "canary-reader-2718"


class BadInput(unittest.TestCase):
    def setUp(self):
        self.here, self.far = NamedPostgres(), NamedPostgres()
        self.addCleanup(self.here.close)
        self.addCleanup(lambda: self.far.close() if self.far else None)
        self.project = Project(None)
        self.addCleanup(self.project.close)
        for server, database, tables in ((self.here, "here", [*(name.lower() for name in CASES), "locked", "good"]), (self.far, "far", ["unreachable"])):
            server.psql("postgres", f"CREATE DATABASE {database}")
            server.psql(database, "".join(f"CREATE TABLE {table} (id integer PRIMARY KEY, v text, n integer); INSERT INTO {table} SELECT g, 'v' || g, g FROM generate_series(1, 10) g;" for table in tables)
                        + "".join(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login};" for login in ("reader", "other")))
        self.project.write("model/team.yaml", TEAM)
        self.project.write("environments/local.yaml", ENVIRONMENT.format(here=self.here.port, far=self.far.port))
        self.project.write("model/stores.yaml", "".join(
            STORE.format(name=name, table=name.lower(), container="Far" if name == "Unreachable" else "Here", credential="other" if name == "Locked" else "reader")
            for name in self.stores()))
        self.environment = {"READER_USER": "reader", "READER_PASSWORD": PASSWORD, "OTHER_USER": "other", "OTHER_PASSWORD": PASSWORD}

    @staticmethod
    def stores():
        return [*CASES, "Locked", "Unreachable", "Good"]

    def yellow(self, *arguments):
        return self.project.yellow(*arguments, environment=self.environment)

    def rows(self, store):
        return self.project.sql("MergeDB", f"SELECT id, v FROM ws_reader{store.lower()}.now__{store.lower()}__items ORDER BY id")

    def test_each_says_what_helps_keeps_what_it_had_and_stops_no_other(self):
        first = self.yellow("run", "--apply")
        self.assertEqual(first.status, 0, first)
        good = [(str(i), f"v{i}") for i in range(1, 11)]
        for statement, *_ in CASES.values():
            self.here.psql("here", statement)
        self.here.psql("here", "UPDATE good SET v = 'new' WHERE id = 1")
        self.environment["OTHER_PASSWORD"] = "canary-wrong-1618"
        self.far.run("pg_ctl", "-D", str(self.far.folder / "data"), "-m", "immediate", "-s", "stop")

        second = self.yellow("run", *self.stores())
        self.assertEqual(second.status, 1, second)
        self.assertEqual(self.rows("Good")[0], ("1", "new"), second)
        status = self.yellow("status").out
        listed = {stream["key"].split("/")[-1]: stream for stream in json.loads(self.yellow("status", "--output", "json").out)["streams"]}
        expected = {name: (state, said) for name, (_, state, said, _) in CASES.items()}
        expected |= {"Locked": ("failed", "password authentication failed"), "Unreachable": ("failed", "cannot connect to database far")}
        self.assertEqual(expected.keys(), HELPS.keys())
        for name, (state, said) in expected.items():
            with self.subTest(name):
                self.assertEqual(self.rows(name), good, "the last good data is in place")
                self.assertEqual(listed[name]["state"], state)
                line = next(line for line in status.splitlines() if line.startswith(f"{name} "))
                self.assertIn(said, line)
                self.assertTrue(line.endswith(f"   yellow explain {name}"), line)
                explained = self.yellow("explain", name).out
                self.assertIn(said, explained)
                self.assertIn(HELPS[name], explained)
        for text in (status, second.out, second.err):
            self.assertNotIn("canary-", text)

        for _, _, _, mend in CASES.values():
            self.here.psql("here", mend)
        self.environment["OTHER_PASSWORD"] = PASSWORD
        self.here.psql("here", "UPDATE locked SET v = 'new' WHERE id = 1")
        self.far.run("pg_ctl", "-D", str(self.far.folder / "data"), "-w", "-s", "-l", str(self.far.log), "-o",
                     f"-c listen_addresses=127.0.0.1 -c port={self.far.port} -c unix_socket_directories={self.far.folder}", "start")
        self.far.psql("far", "UPDATE unreachable SET v = 'new' WHERE id = 1")
        third = self.yellow("run", *self.stores())
        self.assertEqual(third.status, 0, third)
        for name in expected:
            self.assertEqual(self.rows(name)[0], ("1", "new"), name)
        self.assertEqual(self.project.broken_invariants(), {})


if __name__ == "__main__":
    unittest.main()
