"""Yellow's own schema has a version: apply migrates it, a program that is older refuses it, nothing works on one that is not its own."""

import subprocess
import time
import unittest

from project import ROOT, YELLOW, Project

# Everything of Yellow's own schema that two installations must have in common, in words.
CATALOGUE = """
SELECT c.relname, c.relkind, c.relpersistence, c.relacl::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace IN ('yellow'::regnamespace, to_regnamespace('yellow_access'))
UNION ALL SELECT conrelid::regclass::text, 'constraint', contype, NULL, conname, pg_get_constraintdef(oid), true, NULL FROM pg_constraint WHERE connamespace IN ('yellow'::regnamespace, to_regnamespace('yellow_access'))
UNION ALL SELECT p.proname, 'function', '', p.proacl::text, pg_get_function_identity_arguments(p.oid), pg_get_functiondef(p.oid), p.prosecdef, NULL FROM pg_proc p
WHERE pronamespace = to_regnamespace('yellow_access')
ORDER BY 1, 2, 5, 6
"""


class Upgrade(unittest.TestCase):
    # What control_schema_4.sql and those after it add is taken away again.
    DOWN_TO_3 = """
        DROP SCHEMA yellow_access CASCADE;
        ALTER TABLE yellow.run DROP COLUMN request;
        ALTER TABLE yellow.batch DROP COLUMN opened_by;
        ALTER TABLE yellow.run DROP COLUMN handed_to;
        ALTER TABLE yellow.batch DROP COLUMN source_system, DROP COLUMN source_position;
        ALTER TABLE yellow.stream DROP COLUMN numbers_after;
        ALTER TABLE yellow.run DROP COLUMN image;
        UPDATE yellow.installation SET schema_version = 3"""

    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.assertEqual(self.project.yellow("plan").status, 0)     # starts and bootstraps the private PostgreSQL

    def install(self, *scripts):
        """The schema of an older version, which so many scripts make."""
        texts = [(ROOT / "src/sql" / script).read_text() for script in scripts]
        self.project.psql(self.project.server(), "SET ROLE yellow_owner;" + "".join(texts) +
                          f"INSERT INTO yellow.installation (schema_version, role_prefix) VALUES ({len(scripts)}, 'yellow')")

    def test_the_first_schema_is_migrated_by_apply_only(self):
        self.older_schema("control_schema.sql")

    def test_the_second_schema_is_migrated_by_apply_only(self):
        self.older_schema("control_schema.sql", "control_schema_2.sql")

    def test_the_third_schema_is_migrated_by_apply_only(self):
        self.older_schema("control_schema.sql", "control_schema_2.sql", "control_schema_3.sql")

    def test_the_fourth_schema_is_migrated_by_apply_only(self):
        self.older_schema("control_schema.sql", "control_schema_2.sql", "control_schema_3.sql", "control_schema_4.sql")

    def test_the_fifth_schema_is_migrated_by_apply_only(self):
        self.older_schema("control_schema.sql", *(f"control_schema_{version}.sql" for version in range(2, 6)))

    def older_schema(self, *scripts):
        self.install(*scripts)
        refused = self.project.yellow("run")
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("yellow apply migrates it", refused.err)
        self.assertIn("~ migrate", self.project.yellow("plan").out)
        applied = self.project.yellow("apply")
        self.assertEqual(applied.status, 0, applied)
        self.assertIn("Nothing to do", self.project.yellow("apply").out)
        migrated = self.project.sql("MergeDB", CATALOGUE)
        fresh = Project().unscheduled()
        self.addCleanup(fresh.close)
        self.assertEqual(fresh.yellow("apply").status, 0)
        self.assertEqual(migrated, fresh.sql("MergeDB", CATALOGUE))

    def test_a_server_that_another_version_has_prepared_is_prepared_first(self):
        self.install("control_schema.sql")
        server = self.project.server()
        self.project.psql(server, "COMMENT ON SCHEMA yellow_sec IS 'yellow: 0123456789abcdef'")
        refused = self.project.yellow("apply")
        self.assertEqual(refused.status, 3, refused)
        self.assertIn("another version of yellow has prepared the server", refused.err)
        self.assertIn("yellow bootstrap", refused.err)
        self.assertEqual(self.project.psql(server, "SELECT schema_version FROM yellow.installation"), [("1",)])
        self.assertEqual(self.project.yellow("bootstrap").status, 0)
        self.assertEqual(self.project.yellow("apply").status, 0)

    def test_what_was_under_way_goes_on_after_the_upgrade(self):
        """A batch that is staged and a run whose code has ended, as a program of the third schema leaves them."""
        for point, left in (("batch.merge.commit", "staged"), ("output.ingest.commit", "ingesting")):
            with self.subTest(point=point):
                project = Project().unscheduled()
                self.addCleanup(project.close)
                project.demo()
                project.sql("ShopDB", "UPDATE customers SET firstname = 'Up' WHERE id = (SELECT min(id) FROM customers)")
                killed = project.yellow("run", "Shop", environment={"YELLOW_FAULT": f"kill@{point}:1"})
                self.assertEqual(killed.status, -9, killed)
                states = "SELECT state FROM yellow.batch WHERE state = 'staged' UNION ALL SELECT state FROM yellow.run WHERE state = 'ingesting'"
                self.assertEqual(project.sql("MergeDB", states), [(left,)])
                project.sql("MergeDB", self.DOWN_TO_3)
                self.assertIn("yellow apply migrates it", project.yellow("run").err)
                self.assertEqual(project.sql("MergeDB", states), [(left,)], "who refuses touches nothing")
                self.assertEqual(project.yellow("apply").status, 0)
                done = project.yellow("run")
                self.assertEqual(done.status, 0, done)
                self.assertEqual(project.masked(), project.expected_masked())
                self.assertEqual(project.broken_invariants(), {})

    def test_what_was_under_way_waits_for_the_newer_program(self):
        """The program is rolled back while a batch is staged, and then forward again."""
        self.project.demo()
        self.project.sql("ShopDB", "UPDATE customers SET firstname = 'Back' WHERE id = (SELECT min(id) FROM customers)")
        before = self.project.masked()
        self.assertEqual(self.project.yellow("run", "Shop", environment={"YELLOW_FAULT": "kill@batch.merge.commit:1"}).status, -9)
        newer = "UPDATE yellow.installation SET schema_version = schema_version + 1"
        self.project.sql("MergeDB", newer)
        for command in (["run"], ["apply"], ["batches", "release", "Shop"], ["rebuild", "MaskShop"]):
            refused = self.project.yellow(*command)
            self.assertEqual(refused.status, 3, refused)
            self.assertIn("use the newer program", refused.err)
        self.assertEqual(self.project.masked(), before)
        self.project.sql("MergeDB", newer.replace("+ 1", "- 1"))
        done = self.project.yellow("run")
        self.assertEqual(done.status, 0, done)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_a_service_stops_when_a_newer_program_has_applied(self):
        self.project.demo()
        service = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            time.sleep(2)
            # What an apply of the newer program commits at once.
            self.project.sql("MergeDB", "BEGIN; UPDATE yellow.installation SET schema_version = 99; INSERT INTO yellow.model SELECT version + 1, environment, files, digest, "
                                        "clock_timestamp(), applied_by, program FROM yellow.model ORDER BY version DESC LIMIT 1; COMMIT")
            said, _ = service.communicate(timeout=30)
        finally:
            service.kill()
        self.assertEqual(service.returncode, 3, said)
        self.assertIn("use the newer program", said)

    def test_a_newer_schema_is_refused_by_everything(self):
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.project.sql("MergeDB", "UPDATE yellow.installation SET schema_version = 99")
        for command in (["plan"], ["apply"], ["run"], ["status"], ["explain", "Shop"]):
            with self.subTest(command=command):
                refused = self.project.yellow(*command)
                self.assertEqual(refused.status, 3, refused)
                self.assertIn("use the newer program", refused.err)


if __name__ == "__main__":
    unittest.main()
