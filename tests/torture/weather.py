"""Random faults, several programs at once, a source that changes all the time; now and then everything is let finish, and must be as it would
be without any fault."""

import os
import pathlib
import random
import signal
import subprocess
import threading
import time

from storm import YELLOW, Storm, seeded

WORKERS = 3
CALM_EVERY = 12        # seconds of weather between two looks at what must be true
EVERYTHING = ["run", "Shop", "Mask", "Worker"]
EXPECTED_ENDS = {0, 1, 3, -signal.SIGKILL}


class Weather:
    def __init__(self, minutes, seed=None):
        self.minutes = minutes
        self.seed, self.chance = seeded(seed)
        self.bad = threading.Event()
        self.happened = {}
        self.problems = []

    def run(self):
        storm = Storm()
        try:
            result = storm.yellow("run", "--apply")
            assert result.status == 0, result
            end = time.time() + self.minutes * 60
            looks = 0
            while time.time() < end:
                self.blow(storm, min(CALM_EVERY, max(1, end - time.time())))
                self.calm(storm)
                looks += 1
            return looks
        finally:
            storm.close()

    def blow(self, storm, seconds):
        self.bad.set()
        threads = [threading.Thread(target=self.guarded, args=(work, storm, self.chance.randrange(1 << 30)))
                   for work in [self.work] * WORKERS + [self.change, self.hit, self.repair]]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        self.bad.clear()
        for thread in threads:
            thread.join()
        assert not self.problems, f"seed {self.seed}: {self.problems}"

    def guarded(self, work, storm, seed):
        try:
            work(storm, random.Random(seed))
        except Exception as error:      # the main thread reports it
            self.problems.append(repr(error))

    def count(self, what):
        self.happened[what] = self.happened.get(what, 0) + 1

    def work(self, storm, chance):
        """Starts the program again and again; stops it for a while, or kills it."""
        while self.bad.is_set():
            worker = subprocess.Popen([YELLOW, "--project", str(storm.root), *EVERYTHING], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            dice = chance.random()
            time.sleep(chance.random() * 0.8)
            if dice < 0.4:
                worker.kill()
                self.count("kill -9 of the program")
            elif dice < 0.6:
                worker.send_signal(signal.SIGSTOP)
                time.sleep(chance.random() * 2)
                worker.send_signal(signal.SIGCONT)
                self.count("the program stopped for a while")
            out, _ = worker.communicate(timeout=180)
            assert worker.returncode in EXPECTED_ENDS and "bug" not in out, f"exit status {worker.returncode}: {out}"

    def change(self, storm, chance):
        while self.bad.is_set():
            try:
                storm.change(chance)
                self.count("change of the source")
            except (AssertionError, OSError):
                pass    # the server is down just now
            time.sleep(chance.random() * 0.5)

    def hit(self, storm, chance):
        """Sessions end, a server process dies, the whole server stops at once."""
        while self.bad.is_set():
            time.sleep(chance.random() * 1.5)
            try:
                pids = [int(row[0]) for row in storm.psql(storm.server(), "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                                          "AND usename ~ '^(yellow_(engine|ingest_out|run)|shop_reader)' AND pid <> pg_backend_pid()")]
                dice = chance.random()
                if dice < 0.6 and pids:
                    storm.psql(storm.server(), f"SELECT pg_terminate_backend({chance.choice(pids)})")
                    self.count("session ended")
                elif dice < 0.8 and pids:
                    os.kill(chance.choice(pids), signal.SIGKILL)
                    self.count("kill -9 of a server process")
                elif dice > 0.9:
                    os.kill(self.postmaster(storm), signal.SIGQUIT)
                    self.count("immediate stop of the server")
            except (AssertionError, OSError):
                pass    # it was down, or the process has ended by itself

    def repair(self, storm, chance):
        """A person does everything that may be done by hand, at the wrong time."""
        while self.bad.is_set():
            time.sleep(chance.random() * 1.5)
            try:
                runs = [row[0] for row in storm.psql(storm.server(), "SELECT id FROM yellow.run ORDER BY opened_at DESC LIMIT 1")]
            except (AssertionError, OSError):
                continue    # the server is down just now
            command = chance.choice([["batches", "replay", "Shop"], ["streams", "pause", "Shop"], ["streams", "resume", "Shop"], ["streams", "pause", "Masked"],
                                     ["streams", "resume", "Masked"], ["rebuild", "Mask"], ["rebuild", "Worker"], ["runs", "retry", "Worker"],
                                     ["batches", "reject", "Shop"], ["batches", "release", "Masked"], *([["runs", "cancel", runs[0]]] if runs else [])])
            result = storm.yellow(*command, timeout=180)
            assert result.status in (0, 2, 3) and "bug" not in result.err, f"{command}: {result}"
            if result.status == 0:
                self.count("by hand: " + " ".join(command[:2]))

    @staticmethod
    def postmaster(storm):
        data = pathlib.Path(storm.psql(storm.server(), "SHOW data_directory")[0][0])
        return int((data / "postmaster.pid").read_text().splitlines()[0])

    def calm(self, storm):
        """Nobody does anything any more: one program, and all is well. A server that is still coming up may cost it a second try."""
        for _ in range(3):
            for stream in ("Shop", "Masked", "Work"):
                storm.yellow("streams", "resume", stream, timeout=180)
            result = storm.yellow(*EVERYTHING, timeout=180)
            if result.status == 0:
                break
        assert result.status == 0, f"seed {self.seed}: {result}"
        broken = storm.wrong()
        assert broken == {}, f"seed {self.seed}: {broken}"
