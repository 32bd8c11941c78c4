"""The wait for code that runs in a container of its own: in the triggerer, without a worker."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Sequence

from airflow.triggers.base import BaseTrigger, TriggerEvent

from .hook import Status, YellowHook

FIRST, LONGEST, GROWTH = 0.5, 5.0, 1.5      # seconds between two looks


class YellowRunTrigger(BaseTrigger):
    """Asks `yellow job look RUN` until the code has ended or somebody has closed the run. It keeps nothing: after a restart of the triggerer it begins
    again. A look that fails is repeated: the run's deadline is Yellow's, and the wait's is the task's."""

    def __init__(self, command: Sequence[str], run: str) -> None:
        super().__init__()
        self.command = list(command)
        self.run_id = run

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "yellow_airflow.trigger.YellowRunTrigger", {"command": self.command, "run": self.run_id}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        hook = YellowHook(self.command)
        interval = FIRST
        while True:
            try:
                outcome, said = await hook.look(["job", "look", self.run_id])
                # Also when somebody has taken the next step by hand, and it is finished.
                if outcome.status == Status.DONE and outcome.state != "running":
                    yield TriggerEvent({"state": outcome.state, "reason": outcome.reason})
                    return
                if outcome.status == Status.USAGE:
                    yield TriggerEvent({"state": "unknown", "reason": outcome.reason or said})
                    return
                if outcome.status != Status.DONE:
                    self.log.warning("could not look at run %s (exit status %s), which is tried again: %s", self.run_id, outcome.status, outcome.reason or said)
            except OSError as error:
                self.log.warning("could not look at run %s, which is tried again: %s", self.run_id, error)
            await asyncio.sleep(interval)
            interval = min(interval * GROWTH, LONGEST)
