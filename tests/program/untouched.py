"""What tests of `test` and `try` share: the real store is as before."""

import unittest


class TouchesNothing(unittest.TestCase):
    """REQUIRES: `project` runs. Whatever a test of these classes does, the real store is as before."""

    def setUp(self):
        self.before = self.everything()
        self.addCleanup(lambda: self.assertEqual(self.everything(), self.before, "nothing of the real store is touched"))

    def everything(self):
        """Databases, roles, schemas, files of Yellow, and what was written in the real merge database but what it records of itself."""
        data = self.project.root / ".yellow"
        self.project.sql("MergeDB", "SELECT pg_stat_force_next_flush()")
        return (self.project.sql("MergeDB", "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles UNION ALL SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1"),
                self.project.sql("MergeDB", "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables WHERE relname NOT IN ('verdict', 'event', 'audit') ORDER BY 1"),
                self.project.sql("MergeDB", "SELECT * FROM yellow.model ORDER BY 1"),
                sorted(str(p.relative_to(data)) for p in data.rglob("*") if "postgres" not in p.parts))

    def done(self, *arguments, status=0, environment=None):
        result = self.project.yellow(*arguments, environment=environment)
        self.assertEqual(result.status, status, result)
        return result
