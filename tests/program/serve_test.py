"""`yellow serve`: what is committed starts what depends on it, whoever committed it; stopped and killed at any point it loses nothing."""

import os
import signal
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request
import pathlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "torture"))

from project import with_run  # noqa: E402
from storm import YELLOW, Storm, seeded  # noqa: E402


class Serving:
    """A `yellow serve` of a project, and what it says."""

    def __init__(self, storm, *options, environment=None):
        self.process = subprocess.Popen([YELLOW, "--project", str(storm.root), "serve", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, env={**os.environ, **(environment or {})})
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def text(self):
        return "\n".join(self.lines)

    def stop(self, with_signal=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        status = self.process.wait(timeout=60)
        self.reader.join()
        self.process.stdout.close()
        return status


class Serve(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.storm = Storm()
        result = cls.storm.yellow("run", "--apply")
        assert result.status == 0, result
        cls.seed, cls.chance = seeded()

    @classmethod
    def tearDownClass(cls):
        cls.storm.close()

    def serving(self, *options, environment=None):
        serving = Serving(self.storm, *options, environment=environment)
        self.addCleanup(serving.stop, signal.SIGKILL)
        self.wait_for(lambda: "serving model version" in serving.text(), serving)
        return serving

    def wait_for(self, true, serving, seconds=30):
        deadline = time.time() + seconds
        while not true():
            self.assertLess(time.time(), deadline, serving.text())
            self.assertIsNone(serving.process.poll(), serving.text())
            time.sleep(0.1)

    def ask(self, node="Ingest/Main/Shop"):
        """As somebody else who wants a batch now."""
        self.storm.psql(self.storm.server(), f"UPDATE yellow.stream SET requested_at = clock_timestamp() WHERE key = '{node}'; NOTIFY yellow")

    def settled(self):
        return self.storm.wrong() == {}

    def test_sessions_are_ready_for_the_next_run_and_come_back(self):
        def named(like):
            return set(self.storm.psql(self.storm.server(), f"SELECT pid FROM pg_stat_activity WHERE application_name LIKE '{like}'"))
        serving = self.serving()
        self.wait_for(lambda: len(named("yellow spare")) == 7, serving)
        ready = named("yellow spare")
        self.storm.change(self.chance)
        self.ask()
        self.wait_for(lambda: self.settled() and len(named("yellow spare")) == 7, serving)
        self.assertGreater(len(named("yellow spare") & ready), 2, "they are used again")
        self.assertEqual(serving.stop(), 0, serving.text())
        self.assertEqual(named("yellow spare"), set())

    def ids(self, query):
        return {row[0] for row in self.storm.psql(self.storm.server(), query)}

    def logins_ahead(self):
        """Those of runs that are to come: nobody can log in with one, and it is a member of what every run is, and of nothing else."""
        return self.ids("""
            SELECT substr(rolname, 12) FROM pg_roles r WHERE rolname ~ '^yellow_run_.' AND NOT rolcanlogin AND rolvaliduntil < now() + interval '16 minutes'
            AND ARRAY['yellow_run'] = ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid)""")

    def runs(self):
        return self.ids("SELECT id FROM yellow.run WHERE state = 'committed'")

    def test_a_login_is_ready_for_the_next_run(self):
        serving = self.serving()
        self.wait_for(lambda: len(self.logins_ahead()) == 1, serving)
        ready = self.logins_ahead()
        self.storm.change(self.chance)
        self.ask()
        self.wait_for(lambda: self.settled() and len(self.logins_ahead() - ready) == 1, serving)
        self.assertLess(ready, self.runs(), "the run after it has its name")
        # One that is gone keeps no run from happening.
        (gone,) = self.logins_ahead()
        self.storm.psql(self.storm.server(), f"SELECT yellow_sec.run_drop('{gone}')")
        self.storm.change(self.chance)
        self.ask()
        self.wait_for(lambda: self.settled() and len(self.logins_ahead()) == 1, serving)
        self.assertNotIn(gone, self.runs())
        self.assertEqual(serving.stop(), 0, serving.text())
        self.assertEqual(self.logins_ahead(), set())

    def test_a_login_that_a_killed_one_has_made_ahead_is_dropped_after_its_time(self):
        serving = self.serving()
        self.wait_for(lambda: len(self.logins_ahead()) == 1, serving)
        (left,) = self.logins_ahead()
        serving.stop(signal.SIGKILL)
        self.assertEqual(self.storm.yellow("run").status, 0)
        self.assertEqual(self.logins_ahead(), {left}, "another serve may be about to use it")
        self.storm.psql(self.storm.server(), f"ALTER ROLE yellow_run_{left} VALID UNTIL '2000-01-01'")
        self.assertEqual(self.storm.yellow("run").status, 0)
        self.assertEqual(self.logins_ahead(), set())

    def guardians(self, serving):
        """Processes of serve that wait for code to start, or guard it."""
        found = set()
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name, fields = (process / "comm").read_text().strip(), (process / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue  # it has ended meanwhile
            if name == "yellow-guardian" and fields[1] == str(serving.process.pid) and fields[0] != "Z":
                found.add(int(process.name))
        return found

    def test_a_workplace_is_ready_for_the_next_run_and_ends_with_serve(self):
        for end in (signal.SIGTERM, signal.SIGKILL):
            serving = self.serving()
            self.wait_for(lambda: len(self.guardians(serving)) == 1, serving)  # noqa: B023  (it is called at once)
            ready = self.guardians(serving)
            self.storm.change(self.chance)
            self.ask()
            self.wait_for(lambda: self.settled() and len(self.guardians(serving) - ready) == 1, serving)  # noqa: B023
            self.assertEqual(self.guardians(serving) & ready, set(), "it has guarded the code of the run")
            (waiting,) = self.guardians(serving)
            serving.stop(end)
            deadline = time.time() + 10
            while pathlib.Path(f"/proc/{waiting}/comm").exists() and pathlib.Path(f"/proc/{waiting}/comm").read_text() == "yellow-guardian\n":
                self.assertLess(time.time(), deadline, "the guardian outlives serve")
                time.sleep(0.05)

    def test_a_login_that_was_closed_is_not_opened_again(self):
        run_id, never_made = "0123456789abcdef", "fedcba9876543210"

        def psql(text):
            return self.storm.psql(self.storm.server(), text)

        def open_again(run_id):
            return psql(with_run(run_id, "Mask", f"SELECT yellow_sec.run_open('{run_id}', NULL, now() + interval '1 minute', 'yellow_ws_mask', 'yellow_dt_mask')"))
        psql(f"SELECT yellow_sec.run_prepare('{run_id}', 'SCRAM-SHA-256$4096:AAAA$AAAA:AAAA', now() + interval '1 minute')")
        self.addCleanup(psql, f"SELECT yellow_sec.run_drop('{run_id}')")
        open_again(run_id)
        self.assertEqual(psql(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = 'yellow_run_{run_id}'"), [("t",)])
        psql(f"SELECT yellow_sec.run_disable('{run_id}')")
        for other in (run_id, never_made):
            with self.assertRaisesRegex(AssertionError, "made ahead of the run is gone"):
                open_again(other)

    def test_a_change_runs_through_the_chain(self):
        serving = self.serving()
        for _ in range(3):
            self.storm.change(self.chance)
            self.assertFalse(self.settled())
            self.ask()
            self.wait_for(self.settled, serving)
        self.assertEqual(serving.stop(), 0, serving.text())
        self.assertIn("Stopped.", serving.text())
        self.assertIn("Worker: run ", serving.text())

    def test_what_another_process_committed_starts_the_transformer(self):
        serving = self.serving()
        self.storm.change(self.chance)
        # It dies when its batch is committed, before it can tell anybody.
        killed = self.storm.yellow("run", "Shop", environment={"YELLOW_FAULT": "kill@batch.merge.commit.after:1"})
        self.assertEqual(killed.status, -signal.SIGKILL)
        self.wait_for(self.settled, serving)
        self.assertIn("Mask: run ", serving.text())
        self.assertEqual(serving.stop(), 0)

    def test_killed_at_any_moment_the_next_goes_on(self):
        for _ in range(6):
            serving = self.serving()
            self.storm.change(self.chance)
            self.ask()
            time.sleep(self.chance.random() * 0.8)
            serving.stop(signal.SIGKILL)
        serving = self.serving()
        self.ask()
        self.wait_for(self.settled, serving)
        self.assertEqual(serving.stop(), 0)

    def test_two_at_once_double_nothing(self):
        first, second = self.serving(), self.serving()
        for _ in range(4):
            self.storm.change(self.chance)
            self.ask()
            self.wait_for(self.settled, first)
        self.assertEqual(first.stop(), 0)
        self.assertEqual(second.stop(), 0)
        self.assertTrue(self.settled(), self.storm.wrong())

    def test_a_newer_model_is_taken_up(self):
        serving = self.serving()
        team = self.storm.root / "model/team.yaml"
        team.write_text(team.read_text() + "# changed\n")
        self.assertEqual(self.storm.yellow("apply").status, 0)
        self.wait_for(lambda: serving.text().count("serving model version") == 2, serving)
        self.storm.change(self.chance)
        self.ask()
        self.wait_for(self.settled, serving)
        self.assertEqual(serving.stop(), 0)

    def get(self, address, path):
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def test_it_outlives_its_server_and_shows_how_it_is(self):
        serving = self.serving("--listen", "127.0.0.1:0")
        address = next(line for line in serving.lines if "/metrics" in line).split("http://")[1].split("/")[0]
        self.wait_for(lambda: self.get(address, "/readyz") == (200, "MergeDB: ok\n"), serving)
        self.assertEqual(self.get(address, "/healthz")[0], 200)
        self.storm.change(self.chance)
        self.ask()
        self.wait_for(self.settled, serving)
        self.wait_for(lambda: 'yellow_batches_total{container="MergeDB",outcome="committed"} 3' in self.get(address, "/metrics")[1], serving)
        self.assertEqual(self.get(address, "/other")[0], 404)
        data = pathlib.Path(self.storm.psql(self.storm.server(), "SHOW data_directory")[0][0])
        os.kill(int((data / "postmaster.pid").read_text().splitlines()[0]), signal.SIGQUIT)
        self.wait_for(lambda: "trying again" in serving.text(), serving)

        def changed():
            try:
                self.storm.change(self.chance)
                self.ask()
                return True
            except (AssertionError, OSError):
                return False
        self.wait_for(changed, serving)
        self.wait_for(self.settled, serving)
        self.assertEqual(serving.stop(), 0)

    def test_a_stop_waits_for_what_is_under_way_but_not_for_ever(self):
        script = self.storm.root / "model/worker/run.sh"
        text = script.read_text()
        script.write_text("sleep 100\n" + text)
        self.assertEqual(self.storm.yellow("apply").status, 0)
        serving = self.serving("--grace", "1")
        self.wait_for(lambda: "run launched" in self.storm.under_way(), serving)
        self.assertEqual(serving.stop(), 0)
        self.assertIn("what was under way goes on with the next", serving.text())
        script.write_text(text)
        again = self.storm.yellow("run", "--apply", "Worker")
        self.assertEqual(again.status, 0, again)
        self.assertTrue(self.settled(), self.storm.wrong())


if __name__ == "__main__":
    unittest.main()
