"""Makes the DAGs of one compiled file."""

from __future__ import annotations

import datetime
import functools
import os
from typing import Any, Callable, Iterator, MutableMapping, Optional

from airflow.sdk import DAG, Asset, AssetAll, AssetAny, CronTriggerTimetable, TriggerRule, get_parsing_context

from .compiled import Compiled, Ingest, Schedule, Transform, read
from .operator import (DUE, YellowApplyOperator, YellowCloseOperator, YellowDueOperator, YellowIngestOperator, YellowJobOperator,
                       YellowLaunchOperator)

# Any moment that is past: without catch-up it decides nothing.
START = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
RUN = "{{ ti.xcom_pull(task_ids='open') }}"
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
    for ingest in compiled.ingests:
        yield ingest.dag, lambda ingest=ingest: _ingest(compiled, ingest)
    for transform in compiled.transforms:
        yield transform.dag, lambda transform=transform: _transform(compiled, transform)
    yield f"{compiled.name}__reconcile", lambda: _reconcile(compiled)
    yield f"{compiled.name}__apply", lambda: _apply(compiled)


def _dag(name: str, schedule: Any, text: str, tags: list[str], team: str = "", priority: int = 1, **options: Any) -> DAG:
    owner = {"owner": team} if team else {}
    return DAG(name, schedule=schedule, start_date=START, catchup=False, max_active_runs=1, doc_md=text, tags=[*tags, *([team] if team else [])],
               default_args={**RETRIES, **owner, "priority_weight": priority, "weight_rule": "absolute"}, **options)


# The stream that writes it and all that read it name the same one.
_asset = functools.lru_cache(maxsize=None)(Asset)


def _when(schedule: Optional[Schedule]) -> Any:
    if schedule is None:
        return None
    if schedule.cron is not None:
        return CronTriggerTimetable(schedule.cron, timezone=schedule.timezone)
    if schedule.all_of:
        return AssetAll(*map(_asset, schedule.all_of))
    return AssetAny(*map(_asset, schedule.any_of))


def _ingest(compiled: Compiled, ingest: Ingest) -> DAG:
    what = f"Takes in what the transformer has written to `{ingest.node}`." if ingest.output else f"Reads the next batch of `{ingest.node}`, if it is due."
    # An output waits for nobody to unpause it: only its transformer starts it.
    options: dict[str, Any] = {"is_paused_upon_creation": False} if ingest.output else {}
    tags = ["yellow", compiled.name, "output" if ingest.output else "ingest"]
    text = f"{what}\n\nMore: `yellow explain {ingest.node}`"
    with _dag(ingest.dag, _when(ingest.schedule), text, tags, ingest.team, ingest.priority, **options) as dag:
        YellowIngestOperator(task_id="ingest", command=compiled.command, arguments=["ingest", ingest.node], asked=not ingest.output,
                             outlets=[*map(_asset, ingest.assets)])
    return dag


def _transform(compiled: Compiled, transform: Transform) -> DAG:
    from .start import StartDagOperator

    text = (f"Runs the code of `{transform.node}`, if it is due, and then `{transform.output}`, which takes its output in.\n\n"
            f"More: `yellow explain {transform.node}`")
    with _dag(transform.dag, _when(transform.schedule), text, ["yellow", compiled.name, "transform"], transform.team, transform.priority) as dag:
        begin = YellowJobOperator(task_id="open", command=compiled.command, arguments=["open", transform.node])
        code = YellowLaunchOperator(task_id="code", command=compiled.command, run=RUN, timeout=transform.timeout if transform.deferred else None)
        # Also when the code's task has failed or was killed: what was opened is closed.
        close = YellowCloseOperator(task_id="close", command=compiled.command, run=RUN, code="code", trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
        output = StartDagOperator(task_id="output", trigger_dag_id=transform.output, trigger_run_id=f"yellow_run__{RUN}", conf={DUE: True},
                                  wait_for_completion=True, deferrable=True, poke_interval=2, logical_date=None)
        for before, after in ((begin, code), (code, close), (begin, close), (close, output)):
            # As `before >> after`, which computes the hash of the whole DAG each time: half of what a thousand DAGs take.
            before.downstream_task_ids.add(after.task_id)
            after.upstream_task_ids.add(before.task_id)
    return dag


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
