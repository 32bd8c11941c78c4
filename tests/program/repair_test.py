"""What people do by hand: each says what it leads to, --dry-run does nothing, each is recorded with who did it."""

import getpass
import os
import shutil
import unittest

from project import ROOT, Project

# Everything that Yellow remembers, in one text.
ALL = """
SELECT string_agg(t, E'\\n' ORDER BY t) FROM (
  SELECT s::text FROM yellow.stream s UNION ALL SELECT b::text FROM yellow.batch b UNION ALL SELECT t::text FROM yellow.transformer t
  UNION ALL SELECT r::text FROM yellow.run r UNION ALL SELECT e::text FROM yellow.event e UNION ALL SELECT n::text FROM yellow.notice n) x (t)"""
DOWNSTREAM = "runs Mask and Worker, writes Masked and Work, is seen in Reader."


class Repair(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project(None)
        os.rmdir(cls.project.root)
        shutil.copytree(ROOT / "tests/torture/project", cls.project.root)
        cls.project.write("environments/shop_reader", "shop_reader:canary\n")
        assert cls.project.yellow("plan").status == 0
        server = cls.project.server("postgres")
        cls.project.psql(server, "CREATE DATABASE shop")
        cls.project.psql({**server, "database": "shop"}, (ROOT / "tests/torture/source.sql").read_text() +
                         "CREATE ROLE shop_reader LOGIN PASSWORD 'canary'; GRANT CONNECT ON DATABASE shop TO shop_reader;"
                         "GRANT SELECT ON customers, addresses TO shop_reader")
        result = cls.project.yellow("run", "--apply")
        assert result.status == 0, result

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def tearDown(self):
        self.assertEqual(self.project.broken_invariants(), {})

    def do(self, *command, status=0):
        """First with --dry-run, which says the same and changes nothing."""
        before = self.project.sql("MergeDB", ALL)
        tried = self.project.yellow(*command, "--dry-run")
        self.assertEqual(tried.status, status, tried)
        self.assertEqual(self.project.sql("MergeDB", ALL), before)
        done = self.project.yellow(*command)
        self.assertEqual(done.status, status, done)
        if status == 0:
            self.assertEqual(tried.out, "Nothing is done (--dry-run); without it:\n" + done.out)
        else:
            self.assertEqual((tried.out, tried.err), (done.out, done.err))
        return done

    def event(self):
        kind, node, actor = self.project.sql("MergeDB", "SELECT kind, node, actor FROM yellow.event ORDER BY id DESC LIMIT 1")[0]
        self.assertEqual(actor.split("@")[0].split(":")[-1], getpass.getuser(), actor)
        return kind, node

    def source(self, statements):
        self.project.psql({**self.project.server(), "database": "shop"}, statements)

    def run_program(self, *arguments, status=0):
        result = self.project.yellow("run", *arguments)
        self.assertEqual(result.status, status, result)
        return result

    def test_replay(self):
        self.source("UPDATE customers SET name = 'Xaver' WHERE id = 1")
        self.run_program()  # no schedule: nothing is due
        self.assertEqual(self.do("batches", "replay", "Shop").out, f"It is read again by the next run: yellow run\nWhat differs {DOWNSTREAM}\n")
        self.assertEqual(self.event(), ("replay", "Ingest/Main/Shop"))
        self.assertRegex(self.run_program().out, r"(?s)Shop: batch \d+ committed.*Mask: run .* committed.*Worker: run .* committed")
        self.assertIn("yellow rebuild Mask", self.do("batches", "replay", "Masked", status=2).err)

    def test_pause_and_resume(self):
        paused = self.do("streams", "pause", "Shop")
        self.assertIn(DOWNSTREAM, paused.out)
        self.assertEqual(self.event(), ("stream_paused", "Ingest/Main/Shop"))
        self.assertIn("yellow streams resume Shop", self.do("batches", "replay", "Shop", status=2).err)
        self.assertIn("Shop is paused", self.run_program("Shop", status=1).out)
        self.assertIn(DOWNSTREAM, self.do("streams", "resume", "Shop").out)
        self.assertEqual(self.event(), ("stream_resumed", "Ingest/Main/Shop"))
        self.run_program()

    def test_rebuild_and_retry(self):
        self.assertIn("What differs runs Worker, writes Masked and Work, is seen in Reader.", self.do("rebuild", "Mask").out)
        self.assertEqual(self.event(), ("rebuild", "Transform/Main/Mask"))
        self.assertIn("Mask: run", self.run_program().out)
        self.assertIn("What differs writes Work, is seen in Reader.", self.do("runs", "retry", "Worker").out)
        self.assertEqual(self.event(), ("retry", "Transform/Main/Worker"))
        self.assertIn("Worker: run", self.run_program().out)

    def test_release_and_reject(self):
        """The second duplicate holds the batch, and may not be released; whoever gives it up gets the next one."""
        self.source("ALTER TABLE customers DROP CONSTRAINT customers_pkey; INSERT INTO customers SELECT * FROM customers WHERE id = 2")
        self.addCleanup(self.source, "DELETE FROM customers WHERE ctid IN (SELECT max(ctid) FROM customers WHERE id = 2 HAVING count(*) > 1)")
        self.run_program("Shop", status=1)
        self.assertIn("cannot be released", self.do("batches", "release", "Shop", status=2).err)
        self.assertIn("Rejected.", self.do("batches", "reject", "Shop").out)
        self.assertEqual(self.event(), ("batch_rejected", "Ingest/Main/Shop"))
        self.assertIn("is not held, it is rejected", self.do("batches", "reject", "Shop", status=2).err)
        self.source("DELETE FROM customers WHERE ctid IN (SELECT max(ctid) FROM customers WHERE id = 2)")
        self.run_program("Shop")

    def test_cancel(self):
        killed = self.project.yellow("run", "Worker", environment={"YELLOW_FAULT": "kill@output.ingest.commit:1"})
        self.assertEqual(killed.status, -9, killed)
        run = self.project.sql("MergeDB", "SELECT id FROM yellow.run WHERE state = 'ingesting'")[0][0]
        self.assertIn(f"Cancelled run {run}", self.do("runs", "cancel", run).out)
        self.assertEqual(self.event(), ("run_cancelled", "Transform/Main/Worker"))
        self.assertIn("is not open, it is cancelled", self.do("runs", "cancel", run, status=2).err)
        self.run_program("Worker")


if __name__ == "__main__":
    unittest.main()
