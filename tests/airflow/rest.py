"""Airflow's REST API as the tests speak it."""

import http.client
import json
import urllib.parse

import settings

TAKEN_UP = ("queued", "running")


class Refused(Exception):
    """The API's answer when it is not what was asked for."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:1000]}")
        self.status = status


class Rest:
    """`folder` and `state` are the private Airflow's."""

    def __init__(self, folder, state):
        self.port = state["ports"]["api"]
        self.headers = {"Content-Type": "application/json"}
        token = self.ask("POST", "/auth/token", {"username": settings.USER, "password": settings.password(folder)})["access_token"]
        self.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, self.headers)
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refused(answer.status, said)
        return json.loads(said) if said else None

    def get(self, path, **query):
        return self.ask("GET", f"/api/v2{path}{'?' + urllib.parse.urlencode(query, doseq=True) if query else ''}")

    def import_errors(self):
        return self.get("/importErrors")["import_errors"]

    def dags(self):
        return {dag["dag_id"]: dag for dag in self.get("/dags", limit=100)["dags"]}

    def trigger(self, dag):
        """By hand; the id of the new run."""
        return self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"logical_date": None})["dag_run_id"]

    def runs(self, dag="~", **query):
        """The newest first."""
        return self.get(f"/dags/{dag}/dagRuns", order_by="-run_after", limit=100, **query)["dag_runs"]

    def active(self):
        return self.runs(state=TAKEN_UP)

    def tasks(self, dag, run):
        """Name to instance; of a mapped task the last one."""
        return {task["task_id"]: task for task in self.get(f"/dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances")["task_instances"]}

    def states(self, dag, run):
        return {name: task["state"] for name, task in self.tasks(dag, run).items()}

    def clear(self, dag, run, tasks):
        """These tasks alone, whatever became of them."""
        self.ask("POST", f"/api/v2/dags/{dag}/clearTaskInstances", {"dry_run": False, "dag_run_id": run, "task_ids": tasks, "only_failed": False, "reset_dag_runs": True})

    def mark(self, dag, run, task, state):
        """As a person does it in Airflow's page."""
        self.ask("PATCH", f"/api/v2/dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances/{task}", {"new_state": state})

    def log(self, dag, run, task):
        tries = self.tasks(dag, run)[task]["try_number"]
        return json.dumps(self.get(f"/dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances/{task}/logs/{tries}"), ensure_ascii=False)

    def xcom(self, dag, run, task, key="return_value"):
        return self.get(f"/dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances/{task}/xcomEntries/{key}")["value"]

    def events(self, uri):
        """Of the asset, the newest first."""
        [asset] = self.get("/assets", uri_pattern=uri)["assets"]
        return self.get("/assets/events", asset_id=asset["id"], order_by="-timestamp", limit=100)["asset_events"]
