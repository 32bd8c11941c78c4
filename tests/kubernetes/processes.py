"""Programs that go on after the one that started them: a log, and a file that says which process it is so that no other is ever taken for it."""

import json
import os
import pathlib
import signal
import subprocess
import time

from programs import Failure


def born(pid):
    """When the process began, in clock ticks since the machine did; None if it is gone, or ended and not yet collected."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Processes:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def names(self):
        return sorted(path.stem for path in self.folder.glob("*.pid"))

    def log(self, name):
        return self.folder / f"{name}.log"

    def tail(self, name, lines=15):
        log = self.log(name)
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""

    def pid(self, name):
        """Of the running process; None if it does not run."""
        try:
            known = json.loads((self.folder / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return known["pid"] if born(known["pid"]) == known["born"] else None

    def start(self, name, command, environment=None):
        """Starts it if it does not run. No secret belongs into its command."""
        if self.pid(name):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.log(name), "a") as log:
            process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", env={**os.environ, **(environment or {})}
            )
        (self.folder / f"{name}.pid").write_text(json.dumps({"pid": process.pid, "born": born(process.pid)}))

    def stop(self, name, seconds=15):
        """Asks, waits, and ends it by force. Does nothing if it does not run."""
        pid = self.pid(name)
        for number in (signal.SIGTERM, signal.SIGKILL) if pid else ():
            os.kill(pid, number)
            if self.wait_end(pid, name, seconds):
                break
        (self.folder / f"{name}.pid").unlink(missing_ok=True)

    def wait_end(self, pid, name, seconds):
        until = time.monotonic() + seconds
        while self.pid(name):
            if time.monotonic() > until:
                return False
            try:
                os.waitpid(pid, os.WNOHANG)     # it may be our own child
            except ChildProcessError:
                pass
            time.sleep(0.05)
        return True

    def wait(self, name, what, ready, seconds=120):
        """Until ready() says so; an error with the end of the log if the process ends or does not become ready."""
        until = time.monotonic() + seconds
        while not ready():
            ended = not self.pid(name)
            if ended or time.monotonic() > until:
                raise Failure(f"{name} {'has ended' if ended else f'was not ready in {seconds} s'} ({what}):\n{self.tail(name)}\n  = its whole log is {self.log(name)}")
            time.sleep(0.1)
