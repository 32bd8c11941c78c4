"""Tests of code that outlives the yellow that started it, wherever it runs: for a test case that is about one place."""

import collections
import json
import os
import random
import re
import secrets
import signal
import subprocess
import time

from project import ROOT, YELLOW

STRIDE = 11     # of the fault points of serve, of which a run has some hundred and fifty

# Code that does what the example's own image does.
MASK = (ROOT / "examples/images/python/mask.py").read_text()


def slow_mask(seconds):
    """It has imported its snapshot when it says so."""
    return "import time\n" + MASK.replace('        cursor.execute(f"SELECT id', f'        print("there", flush=True)\n        time.sleep({seconds})\n        cursor.execute(f"SELECT id', 1)


class Outlives:
    """REQUIRES, of the test case: `project`; `code(script, **how)` makes a script its code; `begin_run(script, **how)` starts yellow with it and gives yellow and the
    run's id once the code has printed `there`; `await_end(run)` waits until the code has ended; `nothing_is_left()`."""

    def killed(self, script, **how):
        """The run whose yellow was killed while its code runs."""
        yellow, run = self.begin_run(script, **how)
        yellow.send_signal(signal.SIGKILL)
        yellow.wait()
        return run

    def newest_runs(self):
        return json.loads(self.project.yellow("runs", "list", "--output", "json").out)

    def test_a_run_is_adopted_when_yellow_was_killed(self):
        run = self.killed(slow_mask(4))
        result = self.project.yellow("run")
        self.assertEqual(result.status, 0, result)
        self.assertIn("goes on with run " + run, result.out)
        newest = self.newest_runs()[0]
        self.assertEqual((newest["id"], newest["state"]), (run, "committed"))
        self.assertIn("there", self.project.yellow("runs", "logs", run).out)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})
        self.assertEqual(self.project.sql("MergeDB", f"SELECT count(*) FROM yellow.event WHERE kind = 'run_adopted' AND run_id = '{run}'"), [("1",)])

    def test_serve_is_killed_in_every_phase(self):
        """The next yellow brings it to its end, however far it was."""
        phases = collections.Counter()
        begin = random.randrange(1, STRIDE + 1)
        for point in range(begin, 1000, STRIDE):
            self.code(MASK)
            self.assertEqual(self.project.yellow("apply").status, 0)
            before = self.newest_runs()[0]["id"]
            command = [YELLOW, "--project", str(self.project.root), "serve"]
            serve = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "YELLOW_FAULT": f"kill@*:{point}"})
            committed = "SELECT 1 FROM yellow.run WHERE state = 'committed' AND id > '" + before + "'"
            while serve.poll() is None and not self.project.sql("MergeDB", committed):
                time.sleep(0.1)
            if serve.poll() is None:
                serve.terminate()
            killed = serve.wait(timeout=60) == -signal.SIGKILL
            phases.update(state for (state,) in self.project.sql("MergeDB", f"SELECT state FROM yellow.run WHERE id > '{before}'") or [("none",)])
            again = self.project.yellow("run")
            self.assertEqual(again.status, 0, f"kill@*:{point}: {again}")
            # Its last request may still have been under way to the engine: what came of it is an orphan, which the next one removes.
            self.assertEqual(self.project.yellow("run").status, 0)
            self.assertEqual((self.project.masked(), self.project.broken_invariants()), (self.project.expected_masked(), {}), f"kill@*:{point}")
            self.nothing_is_left()
            if not killed:
                break
        print(f"\nkilled from point {begin} on at each {STRIDE}th: {dict(phases)}", flush=True)
        self.assertGreaterEqual(len(phases.keys() & {"preparing", "launched", "finished", "ingesting"}), 2)

    def give_a_credential(self):
        """The code may name `api`; returns the file that has its password."""
        file = self.project.root / ".yellow/secrets/api"
        for path, old, new in (("environments/local.yaml", r"credentials:( \{|\n  )", rf"credentials:\g<1>api: {{file: {file}}}"), ("model/team.yaml", r"credentials:( \{|\n  )", r"credentials:\g<1>api: {type: user_password}")):
            text = (self.project.root / path).read_text()
            self.addCleanup(self.project.write, path, text)
            self.project.write(path, re.sub(old, lambda found: found.expand(new) + (", " if "{" in found[1] else "\n  "), text, count=1))
        return file

    def printed_secrets(self, rotate):
        """Code prints its secrets, and after a while again; what `rotate` does meanwhile, and brings it to its end. Nothing of them is left."""
        file = self.give_a_credential()
        first, second = (f"{word}-{secrets.token_hex(12)}" for word in ("first", "second"))
        file.write_text(f"api:{first}\n")
        wanted = ["YELLOW_CREDENTIAL__API__PASSWORD", "PGPASSWORD"]
        script = f"""import os, time
for more in (4, 0):
    for name in {wanted}: print(name, os.environ[name])
    print("login:" + bytes(b ^ 0x5a for b in os.environ["PGPASSWORD"].encode()).hex())
    print("there", flush=True)
    time.sleep(more)
raise SystemExit(3)"""
        yellow, run = self.begin_run(script, transformer="  retries: 0\n  credentials: [api]\n")
        file.write_text(f"api:{second}\n")
        rotate(yellow)
        shown = self.project.yellow("runs", "logs", run).out
        kept = (self.project.root / ".yellow/runs" / run / "output.log").read_text()
        for text in (shown, kept):
            self.assertEqual(text.count("PGPASSWORD ***\n"), 2, text)
            self.assertEqual(text.count("API__PASSWORD ***\n"), 2, text)
            login = bytes(byte ^ 0x5a for byte in bytes.fromhex(re.search("login:([0-9a-f]+)", text)[1])).decode()
            for secret in (first, second, login):
                self.assertNotIn(secret, text)
        self.assertEqual((self.newest_runs()[0]["id"], self.newest_runs()[0]["reason"]["code"]), (run, "exit_status"))

    def test_a_secret_that_is_rotated_while_its_code_runs_is_blotted_out(self):
        self.printed_secrets(lambda yellow: yellow.communicate(timeout=60))

    def test_a_secret_that_is_rotated_while_yellow_is_away_is_blotted_out(self):
        def killed(yellow):
            yellow.send_signal(signal.SIGKILL)
            yellow.wait()
            self.assertIn("goes on with run", self.project.yellow("run").out)
        self.printed_secrets(killed)

    def test_what_has_ended_meanwhile_is_adopted_too(self):
        run = self.killed(slow_mask(1))
        self.await_end(run)
        self.assertEqual(self.project.yellow("run").status, 0)
        newest = self.newest_runs()[0]
        self.assertEqual((newest["id"], newest["state"]), (run, "committed"))

    def test_a_run_that_needs_its_snapshot_is_not_adopted(self):
        run = self.killed(slow_mask(4), transformer="  retries: 0\n  snapshot: required\n")
        self.assertEqual(self.project.yellow("run").status, 0)
        second, first = self.newest_runs()[:2]
        self.assertEqual((first["id"], first["state"], second["state"]), (run, "lost", "committed"))

    def job(self, *arguments, status=0):
        done = self.project.yellow("job", *arguments, "--output", "json")
        self.assertEqual(done.status, status, done)
        return json.loads(done.out)

    def test_a_run_that_jobs_hand_on(self, seconds=3):
        """Its code goes on alone between two of them."""
        self.code(slow_mask(seconds))
        self.assertEqual(self.project.yellow("apply").status, 0)
        run = self.job("open", "MaskShop", "--by", "nightly")["run"]
        for _ in range(2):
            self.assertEqual(self.job("launch", run)["state"], "launched")
        self.assertEqual(self.job("look", run)["state"], "running")
        self.await_end(run)
        self.assertEqual(self.job("look", run)["state"], "ended")
        self.assertEqual(self.job("close", run)["state"], "finished")
        self.nothing_is_left()
        self.assertEqual(self.job("ingest", "ShopMasked")["state"], "committed")
        self.assertIn("there", self.project.yellow("runs", "logs", run).out)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_a_run_whose_jobs_are_killed(self):
        """At every point of each of them, and taken again at once: the code is started once."""
        self.code(MASK)
        self.assertEqual(self.project.yellow("apply").status, 0)
        run = self.job("open", "MaskShop", "--by", "nightly")["run"]
        for step, state in ((("launch", run), "launched"), (("close", run), "finished"), (("ingest", "ShopMasked"), "committed")):
            for point in range(1, 1000):
                done = self.project.yellow("job", *step, "--output", "json", environment={"YELLOW_FAULT": f"kill@*:{point}"})
                if done.status != -signal.SIGKILL:
                    break
            if step[0] == "ingest" and done.status == 10:   # killed after its commit
                state = "nothing_due"
            self.assertIn(done.status, (0, 10), done)
            self.assertEqual(json.loads(done.out)["state"], state, done)
            self.assertGreater(point, 5)
        self.nothing_is_left()
        newest = self.newest_runs()[0]
        self.assertEqual((newest["id"], newest["state"]), (run, "committed"))
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_handed_code_that_somebody_cancels(self):
        """Nobody waits for it; the next job takes its container away."""
        self.code("time.sleep(300)\n" + MASK)
        self.assertEqual(self.project.yellow("apply").status, 0)
        run = self.job("open", "MaskShop", "--by", "nightly")["run"]
        self.job("launch", run)
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        self.assertEqual(self.job("look", run)["state"], "closed")
        self.assertEqual(self.job("close", run, status=1)["state"], "cancelled")
        self.nothing_is_left()
        self.code(MASK)
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)

    def test_handed_code_that_fails(self):
        self.code("raise SystemExit(3)")
        self.assertEqual(self.project.yellow("apply").status, 0)
        run = self.job("open", "MaskShop", "--by", "nightly")["run"]
        self.job("launch", run)
        closed = self.job("close", run, status=1)     # which waits for its end
        self.assertEqual((closed["state"], closed["reason"]["code"]), ("failed", "exit_status"))
        self.nothing_is_left()
        self.code(MASK)
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)

    def test_an_orphan_is_removed(self):
        run = self.killed("time.sleep(300)\n" + MASK)
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        self.code(MASK)
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.nothing_is_left()
