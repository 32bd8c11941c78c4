"""The compiled file: what `yellow render airflow` has decided, as values. Read at each parse of the DAG file: no database, no network, no secret."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, Mapping, Optional

FORMAT = 2


class CompiledError(ValueError):
    """The file is not one that this version of the package can read."""


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Exactly one of: a cron expression with its time zone; any of these assets; all of them."""

    cron: Optional[str] = None
    timezone: str = "UTC"
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Optional[Mapping[str, Any]]) -> Optional[Schedule]:
        if value is None:
            return None
        if "cron" in value:
            return cls(cron=value["cron"], timezone=value["timezone"])
        return cls(any_of=tuple(value.get("any", ())), all_of=tuple(value.get("all", ())))


@dataclasses.dataclass(frozen=True)
class Ingest:
    """A stream. `output`: what a transformer writes, which has no schedule of its own. `group`: of its tasks in a DAG that several share, whose crons are of one time zone;
    empty when the DAG is its own."""

    dag: str
    node: str
    schedule: Optional[Schedule]
    assets: tuple[str, ...]
    priority: int
    team: str
    output: bool
    group: str


@dataclasses.dataclass(frozen=True)
class Transform:
    """A DataTransformer. `output` is the DAG that takes its output in; `deferred`: the code runs in a container of its own, for which no worker waits;
    `timeout` in seconds; `group` as of a stream."""

    dag: str
    node: str
    schedule: Optional[Schedule]
    output: str
    deferred: bool
    timeout: Optional[float]
    priority: int
    team: str
    group: str


@dataclasses.dataclass(frozen=True)
class Compiled:
    """`command` is the program with the options that every call of it has."""

    name: str
    command: tuple[str, ...]
    reconcile: str
    ingests: tuple[Ingest, ...]
    transforms: tuple[Transform, ...]


def read(path: str | os.PathLike[str]) -> Compiled:
    with open(path, encoding="utf-8") as file:
        try:
            document = json.load(file)
        except ValueError as error:
            raise CompiledError(f"{path} is not JSON: {error}\n  = write it again with `yellow render airflow`") from error
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise CompiledError(f"{path} has format {found}, and this yellow-airflow reads format {FORMAT}\n"
                            "  = install the yellow-airflow that belongs to this `yellow`, or write the file again with `yellow render airflow`")
    try:
        return Compiled(name=document["name"], command=tuple(document["command"]), reconcile=document["reconcile"],
                        ingests=tuple(_ingest(entry) for entry in document["ingests"]), transforms=tuple(_transform(entry) for entry in document["transforms"]))
    except (KeyError, TypeError) as error:
        raise CompiledError(f"{path} lacks what format {FORMAT} has: {error}\n  = write it again with `yellow render airflow`") from error


def _ingest(entry: Mapping[str, Any]) -> Ingest:
    return Ingest(dag=entry["dag"], node=entry["node"], schedule=Schedule.of(entry["schedule"]), assets=tuple(entry["assets"]), priority=entry["priority"],
                  team=entry["team"], output=entry["output"], group=entry["group"])


def _transform(entry: Mapping[str, Any]) -> Transform:
    return Transform(dag=entry["dag"], node=entry["node"], schedule=Schedule.of(entry["schedule"]), output=entry["output"], deferred=entry["deferred"],
                     timeout=entry["timeout"], priority=entry["priority"], team=entry["team"], group=entry["group"])
