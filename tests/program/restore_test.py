"""What was restored from a backup: a source that is older than it was, and a merge database that has lost batches."""

import json
import signal
import subprocess
import time
import unittest

from project import ROOT, YELLOW, Project
from server import NamedPostgres

READER = "canary-reader-1618"
KEY, OUTPUT = "Ingest/Main/Shop", "Ingest/Main/ShopMasked"


class Source(NamedPostgres):
    """The shop's database on a server of its own."""

    def __init__(self):
        super().__init__()
        self.psql("postgres", "CREATE DATABASE shop")
        self.psql("shop", (ROOT / "examples/shop/source.sql").read_text() +
                  f"CREATE ROLE shop_reader LOGIN PASSWORD '{READER}'; GRANT SELECT ON customers, addresses TO shop_reader")

    def ask(self, statement):
        return self.psql("shop", statement)


class RestoredSource(unittest.TestCase):
    def setUp(self):
        self.source = Source()
        self.addCleanup(self.source.close)
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.point_at(self.source)
        self.project.write(".yellow/secrets/shop_reader", f"shop_reader:{READER}\n")
        self.run_program("--apply")
        self.source.back_up()
        self.source.ask("UPDATE customers SET firstname = 'Zoe', lastname = 'Zola'")
        self.run_program("Shop")
        self.assertEqual(self.initials(), {"Z."})

    def point_at(self, source):
        self.project.write("environments/local.yaml", f"""
kind: Environment
name: local
containers:
  MergeDB: embedded
  ShopDB: {{host: 127.0.0.1, port: {source.port}, database: shop}}
credentials: {{shop_reader: {{file: .yellow/secrets/shop_reader}}}}
classes: {{allowed: [pii]}}
""")

    def run_program(self, *arguments, status=0):
        result = self.project.yellow("run", *arguments)
        self.assertEqual(result.status, status, result)
        return result

    def initials(self):
        return {row[0] for row in self.project.psql(self.project.server(), "SELECT DISTINCT firstname FROM ws_analysts.now__shopmasked__customers")}

    def held(self):
        batch = json.loads(self.project.yellow("batches", "show", "Shop", "--output", "json").out)
        self.assertEqual((batch["state"], batch["reason"]["code"]), ("held", "went_back"), batch)
        return batch["reason"]["text"]

    def test_it_is_held_until_somebody_accepts_it(self):
        self.source.restore()
        told = self.run_program("Shop", status=1).out
        self.assertIn("the source has gone back in time, as after a restore", told)
        self.assertRegex(self.held(), "when batch 2 was read, and is [0-9]+; 0 rows would be inserted, [0-9]+ updated, 0 deleted")
        self.assertEqual(self.initials(), {"Z."}, "consumers see what they saw")
        # Its transactions go on, and would soon hide it.
        self.source.ask("".join(f"INSERT INTO addresses (id, customer_id) SELECT 'new {n}', min(id) FROM customers;" for n in range(200)))
        self.source.ask("".join(f"DELETE FROM addresses WHERE id = 'new {n}';" for n in range(200)))
        self.run_program("Shop", status=1)
        self.held()
        self.assertEqual(self.project.yellow("batches", "release", "Shop").status, 0)
        self.run_program("Shop")
        self.assertNotEqual(self.initials(), {"Z."})
        self.source.ask("UPDATE customers SET firstname = 'Yan'")
        self.run_program("Shop")
        self.assertEqual(self.initials(), {"Y."}, "from here on it is as ever")
        self.assertEqual(self.project.broken_invariants(), {})

    def test_it_may_go_back_where_the_model_says_so(self):
        model = self.project.root / "model/shop.yaml"
        model.write_text(model.read_text().replace("guards: {max_deleted: 20%", "guards: {may_go_back: true, max_deleted: 20%"))
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.source.restore()
        self.run_program("Shop")
        self.assertNotEqual(self.initials(), {"Z."})

    def test_another_server_is_held_too(self):
        other = Source()
        self.addCleanup(other.close)
        self.point_at(other)
        self.assertIn("the source is not the server that batch 2 was read from", self.run_program("--apply", "Shop", status=1).out)
        self.assertEqual(self.initials(), {"Z."})
        # Back again, it goes on by itself.
        self.point_at(self.source)
        self.run_program("--apply", "Shop")

    def test_who_accepts_what_a_guard_holds_is_told_that_it_went_back(self):
        self.source.ask("INSERT INTO customers SELECT 'many' || g, 'Z', 'Z' FROM generate_series(1, 5000) g")
        self.run_program("Shop")
        self.source.restore()
        self.run_program("Shop", status=1)
        batch = json.loads(self.project.yellow("batches", "show", "Shop", "--output", "json").out)
        self.assertEqual(batch["reason"]["code"], "mass_delete")
        self.assertRegex(batch["reason"]["text"], "gone back in time.*customers would lose 5000 of")


class RestoredMergeDatabase(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()
        self.change("Anna")
        self.copy("merge", "kept")
        self.kept, self.kept_output = self.batches(), self.batches(OUTPUT)
        for name in ("Berta", "Clara", "Dora"):
            self.change(name)
        self.newest, self.newest_output = self.batches()[-1], self.batches(OUTPUT)[-1]
        self.assertEqual((self.newest, self.newest_output), (self.kept[-1] + 3, self.kept_output[-1] + 3))

    def copy(self, origin, name):
        """A copy of a database takes everything along but who may connect."""
        self.postgres(f"DROP DATABASE IF EXISTS {name} WITH (FORCE); CREATE DATABASE {name} TEMPLATE {origin}; SET allow_system_table_mods = on;"
                      f"UPDATE pg_database d SET datacl = t.datacl FROM pg_database t WHERE d.datname = '{name}' AND t.datname = '{origin}'")

    def postgres(self, statements):
        for session in self.project._sessions.values():
            session.close()
        self.project._sessions.clear()
        self.project.psql(self.project.server("postgres"), statements)

    def change(self, name):
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = '{name}' WHERE id = (SELECT min(id) FROM customers)")
        result = self.project.yellow("run", "Shop")
        self.assertEqual(result.status, 0, result)

    def batches(self, key=KEY):
        return [int(row[0]) for row in self.project.sql("MergeDB", f"SELECT batch FROM yellow.batch WHERE stream = '{key}' ORDER BY batch")]

    def events(self):
        return self.project.sql("MergeDB", "SELECT node FROM yellow.event WHERE kind = 'went_back' ORDER BY node")

    def assert_all_is_well(self):
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})
        for key, kept, newest in ((KEY, self.kept, self.newest), (OUTPUT, self.kept_output, self.newest_output)):
            batches = self.batches(key)
            later = batches[len(kept):]    # one, and another where a tick of the schedule fell into the test
            self.assertEqual(batches, [*kept, *range(newest + 1, newest + 1 + len(later))], "numbers that were seen are not given again")
            self.assertGreaterEqual(len(later), 1)
        self.assertEqual(self.events(), [(KEY,), (OUTPUT,)])

    def test_it_is_told_and_made_up_for(self):
        self.copy("kept", "merge")
        result = self.project.yellow("run")
        self.assertEqual(result.status, 0, result)
        self.assertIn("MergeDB has gone back in time, as after a restore: "
                      f"Shop from batch {self.newest} to {self.kept[-1]}, ShopMasked from batch {self.newest_output} to {self.kept_output[-1]}", result.out)
        self.assert_all_is_well()
        self.assertIn("The merge database has gone back in time", self.project.yellow("explain", "Shop").out)
        again = self.project.yellow("run")
        self.assertNotIn("gone back", again.out)
        self.assert_all_is_well()

    def test_a_kill_in_the_middle_changes_nothing(self):
        self.copy("kept", "merge")
        for point in ("batch.open.commit", "batch.merge.commit", "transform.open.commit", "output.ingest.commit"):
            killed = self.project.yellow("run", environment={"YELLOW_FAULT": f"kill@{point}:1"})
            self.assertEqual(killed.status, -signal.SIGKILL, f"{point}: {killed}")
        result = self.project.yellow("run")
        self.assertEqual(result.status, 0, result)
        self.assert_all_is_well()

    def test_a_service_that_runs_meanwhile_goes_on(self):
        service = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            time.sleep(2)
            self.copy("kept", "merge")
            deadline = time.time() + 40
            while time.time() < deadline:
                time.sleep(0.5)
                if len(self.batches()) > len(self.kept) and self.project.masked() == self.project.expected_masked():
                    break
        finally:
            service.send_signal(signal.SIGTERM)
            said, _ = service.communicate(timeout=60)
        self.assertIn("MergeDB has gone back in time", said)
        self.assert_all_is_well()

    def test_a_database_that_is_set_up_anew_has_batches_of_its_own(self):
        self.postgres("DROP DATABASE merge WITH (FORCE)")
        self.assertEqual(self.project.yellow("bootstrap").status, 0)
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)
        self.assertNotIn("gone back", result.out)
        self.assertEqual(self.batches(), [1])
        self.assertEqual(self.project.masked(), self.project.expected_masked())


if __name__ == "__main__":
    unittest.main()
