"""Yellow's own schema has a version: apply migrates it, a program that is older refuses it, nothing works on one that is not its own."""

import unittest

from project import ROOT, Project

# Everything of Yellow's own schema that two installations must have in common, in words.
CATALOGUE = """
SELECT c.relname, c.relkind, c.relpersistence, c.relacl::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'yellow'::regnamespace
UNION ALL SELECT conrelid::regclass::text, 'constraint', contype, NULL, conname, pg_get_constraintdef(oid), true, NULL FROM pg_constraint WHERE connamespace = 'yellow'::regnamespace
ORDER BY 1, 2, 5, 6
"""


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.project = Project()
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
        fresh = Project()
        self.addCleanup(fresh.close)
        self.assertEqual(fresh.yellow("apply").status, 0)
        self.assertEqual(migrated, fresh.sql("MergeDB", CATALOGUE))

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
