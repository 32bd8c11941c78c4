"""Every state and every transition of docs/state-machines.md is driven through the program, and `yellow explain` has a sentence for each
state. The document is read: a state or a transition that nothing here drives fails the test, and so does one that the document lacks."""

import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

from project import ROOT, YELLOW, Project, without_dates

# Where the program stands when a batch, or a run, has just come into a state.
ENTERED = {
    ("batch", "open"): "batch.open.commit.after",
    ("batch", "staged"): "batch.staged.commit.after",
    ("run", "preparing"): "transform.open.commit.after",
    ("run", "launched"): "transform.claim.commit.after",
    ("run", "finished"): "transform.finish.commit.after",
    ("run", "ingesting"): "transform.ingesting.commit.after",
    ("run", "lost"): "transform.lost.commit.after",
}
OPEN_RUN = ("preparing", "launched", "finished", "ingesting")

# Notes every change of state that commits, and refuses those that spy.refusal names, as a disk would.
SPY = """
CREATE SCHEMA spy;
CREATE TABLE spy.move (kind text, was text, became text);
CREATE TABLE spy.refusal (kind text, was text, became text);
GRANT USAGE ON SCHEMA spy TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA spy TO PUBLIC;
CREATE FUNCTION spy.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM spy.refusal WHERE (kind, was, became) = (TG_ARGV[0], OLD.state, NEW.state)) THEN
    RAISE EXCEPTION 'the disk is on fire' USING ERRCODE = '58030';
  END IF;
  INSERT INTO spy.move VALUES (TG_ARGV[0], OLD.state, NEW.state);
  RETURN NEW;
END $$;
CREATE TRIGGER spy BEFORE UPDATE OF state ON yellow.batch FOR EACH ROW EXECUTE FUNCTION spy.note('batch');
CREATE TRIGGER spy BEFORE UPDATE OF state ON yellow.run FOR EACH ROW EXECUTE FUNCTION spy.note('run');
"""


def documented():
    """{kind: (states, {(was, became)})} as the tables of the document have them."""
    text = (ROOT / "docs/state-machines.md").read_text()
    machines = {}
    for kind, heading in (("batch", "## A batch"), ("run", "## A run")):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")]
                for line in text.split(heading)[1].split("\n## ")[0].splitlines() if line.startswith("|")]
        states = rows[0][1:]
        moves = {(state, cell) for row in rows[2:] for state, cell in zip(states, row[1:], strict=True) if cell != "-"}
        machines[kind] = (set(states), moves)
    return machines


class States(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = project = Project().unscheduled()
        project.demo()
        project.sql("MergeDB", SPY)
        cls.explained = set()
        cls.changes = 0

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    # ---- Steps of a scenario.

    def change(self):
        States.changes += 1
        self.project.sql("ShopDB", f"UPDATE customers SET firstname = 'S{self.changes}' WHERE id = 'C00010'")

    def yellow(self, *arguments, status=0, fault=""):
        result = self.project.yellow(*arguments, environment={"YELLOW_FAULT": fault})
        self.assertEqual(result.status, status, result)
        return result

    def run_until(self, state, node="Shop"):
        """Killed as soon as the state is entered."""
        self.yellow("run", node, status=-signal.SIGKILL, fault=f"kill@{ENTERED[state]}:1")

    def stop_in(self, state, node="MaskShop"):
        """Another program that stands still in the state; REQUIRES: continued."""
        victim = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", node], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, env={**os.environ, "YELLOW_FAULT": f"stop@{ENTERED[state]}:1"})
        self.addCleanup(self.end, victim)
        deadline = time.time() + 20
        while pathlib.Path(f"/proc/{victim.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "T":
            self.assertLess(time.time(), deadline, "it did not stop there")
            time.sleep(0.02)
        return victim

    def go_on(self, victim):
        os.kill(victim.pid, signal.SIGCONT)
        out, _ = victim.communicate(timeout=60)
        self.assertNotIn("bug", out)
        return out

    @staticmethod
    def end(victim):
        victim.kill()
        victim.communicate()

    def newest(self, kind):
        query = {"batch": "SELECT state FROM yellow.batch WHERE stream = 'Ingest/Main/Shop' ORDER BY batch DESC LIMIT 1",
                 "run": "SELECT state FROM yellow.run WHERE transformer = 'Transform/Main/MaskShop' ORDER BY opened_at DESC LIMIT 1"}[kind]
        return self.project.sql("MergeDB", query)[0][0]

    def assert_explained(self, kind, state, *sentences):
        self.assertEqual(self.newest(kind), state)
        text = without_dates(self.yellow("explain", {"batch": "Shop", "run": "MaskShop"}[kind]).out)
        for sentence in sentences:
            self.assertRegex(text, sentence)
        States.explained.add((kind, state))

    def assert_follows(self):
        """Everything is as if nothing had happened."""
        self.assertEqual(self.project.broken_invariants(), {})
        self.assertEqual(self.project.masked(), self.project.expected_masked())

    def settle(self):
        self.yellow("run", "Shop", "MaskShop")
        self.assert_follows()

    def refuse(self, kind, was, became):
        self.project.sql("MergeDB", f"INSERT INTO spy.refusal VALUES ('{kind}', '{was}', '{became}')")

    def refuse_nothing(self):
        self.project.sql("MergeDB", "TRUNCATE spy.refusal")

    def hold_lock(self, table, mode):
        """A session that keeps a lock on a table; REQUIRES: closed."""
        info = self.project.connections()["MergeDB"]
        holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", info["host"], "-p", str(info["port"]), "-U", "yellow_super", "-d", info["database"]],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holder.stdin.write(f"BEGIN; LOCK TABLE {table} IN {mode} MODE; SELECT 'locked';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline().strip(), "locked")
        return holder

    # ---- Scenarios.

    def test_1_a_batch_and_a_run_that_go_well(self):
        self.change()
        self.yellow("run", "Shop")
        self.assert_explained("batch", "committed", r"Shop's newest batch is 3, committed \S+: 0 inserted, 1 updated, 0 deleted, 7000 unchanged\.\n",
                              r"Decided \S+: Shop is not due\. It is read next at 00:00:00\.")
        self.assert_explained("run", "committed", r"MaskShop last ran \S+ \(run [0-9a-f]{20}, \d+\.\d s, full, committed\): new batches: Shop.addresses has batch 3",
                              r"It has consumed Shop.addresses up to batch 3")
        self.assert_follows()

    def test_2_a_batch_that_is_killed(self):
        self.change()
        self.run_until(("batch", "open"))
        self.assert_explained("batch", "open", r"newest batch is \d+, open, opened \S+\.", r"If yellow ran now: Shop is due: its batch \d+ is open and goes on\.")
        self.settle()
        self.change()
        self.run_until(("batch", "staged"))
        self.assert_explained("batch", "staged", r"newest batch is \d+, staged, opened \S+\.", r"If yellow ran now: Shop is due: its batch \d+ is staged and goes on\.")
        self.project.sql("MergeDB", "TRUNCATE yellow.mark")     # what a crash of the server does
        self.settle()

    def test_3_a_batch_that_is_held(self):
        self.project.sql("ShopDB", "ALTER TABLE customers RENAME firstname TO first_name")
        self.yellow("run", "Shop", status=1)
        self.assert_explained("batch", "held", r"Shop waits, because its batch \d+ is held: Shop.customers: column firstname of public.customers is not there",
                              r"or at once with: yellow run Shop")
        self.project.sql("ShopDB", "ALTER TABLE customers RENAME first_name TO firstname")
        self.settle()
        self.project.sql("ShopDB", "DELETE FROM addresses WHERE id > 'A03000'")
        self.yellow("run", "Shop", status=1)
        self.assert_explained("batch", "held", r"is held: addresses would lose 10\d\d of \d+ rows, more than max_deleted allows: 20%",
                              r"If it is right as it is: yellow batches release Shop")
        self.yellow("batches", "release", "Shop")
        self.assert_explained("batch", "held", r"held, opened \S+, released: addresses would lose", r"If yellow ran now: Shop is due: its held batch \d+ was released\.")
        self.settle()
        self.project.sql("ShopDB", "CREATE TABLE kept AS TABLE addresses; DELETE FROM addresses WHERE id > 'A02000'")
        self.yellow("run", "Shop", status=1)
        self.yellow("batches", "reject", "Shop")
        self.assert_explained("batch", "rejected", r"newest batch is \d+, rejected, opened \S+: addresses would lose", r"If yellow ran now: Shop is not due\. It is read next at")
        self.project.sql("ShopDB", "TRUNCATE addresses; INSERT INTO addresses TABLE kept; DROP TABLE kept")
        self.settle()

    def test_4_a_batch_that_fails(self):
        secret = self.project.root / ".yellow/secrets/shop_reader"
        right = secret.read_text()
        secret.write_text("shop_reader:wrong")
        self.yellow("run", "Shop", status=1)
        failed = (r"newest batch is \d+, failed, opened \S+: cannot connect to database shop", r"Shop waits, because its batch \d+ failed: cannot connect to database shop as "
                  r"shop_reader: .*It is tried again at 00:00:00, or at once with: yellow run Shop")
        self.assert_explained("batch", "failed", *failed)
        secret.write_text(right)
        self.settle()
        self.refuse("batch", "staged", "committed")
        self.change()
        self.yellow("run", "Shop", status=1)
        self.assert_explained("batch", "failed", r"Shop waits, because its batch \d+ failed: the disk is on fire")
        self.refuse_nothing()
        self.settle()

    def test_5_a_run_whose_process_is_killed(self):
        for state in OPEN_RUN:
            with self.subTest(state=state):
                self.change()
                self.run_until(("run", state))
                self.assert_explained("run", state, rf"MaskShop last ran \S+ \(run [0-9a-f]{{20}}, \d+\.\d s, full, {state}\)",
                                      r"Nobody works on it any more; the next run closes it as lost, and nothing it did is seen\.", r"If yellow ran now: MaskShop is due: new batches")
                self.run_until(("run", "lost"), "MaskShop")
                self.assert_explained("run", "lost", r"lost\): new batches", r"It ended so: the process that ran it has ended, or was paused for longer than its lease",
                                      r"If yellow ran now: MaskShop is due: a run was asked for")
                self.settle()

    def test_6_a_run_that_fails(self):
        for state, then in zip(OPEN_RUN, OPEN_RUN[1:] + ("committed",), strict=True):
            with self.subTest(state=state):
                self.change()
                self.refuse("run", state, then)
                self.yellow("run", "Shop", status=1)
                self.assert_explained("run", "failed", r"failed\): new batches", r"It ended so: the disk is on fire", r"MaskShop failed once, last in run [0-9a-f]{20}: the disk is "
                                      r"on fire\. Try 2 of 4 begins at \d\d:\d\d:\d\d, or at once with: yellow runs retry MaskShop")
                self.refuse_nothing()
                self.yellow("runs", "retry", "MaskShop")
                self.settle()

    def test_7_a_run_that_takes_too_long(self):
        model, code = self.project.root / "model/mask_shop.yaml", self.project.root / "model/mask/customers.sql"
        before, good = model.read_text(), code.read_text()
        model.write_text(before.replace("timeout: 10m", "timeout: 6s\n  start_limit: 3s"))
        self.yellow("apply")
        for state, table, lock, what in (("preparing", "yellow.claim", "EXCLUSIVE", r"preparing took longer than 3 s \(start_limit\)"),
                                         ("ingesting", "dp_main.dt_shopmasked__customers", "ROW EXCLUSIVE", r"taking the output in took longer than 6 s \(timeout\)")):
            with self.subTest(state=state):
                self.change()
                victim = self.stop_in(("run", state), "Shop")
                holder = self.hold_lock(table, lock)
                out = self.go_on(victim)
                holder.communicate("ROLLBACK;\n", timeout=10)
                self.assertRegex(out, what)
                self.assert_explained("run", "timed_out", r"timed_out\)", "It ended so: " + what, r"MaskShop failed once, last in run \S+ " + what)
                self.settle()
        with self.subTest(state="launched"):
            self.change()
            victim = self.stop_in(("run", "launched"), "Shop")
            self.project.sql("MergeDB", "UPDATE yellow.run SET deadline = clock_timestamp() - interval '1 hour' WHERE state = 'launched'")
            self.assertRegex(self.yellow("run", status=1).out, r"Run [0-9a-f]{20} has timed out: it was still launched after its deadline")
            self.assert_explained("run", "timed_out", r"It ended so: it was still launched after its deadline, and was ended by another yellow")
            self.assertIn("another yellow process is at work here", self.go_on(victim))
            self.settle()
        with self.subTest(state="finished"):
            code.write_text(good.rstrip().rstrip(";") + " WHERE pg_sleep(0.01) IS NOT NULL")
            self.yellow("run", "--apply", status=1)
            self.assert_explained("run", "timed_out", r"It ended so: model/mask/customers.sql took longer than 6 s")
            code.write_text(good)
        model.write_text(before)
        self.yellow("apply")
        self.settle()

    def test_8_a_run_that_a_person_cancels(self):
        for state in OPEN_RUN:
            with self.subTest(state=state):
                before = self.project.masked()
                self.change()
                victim = self.stop_in(("run", state), "Shop")
                text = without_dates(self.yellow("explain", "MaskShop").out)
                run = re.search(rf"If yellow ran now: MaskShop is running: run ([0-9a-f]{{20}}) since \S+, {state}, must be done by \S+\. To end it: yellow runs cancel \1", text)
                self.assertTrue(run, text)
                self.assertIn(f"Cancelled run {run[1]}", self.yellow("runs", "cancel", run[1]).out)
                self.assert_explained("run", "cancelled", r"cancelled\): new batches", r"It ended so: cancelled by \S+", r"If yellow ran now: MaskShop is due: new batches")
                self.assertRegex(self.go_on(victim), rf"MaskShop: run {run[1]} was cancelled by \S+\n  = to run it after all: yellow run MaskShop")
                self.assertEqual(self.project.masked(), before, "nothing it did is seen")
                self.assertEqual(self.project.broken_invariants(), {}, "its login is gone")
                self.assertEqual(self.project.yellow("runs", "cancel", run[1]).status, 2, "it is not open any more")
                self.settle()

    def test_9_that_was_everything_the_document_has(self):
        moved = {(kind, was, became) for kind, was, became in self.project.sql("MergeDB", "SELECT DISTINCT kind, was, became FROM spy.move")}
        for kind, (states, moves) in documented().items():
            self.assertEqual({(was, became) for k, was, became in moved if k == kind}, moves, kind)
            self.assertEqual({state for k, state in self.explained if k == kind}, states, kind)


if __name__ == "__main__":
    unittest.main()
