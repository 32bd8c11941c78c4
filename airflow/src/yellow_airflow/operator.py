"""Tasks that are one call of `yellow` each, safe to run twice, to clear, by hand, and beside `yellow serve`."""

from __future__ import annotations

import datetime
from typing import Any, Mapping, Optional, Sequence

from airflow.sdk import BaseOperator, Context, conf
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from .hook import Outcome, Status, YellowHook
from .trigger import YellowRunTrigger

# The conf of a DAG run that Yellow itself has called for: its node is due, and nobody has to ask for it.
DUE = "yellow_due"
BEGINNING = datetime.timedelta(minutes=15)      # until the code of a run has begun, at the latest, and a look has seen its end


class YellowOperator(BaseOperator):
    """Calls `yellow ARGUMENT...`; its stderr is the task's log. `command` is the program with the options that every call has; no secret belongs into either.

    Exit status 0 is success; 1 and 2 fail without a retry, with Yellow's reason; 10 (nothing is due) skips the task, so that it makes no asset event;
    all else is tried again."""

    template_fields = ("arguments",)
    ui_color = "#fff3bf"
    # Whether an end with 10 skips the task.
    skips = True

    def __init__(self, *, command: Sequence[str], arguments: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = list(command)
        self.arguments = list(arguments)
        self._hook: Optional[YellowHook] = None

    def execute(self, context: Context) -> Any:
        return self.finish(context, self.call(self.all_arguments(context)))

    def all_arguments(self, context: Context) -> list[str]:
        return list(self.arguments)

    def finish(self, context: Context, outcome: Outcome) -> Any:
        """What the task hands on; called when Yellow has done it."""
        return None

    def call(self, arguments: Sequence[str]) -> Outcome:
        self._hook = YellowHook(self.command)
        self.log.info("yellow %s", " ".join(arguments))
        last = ""

        def log(line: str) -> None:
            nonlocal last
            self.log.info("%s", line)
            last = line or last

        try:
            outcome = self._hook.call(arguments, log)
        except OSError as error:
            why = f"{self.command[0]} cannot be started: {error}. The program must be on every worker, where the compiled file says"
            raise AirflowFailException(why) from error
        why = outcome.reason or outcome.state or last
        if outcome.status == Status.DONE or (outcome.status == Status.NOTHING_DUE and not self.skips):
            if not outcome.document:
                raise AirflowException(f"yellow {' '.join(arguments)} ended well and printed no result")
            return outcome
        if outcome.status == Status.NOTHING_DUE:
            raise AirflowSkipException(f"nothing is due: {why}")
        if outcome.status in (Status.FINDING, Status.USAGE):
            raise AirflowFailException(why)
        if outcome.status == Status.BUSY:
            raise AirflowException(f"somebody else is at it: {why}")
        raise AirflowException(f"yellow has ended by signal {-outcome.status}" if outcome.status < 0 else f"{why} (exit status {outcome.status})")

    def on_kill(self) -> None:
        if self._hook is not None:
            self._hook.terminate()


class YellowJobOperator(YellowOperator):
    """`yellow job ARGUMENT...`; what begins something tells Yellow the DAG run that it belongs to. Hands on the batch's number, or the run's id."""

    BEGINS = ("open", "ingest")

    def all_arguments(self, context: Context) -> list[str]:
        who = ["--by", f"airflow {context['ti'].dag_id} {context['run_id']}"] if self.arguments[0] in self.BEGINS else []
        return ["job", *self.arguments, *who]

    def finish(self, context: Context, outcome: Outcome) -> Any:
        if outcome.state == "consumed":
            raise AirflowSkipException(f"consumed without a run: {outcome.reason}")
        if outcome.run:
            self.log.info("Yellow's run %s: %s", outcome.run, outcome.state)
        if outcome.batch:
            self.log.info("Yellow's batch %s: %s", outcome.batch, outcome.state)
            for asset in self.outlets:
                context["outlet_events"][asset].extra["batch"] = outcome.batch
        return outcome.batch or outcome.run


class YellowIngestOperator(YellowJobOperator):
    """`yellow job ingest NODE`. Of a source stream a person, or a DAG, may ask: then the batch is read although it is not time, but only if none was opened
    since they asked, so that a repeated, cleared or doubled task finds nothing due. The stream of an output is due when its run has ended, and never because somebody asks."""

    def __init__(self, *, asked: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked = asked

    def all_arguments(self, context: Context) -> list[str]:
        run = context["dag_run"]
        by_somebody = str(getattr(run.run_type, "value", run.run_type)) in ("manual", "operator_triggered") and not (run.conf or {}).get(DUE)
        since = run.run_after.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        return [*super().all_arguments(context), *(("--asked-at", since) if self.asked and by_somebody else ())]


class YellowLaunchOperator(YellowJobOperator):
    """`yellow job launch RUN`: the code, inside the call, or in a container of its own, which is waited for without a worker.
    `timeout`: the run's, in seconds."""

    def __init__(self, *, run: str, timeout: Optional[float] = None, **kwargs: Any) -> None:
        super().__init__(arguments=["launch", run], **kwargs)
        self.timeout = timeout

    def finish(self, context: Context, outcome: Outcome) -> Any:
        if outcome.state != "launched":
            return self.ended(outcome.run, outcome.state, outcome.reason)
        self.log.info("the code of run %s is under way", outcome.run)
        return self.defer(trigger=YellowRunTrigger(self.command, outcome.run), method_name="resume", kwargs={"run": outcome.run},
                          timeout=None if self.timeout is None else datetime.timedelta(seconds=self.timeout) + BEGINNING)

    def resume(self, context: Context, event: Mapping[str, str], run: str) -> str:
        return self.ended(run, event["state"], event["reason"])

    def ended(self, run: str, state: str, reason: str) -> str:
        """The verdict is of the task that closes the run; here is only what is known now."""
        self.log.info("the code of run %s has %s%s", run, "ended" if state in ("ended", "finished") else f"been left: {state}", f": {reason}" if reason else "")
        if reason and state != "closed":
            raise AirflowFailException(reason)
        return run


class YellowCloseOperator(YellowJobOperator):
    """`yellow job close RUN`: waits for the end of its code, and records what became of it. When the code's task has failed, because somebody has ended it
    or its time was over, code that is still at work is ended first."""

    def __init__(self, *, run: str, code: str, **kwargs: Any) -> None:
        super().__init__(arguments=["close", run], **kwargs)
        self.code = code

    def execute(self, context: Context) -> Any:
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[self.code], run_ids=[context["run_id"]])
        if states.get(context["run_id"], {}).get(self.code) == "failed":
            self.end_code()
        return super().execute(context)

    def end_code(self) -> None:
        run = self.arguments[1]
        if self.call(["job", "look", run]).state != "running":
            return
        try:
            self.call(["runs", "cancel", run])
        except AirflowFailException as error:
            self.log.warning("run %s could not be cancelled, which is right if it has ended by now: %s", run, error)


class YellowDueOperator(YellowJobOperator):
    """`yellow job due`: closes what was left open, and hands on the DAGs whose node is due, as many as may be mapped; the others have their turn next time."""

    skips = False       # it may have closed something

    def __init__(self, *, dags: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(arguments=["due"], **kwargs)
        self.dags = dict(dags)

    def finish(self, context: Context, outcome: Outcome) -> list[str]:
        for run in outcome.document["closed"]:
            self.log.warning("run %s was opened and not closed until its deadline: it is closed now", run)
        nodes = [entry["node"] for entry in outcome.document["due"]]
        if unknown := sorted(set(nodes) - set(self.dags)):
            self.log.warning("the DAG files do not know %s: write them again with `yellow render airflow`", ", ".join(unknown))
        dags = list(dict.fromkeys(self.dags[node] for node in nodes if node in self.dags))
        most = conf.getint("core", "max_map_length", fallback=1024)
        self.log.info("due: %s", ", ".join(dags[:most]) or "nothing")
        if dags[most:]:
            self.log.info("left for the next time: %s more", len(dags) - most)
        return dags[:most]


class YellowApplyOperator(YellowOperator):
    """`yellow apply`: makes the database what the model says; what destroys data is refused."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(arguments=["apply"], **kwargs)

    def finish(self, context: Context, outcome: Outcome) -> list[str]:
        changes = [f"{one['key']}: model version {one['model_version']}, {one['steps']} steps" if one["state"] == "applied" else f"{one['key']}: nothing to do"
                   for one in outcome.document]
        for change in changes:
            self.log.info("%s", change)
        return changes
