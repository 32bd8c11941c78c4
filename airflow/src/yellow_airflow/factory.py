"""Makes the DAGs of one compiled file."""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
from typing import Any, Callable, ContextManager, Iterable, Iterator, MutableMapping, Optional, TypeVar

from airflow.sdk import (DAG, Asset, AssetAll, AssetAny, AssetOrTimeSchedule, BaseOperator, CronTriggerTimetable, MultipleCronTriggerTimetable, TaskGroup,
                         TriggerRule, get_parsing_context)

from .compiled import Compiled, Ingest, Schedule, Transform, read
from .operator import (DUE, YellowApplyOperator, YellowCloseOperator, YellowDueOperator, YellowIngestOperator, YellowJobOperator,
                       YellowLaunchOperator)

Node = TypeVar("Node", Ingest, Transform)

# Any moment that is past: without catch-up it decides nothing.
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
RETRIES = {"retries": 5, "retry_delay": datetime.timedelta(seconds=10), "retry_exponential_backoff": 2.0, "max_retry_delay": datetime.timedelta(minutes=10)}
RECONCILE_PRIORITY = 1000     # before all that it starts


def build(compiled_path: str | os.PathLike[str], namespace: MutableMapping[str, Any]) -> None:
    """Puts the DAGs of the compiled file into the namespace of the DAG file that calls it; inside a task, that task's DAG alone."""
    compiled = read(compiled_path)
    wanted = get_parsing_context().dag_id
    for name, make in _makers(compiled):
        if wanted is None or wanted == name:
            namespace[name] = make()


def _makers(compiled: Compiled) -> Iterator[tuple[str, Callable[[], DAG]]]:
    for dag, ingests in _by_dag(compiled.ingests):
        yield dag, lambda dag=dag, ingests=ingests: _ingests(compiled, dag, ingests)
    for dag, transforms in _by_dag(compiled.transforms):
        yield dag, lambda dag=dag, transforms=transforms: _transforms(compiled, dag, transforms)
    yield f"{compiled.name}__reconcile", lambda: _reconcile(compiled)
    yield f"{compiled.name}__apply", lambda: _apply(compiled)


def _by_dag(nodes: Iterable[Node]) -> Iterable[tuple[str, list[Node]]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.dag, []).append(node)
    return found.items()


def _dag(name: str, schedule: Any, text: str, tags: list[str], team: str = "", priority: int = 1, **options: Any) -> DAG:
    owner = {"owner": team} if team else {}
    return DAG(name, schedule=schedule, start_date=START, catchup=False, max_active_runs=1, doc_md=text, tags=[*tags, *([team] if team else [])],
               default_args={**RETRIES, **owner, "priority_weight": priority, "weight_rule": "absolute"}, **options)


def _group(node: Ingest | Transform) -> ContextManager[Any]:
    """Where its tasks stand: in a DAG of their own, or among others'."""
    return TaskGroup(node.group, default_args={"priority_weight": node.priority}) if node.group else contextlib.nullcontext()


# The stream that writes it and all that read it name the same one.
_asset = functools.lru_cache(maxsize=None)(Asset)


def _when(schedules: Iterable[Optional[Schedule]]) -> Any:
    """When a DAG starts: each of its nodes finds out whether it is due. Of several nodes those that wait for all of their assets are started by any, because what has arrived of
    theirs is forgotten when somebody else's start the DAG."""
    found = [schedule for schedule in schedules if schedule is not None]
    if len(found) == 1 and found[0].all_of:
        return AssetAll(*map(_asset, found[0].all_of))
    crons = list(dict.fromkeys(schedule.cron for schedule in found if schedule.cron is not None))
    uris = list(dict.fromkeys(uri for schedule in found for uri in (*schedule.any_of, *schedule.all_of)))
    assets = AssetAny(*map(_asset, uris)) if uris else None
    if not crons:
        return assets
    timezone = next(schedule.timezone for schedule in found if schedule.cron is not None)
    times = CronTriggerTimetable(crons[0], timezone=timezone) if len(crons) == 1 else MultipleCronTriggerTimetable(*crons, timezone=timezone)
    return times if assets is None else AssetOrTimeSchedule(timetable=times, assets=assets)


def _ingests(compiled: Compiled, name: str, ingests: list[Ingest]) -> DAG:
    first = ingests[0]
    if first.group:
        text = f"Reads the next batches of the team's streams, of each if it is due: {_listed(ingests)}."
    elif first.output:
        text = f"Takes in what the transformer has written to `{first.node}`."
    else:
        text = f"Reads the next batch of `{first.node}`, if it is due."
    # An output waits for nobody to unpause it: only its transformer starts it.
    options: dict[str, Any] = {"is_paused_upon_creation": False} if first.output else {}
    tags = ["yellow", compiled.name, "output" if first.output else "ingest"]
    with _dag(name, _when(ingest.schedule for ingest in ingests), f"{text}\n\nMore: `yellow explain {first.node}`", tags, first.team, first.priority, **options) as dag:
        for ingest in ingests:
            with _group(ingest):
                YellowIngestOperator(task_id="ingest", command=compiled.command, arguments=["ingest", ingest.node], asked=not ingest.output,
                                     outlets=[*map(_asset, ingest.assets)])
    return dag


def _listed(nodes: Iterable[Ingest | Transform]) -> str:
    return ", ".join(f"`{node.node}`" for node in nodes)


def _transforms(compiled: Compiled, name: str, transforms: list[Transform]) -> DAG:
    first = transforms[0]
    if first.group:
        text = f"Runs the code of the team's transformers, of each if it is due, and then what takes its output in: {_listed(transforms)}."
    else:
        text = f"Runs the code of `{first.node}`, if it is due, and then `{first.output}`, which takes its output in."
    text = f"{text}\n\nMore: `yellow explain {first.node}`"
    with _dag(name, _when(transform.schedule for transform in transforms), text, ["yellow", compiled.name, "transform"], first.team, first.priority) as dag:
        for transform in transforms:
            with _group(transform):
                _transform(compiled, transform)
    return dag


def _transform(compiled: Compiled, transform: Transform) -> None:
    from .start import StartDagOperator

    begin: BaseOperator = YellowJobOperator(task_id="open", command=compiled.command, arguments=["open", transform.node])
    run = f"{{{{ ti.xcom_pull(task_ids='{begin.task_id}') }}}}"
    code = YellowLaunchOperator(task_id="code", command=compiled.command, run=run, timeout=transform.timeout if transform.deferred else None)
    # Also when the code's task has failed or was killed: what was opened is closed.
    close = YellowCloseOperator(task_id="close", command=compiled.command, run=run, code=code.task_id, trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
    output = StartDagOperator(task_id="output", trigger_dag_id=transform.output, trigger_run_id=f"yellow_run__{run}", conf={DUE: True},
                              wait_for_completion=True, deferrable=True, poke_interval=2, logical_date=None)
    for before, after in ((begin, code), (code, close), (begin, close), (close, output)):
        # As `before >> after`, which computes the hash of the whole DAG each time: half of what a thousand DAGs take.
        before.downstream_task_ids.add(after.task_id)
        after.upstream_task_ids.add(before.task_id)


def _reconcile(compiled: Compiled) -> DAG:
    from .start import StartDagOperator

    dags = {node.node: node.dag for node in (*compiled.ingests, *compiled.transforms)}
    text = ("Starts what Yellow says is due, whatever became of the events that should have started it, and closes runs that were left open.\n\n"
            "More: `yellow status`")
    when = CronTriggerTimetable(compiled.reconcile, timezone="UTC")
    with _dag(f"{compiled.name}__reconcile", when, text, ["yellow", compiled.name], priority=RECONCILE_PRIORITY) as dag:
        due = YellowDueOperator(task_id="due", command=compiled.command, dags=dags)
        StartDagOperator.partial(task_id="start", trigger_run_id="yellow_due__{{ run_id }}", conf={DUE: True}, unless_active=True,
                                 logical_date=None).expand(trigger_dag_id=due.output)
    return dag


def _apply(compiled: Compiled) -> DAG:
    text = ("By hand, after the model has changed: makes the database what the model says (`yellow plan` shows it beforehand). "
            "What destroys data is refused.\n\nNew streams and transformers get their DAGs with `yellow render airflow`.")
    with _dag(f"{compiled.name}__apply", None, text, ["yellow", compiled.name]) as dag:
        YellowApplyOperator(task_id="apply", command=compiled.command)
    return dag
