"""The start of another DAG, under an id that is decided beforehand."""

from __future__ import annotations

from typing import Any, Mapping

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.providers.standard.triggers.external_task import DagStateTrigger
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

ACTIVE = ["queued", "running"]


class StartDagOperator(TriggerDagRunOperator):
    """Starts the DAG run of this id once: a task that was cleared or tried again finds it, waits for it if it is under way, and runs it again only
    if it has failed. `unless_active`: skips when the DAG has an active run, or is paused."""

    def __init__(self, *, unless_active: bool = False, **kwargs: Any) -> None:
        # Should another start it in the very moment between the question and the start, it is started.
        super().__init__(skip_when_already_exists=True, **kwargs)
        self.unless_active = unless_active

    def execute(self, context: Context) -> None:
        ti = context["ti"]
        dag, run = self.trigger_dag_id, str(self.trigger_run_id)
        if ti.get_dag(dag).is_paused:
            if self.unless_active:
                raise AirflowSkipException(f"{dag} is paused")
            raise AirflowException(f"{dag} is paused: unpause it, or nothing goes on")
        if ti.get_dr_count(dag_id=dag, run_ids=[run]) > 0:
            state = ti.get_dagrun_state(dag_id=dag, run_id=run)
            self.log.info("%s has the run %s: %s", dag, run, state)
            if state != "failed":
                if self.wait_for_completion and state in ACTIVE:
                    ends = [*self.allowed_states, *self.failed_states]
                    self.defer(trigger=DagStateTrigger(dag_id=dag, states=ends, run_ids=[run], poll_interval=self.poke_interval), method_name="execute_complete")
                return
            self.reset_dag_run = True
        elif self.unless_active and ti.get_dr_count(dag_id=dag, states=ACTIVE) > 0:
            raise AirflowSkipException(f"{dag} is under way")
        super().execute(context)

    def execute_complete(self, context: Context, event: tuple[str, Mapping[str, Any]]) -> None:
        """What has failed there has been tried again there."""
        try:
            super().execute_complete(context, event)
        except AirflowException as error:
            raise AirflowFailException(f"{error}: its own task has Yellow's reason") from error
