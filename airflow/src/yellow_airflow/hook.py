"""Calls `yellow` and takes its typed result: the exit status, and the one JSON document on stdout. Log text decides nothing."""

from __future__ import annotations

import asyncio
import dataclasses
import enum
import json
import os
import subprocess
import tempfile
from typing import Any, Callable, Mapping, Optional, Sequence


class Status(enum.IntEnum):
    """The exit statuses of `yellow job`."""

    DONE = 0
    FINDING = 1         # held, failed, cancelled: the reason is recorded
    USAGE = 2
    AGAIN = 3           # may succeed later without anyone's help
    NOTHING_DUE = 10
    BUSY = 11           # somebody else is at it


@dataclasses.dataclass(frozen=True)
class Outcome:
    """`document` is what stdout had, an empty one if that was not JSON."""

    status: int
    document: Any

    @property
    def state(self) -> str:
        return self._text("state")

    @property
    def run(self) -> str:
        return self._text("run")

    @property
    def batch(self) -> Optional[int]:
        return self._object.get("batch") or None

    @property
    def reason(self) -> str:
        """For people: why it is held, has failed, is not due, or could not be done; empty when there is nothing to say."""
        if error := self._object.get("error"):
            return "; ".join(part for part in (error.get("text"), error.get("remedy")) if part)
        reason = self._object.get("reason")
        return f"{reason['text']} ({reason['code']})" if reason else ""

    @property
    def _object(self) -> Mapping[str, Any]:
        return self.document if isinstance(self.document, dict) else {}

    def _text(self, name: str) -> str:
        return str(self._object.get(name) or "")


def outcome_of(status: int, out: bytes) -> Outcome:
    try:
        return Outcome(status, json.loads(out))
    except ValueError:
        return Outcome(status, {})


def _environment() -> dict[str, str]:
    """The worker's own, without what is Airflow's: its settings name the metadata database with its password."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "_AIRFLOW_"))}


class YellowHook:
    """`command` is the program with the options that every call has. Needs no connection: Yellow finds its logins through its own environment file."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command = list(command)
        self._process: Optional[subprocess.Popen[str]] = None

    def arguments(self, arguments: Sequence[str]) -> list[str]:
        return [*self.command, "--output", "json", *arguments]

    def call(self, arguments: Sequence[str], log: Callable[[str], Any]) -> Outcome:
        """Waits for its end; hands each line of its stderr to `log` when it comes. An OSError when there is no such program."""
        with tempfile.TemporaryFile() as out:
            # Never through a shell.
            with subprocess.Popen(self.arguments(arguments), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, env=_environment(),
                                  text=True, encoding="utf-8", errors="replace") as self._process:
                try:
                    assert self._process.stderr is not None
                    for line in self._process.stderr:
                        log(line.rstrip("\n"))
                    status = self._process.wait()
                finally:
                    self.terminate()
            out.seek(0)
            return outcome_of(status, out.read())

    def terminate(self) -> None:
        """Asks a call that is under way to end; safe from a signal handler."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    async def look(self, arguments: Sequence[str]) -> tuple[Outcome, str]:
        """The same without holding a thread; also what it said on stderr. For calls that change nothing: one that is cancelled is killed."""
        process = await asyncio.create_subprocess_exec(*self.arguments(arguments), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                                                       stderr=asyncio.subprocess.PIPE, env=_environment())
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return outcome_of(process.returncode, out), err.decode(errors="replace").strip()
