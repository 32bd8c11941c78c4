"""A session in the real recorder: the driver starts it, and this process is the person's terminal."""

import base64
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from jsonschema import Draft202012Validator

DRIVER = os.environ["YELLOW_RECORDER_DRIVER"]
YELLOW = os.environ["YELLOW_BIN"]
DEADLINE = 30


def wait_for(condition, what, seconds=DEADLINE):
    end = time.monotonic() + seconds
    while not (seen := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
    return seen


def processes(word):
    """Those with this word in their command line, in any namespace."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has ended
    return found


def frame(kind, payload):
    return kind.encode() + struct.pack(">I", len(payload)) + payload


class Base:
    """A folder with a reviewer's key."""

    schema = None

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="yellow-recorder-"))
        self.root.chmod(0o777)
        self.reach = self.root / "reach"
        self.reach.mkdir()
        self.reach.chmod(0o777)
        self.key = self.root / "reviewer.key"
        made = subprocess.run([YELLOW, "access", "keygen", str(self.key)], capture_output=True, text=True, check=True)
        self.public = made.stdout.strip()

    def close(self):
        shutil.rmtree(self.root)

    def replay(self, path, *options, key=None):
        done = subprocess.run([YELLOW, "access", "replay", str(path), "--key", str(key or self.key), *options], capture_output=True, timeout=100)
        # Not by subprocess, which makes \r\n a \n.
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def recording(self, path):
        """What programs read of it, which follows its schema."""
        document = json.loads(self.replay(path, "--output", "json").stdout)
        if self.schema is None:
            printed = subprocess.run([YELLOW, "export", "json-schema", "--of", "access", "replay"], capture_output=True, text=True, check=True)
            self.schema = Draft202012Validator(json.loads(printed.stdout))
        errors = [error.message for error in self.schema.iter_errors(document)]
        assert not errors, errors
        return document


class Session:
    def __init__(self, base, *command, starter=(), path=None, recipients=None, environment=None, options=()):
        self.base = base
        self.path = path or base.root / f"{time.monotonic_ns()}.sealed"
        self.socket, other = socket.socketpair()
        self.socket.settimeout(DEADLINE)
        given = {"PATH": "/usr/bin:/bin", "TERM": "xterm", "HOME": "/tmp", **(environment or {})}
        words = [f"path={self.path}", f"reachable={base.reach}", "title=the test", *(f"command={word}" for word in command),
                 *(f"recipient={key}" for key in ([base.public] if recipients is None else recipients)), *(f"env={n}={v}" for n, v in given.items()), *options]
        self.driver = subprocess.Popen([*starter, DRIVER, "serve", str(other.fileno()), *words], pass_fds=[other.fileno()], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        other.close()
        self.first = self.driver.stdout.readline().strip()
        self.received = b""
        self.shown = b""
        self.messages = []
        self.end = None

    def type(self, text):
        self.socket.sendall(frame("i", text.encode() if isinstance(text, str) else text))

    def resize(self, columns, rows):
        self.socket.sendall(frame("r", f"{columns} {rows}".encode()))

    def take(self):
        """One read from the socket; false at its end."""
        data = self.socket.recv(1 << 16)
        self.received += data
        while len(self.received) >= 5:
            length = struct.unpack(">I", self.received[1:5])[0]
            if len(self.received) < 5 + length:
                break
            kind, payload = self.received[:1], self.received[5:5 + length]
            self.received = self.received[5 + length:]
            if kind == b"o":
                self.shown += payload
            elif kind == b"m":
                self.messages.append(payload.decode())
            else:
                assert kind == b"e" and self.end is None, kind
                self.end = payload.decode()
        return bool(data)

    def expect(self, pattern):
        """Takes what is shown until the pattern is in it."""
        while not re.search(pattern.encode(), self.shown):
            if not self.take():
                raise AssertionError((pattern, self.shown[-2000:], self.end))

    def report(self):
        """Takes all that comes, until the session has ended."""
        try:
            while self.socket.fileno() >= 0 and self.take():
                pass
        except ConnectionResetError:
            pass  # it ended with input on the way
        line = self.driver.stdout.readline()
        self.driver.wait(DEADLINE)
        return json.loads(line)

    def recorder(self):
        return next(pid for pid in processes("yellow-recorder") if self.parent(pid) == self.driver.pid)

    @staticmethod
    def parent(pid):
        """0 when it has ended meanwhile."""
        try:
            return int(re.search(r"^PPid:\s*(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)[1])
        except (FileNotFoundError, ProcessLookupError):
            return 0

    def close(self):
        self.socket.close()
        if self.driver.poll() is None:
            self.driver.kill()
        self.driver.communicate()


def bytes_of(event):
    return base64.b64decode(event["bytes"]) if event["bytes"] is not None else event["text"].encode()


def outputs(recording):
    return b"".join(bytes_of(e) for e in recording["events"] if e["kind"] == "output")


def inputs(recording):
    return b"".join(bytes_of(e) for e in recording["events"] if e["kind"] == "input")


class Case(unittest.TestCase):
    def setUp(self):
        self.base = Base()
        self.addCleanup(self.base.close)

    def session(self, *command, **options):
        session = Session(self.base, *command, **options)
        self.addCleanup(session.close)
        return session

    def started(self, *command, **options):
        session = self.session(*command, **options)
        self.assertEqual(session.first, "started")
        return session

    def assert_same_as_shown(self, session, report):
        """The recording is complete, holds exactly what was shown, and is the file of the report."""
        recording = self.base.recording(session.path)
        self.assertEqual((recording["state"], recording["reason"]), ("complete", None))
        self.assertEqual(outputs(recording), session.shown)
        content = session.path.read_bytes()
        self.assertEqual((report["bytes"], report["digest"]), (len(content), hashlib.sha256(content).hexdigest()))
        self.assertEqual(report["events"], len(recording["events"]))
        return recording
