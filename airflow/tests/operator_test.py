"""What the operators and the trigger make of a program's exit status and JSON, with real processes; in a real Airflow they are tried by tests/airflow."""

import asyncio
import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time
import unittest

import airflow  # noqa: F401
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from airflow.sdk.module_loading import import_string
from airflow.sdk.serde import deserialize, serialize

from structlog.testing import capture_logs

from yellow_airflow.hook import Outcome, YellowHook
from yellow_airflow.operator import YellowCloseOperator, YellowDueOperator, YellowJobOperator, YellowLaunchOperator
from yellow_airflow.trigger import YellowRunTrigger

# Says what the test has put down for it: one line of `answers` a call, the last one again and again.
PROGRAM = """import json, os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
with open(folder / "calls", "a") as calls:
    calls.write(json.dumps({"arguments": sys.argv[2:], "environment": dict(os.environ), "at": time.monotonic()}) + "\\n")
answers = json.loads((folder / "answers").read_text())
answer = answers.pop(0) if len(answers) > 1 else answers[0]
(folder / "answers").write_text(json.dumps(answers))
for line in answer.get("err", ()):
    print(line, file=sys.stderr, flush=True)
time.sleep(answer.get("sleep", 0))
print(answer.get("out", ""))
sys.exit(answer["status"])
"""


def said(status, state, reason=None, run="", batch=0, **more):
    return {"status": status, "out": json.dumps({"key": "Ingest/Main/Shop", "state": state, "reason": reason, "run": run, "batch": batch}), **more}


class ProgramCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "program.py").write_text(PROGRAM)
        self.command = [sys.executable, str(self.folder / "program.py"), str(self.folder)]

    def answers(self, *answers):
        (self.folder / "answers").write_text(json.dumps(answers))

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]


class OperatorTest(ProgramCase):
    def operator(self):
        return YellowJobOperator(task_id="task", command=self.command, arguments=["ingest", "Shop"])

    def call(self, answer):
        self.answers(answer)
        return self.operator().call(["job", "ingest", "Shop"])

    def refused(self, answer, kind, words):
        with self.assertRaises(kind) as caught:
            self.call(answer)
        self.assertIs(type(caught.exception), kind)
        self.assertRegex(str(caught.exception), words)

    def test_done(self):
        outcome = self.call(said(0, "committed", batch=7))
        self.assertEqual((outcome.state, outcome.batch, outcome.run, outcome.reason), ("committed", 7, "", ""))
        self.assertEqual(self.calls()[0]["arguments"], ["--output", "json", "job", "ingest", "Shop"])

    def test_exit_statuses(self):
        reason = {"code": "guard_empty", "text": "customers had 5 rows, now none"}
        error = {"error": {"code": "usage", "text": "there is no node Shopp", "remedy": "did you mean Shop?", "retryable": False}}
        for answer, kind, words in (
                (said(1, "held", reason), AirflowFailException, r"^customers had 5 rows, now none \(guard_empty\)$"),
                ({"status": 2, "out": json.dumps(error)}, AirflowFailException, r"^there is no node Shopp; did you mean Shop\?$"),
                ({"status": 3, "out": "", "err": ["the database does not answer"]}, AirflowException, r"^the database does not answer \(exit status 3\)$"),
                (said(10, "nothing_due", {"code": "not_yet", "text": "its next tick is at 05:00"}), AirflowSkipException, "its next tick is at 05:00"),
                (said(11, "busy"), AirflowException, "^somebody else is at it"),
                ({"status": 0, "out": "not JSON"}, AirflowException, "printed no result"),
                ({"status": 77, "out": ""}, AirflowException, "exit status 77")):
            with self.subTest(answer):
                self.refused(answer, kind, words)

    def test_no_such_program(self):
        operator = YellowJobOperator(task_id="task", command=["/nowhere/yellow"], arguments=["due"])
        with self.assertRaisesRegex(AirflowFailException, "/nowhere/yellow cannot be started.*must be on every worker"):
            operator.call(["job", "due"])

    def test_nothing_goes_through_a_shell(self):
        self.answers(said(0, "committed"))
        self.operator().call(["job", "ingest", "$(touch /tmp/no); Shop *"])
        self.assertEqual(self.calls()[0]["arguments"][-1], "$(touch /tmp/no); Shop *")

    def test_airflows_settings_stay_with_airflow(self):
        os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = "postgresql://canary"
        self.addCleanup(os.environ.pop, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
        self.call(said(0, "committed"))
        self.assertNotIn("canary", json.dumps(self.calls()))
        self.assertIn("PATH", self.calls()[0]["environment"])

    def test_stderr_comes_line_by_line_while_it_runs(self):
        self.answers(said(0, "committed", err=["first 100 %", "second"], sleep=1))
        lines = []
        YellowHook(self.command).call(["job", "ingest", "Shop"], lambda line: lines.append((line, time.monotonic())))
        ended = time.monotonic()
        self.assertEqual([line for line, _ in lines], ["first 100 %", "second"])
        self.assertGreater(ended - lines[-1][1], 0.8)
        with capture_logs() as logs:
            self.call(said(0, "committed", err=["first 100 %"]))
        self.assertEqual([(entry["log_level"], entry["event"]) for entry in logs], [("info", "yellow job ingest Shop"), ("info", "first 100 %")])

    def test_much_output_on_both(self):
        self.answers(said(0, "committed", err=["x" * 1000] * 1000, reason={"code": "c", "text": "y" * 300000}))
        outcome = YellowHook(self.command).call([], lambda line: None)
        self.assertEqual(len(outcome.reason), 300004)

    def test_kill(self):
        operator = self.operator()
        self.answers(said(0, "committed", sleep=60))
        killer = threading.Timer(1, operator.on_kill)
        killer.start()
        began = time.monotonic()
        with self.assertRaisesRegex(AirflowException, f"ended by signal {signal.SIGTERM:d}"):
            operator.call(["job", "ingest", "Shop"])
        self.assertLess(time.monotonic() - began, 20)
        killer.join()
        operator.on_kill()      # once more is no error

    def test_consumed_is_skipped(self):
        with self.assertRaisesRegex(AirflowSkipException, "unchanged"):
            self.operator().finish({}, Outcome(0, {"state": "consumed", "reason": {"code": "unchanged", "text": "its inputs are unchanged"}}))

    def test_due(self):
        operator = YellowDueOperator(task_id="due", command=self.command, dags={"Shop": "main__Shop__ingest", "Mask": "main__Mask__transform"})
        due = operator.finish({}, Outcome(0, {"due": [{"node": "Mask"}, {"node": "New"}, {"node": "Shop"}], "closed": ["1", "2"]}))
        self.assertEqual(due, ["main__Mask__transform", "main__Shop__ingest"])
        self.answers({"status": 10, "out": json.dumps({"due": [], "closed": ["3"]})})
        self.assertEqual(operator.finish({}, operator.call(["job", "due"])), [])
        many = {f"S{i}": f"d{i}" for i in range(2000)}
        operator = YellowDueOperator(task_id="due", command=self.command, dags=many)
        self.assertEqual(len(operator.finish({}, Outcome(0, {"due": [{"node": node} for node in many], "closed": []}))), 1024)


class LaunchTest(ProgramCase):
    def setUp(self):
        super().setUp()
        self.operator = YellowLaunchOperator(task_id="code", command=self.command, run="r1", timeout=60)

    def test_code_in_a_container_is_waited_for_elsewhere(self):
        with self.assertRaises(TaskDeferred) as caught:
            self.operator.finish({}, Outcome(0, {"state": "launched", "reason": None, "run": "r1"}))
        deferred = caught.exception
        self.assertEqual((deferred.trigger.run_id, deferred.method_name, deferred.kwargs, deferred.timeout.total_seconds()), ("r1", "resume", {"run": "r1"}, 960))
        self.assertEqual(self.operator.resume({}, {"state": "ended", "reason": ""}, **deferred.kwargs), "r1")
        self.assertEqual(self.operator.resume({}, {"state": "closed", "reason": "cancelled"}, **deferred.kwargs), "r1")
        with self.assertRaisesRegex(AirflowFailException, "out of memory"):
            self.operator.resume({}, {"state": "ended", "reason": "out of memory"}, **deferred.kwargs)

    def test_code_inside_the_call(self):
        self.assertEqual(self.operator.finish({}, Outcome(0, {"state": "ended", "reason": None, "run": "r1"})), "r1")


class CloseTest(ProgramCase):
    def end_code(self, *answers):
        self.answers(*answers)
        YellowCloseOperator(task_id="close", command=self.command, run="r1", code="code").end_code()
        return [call["arguments"][2:] for call in self.calls()]

    def test_code_that_is_at_work_is_ended(self):
        self.assertEqual(self.end_code(said(0, "running"), said(0, "cancelled")), [["job", "look", "r1"], ["runs", "cancel", "r1"]])

    def test_code_that_has_ended_keeps_its_reason(self):
        self.assertEqual(self.end_code(said(0, "ended")), [["job", "look", "r1"]])

    def test_it_may_end_meanwhile(self):
        self.assertEqual(len(self.end_code(said(0, "running"), {"status": 1, "err": ["it is not open"]})), 2)


class TriggerTest(ProgramCase):
    def wait(self, trigger):
        async def first():
            async for event in trigger.run():
                return event
        return asyncio.run(first()).payload

    def test_until_it_has_ended(self):
        running = said(0, "running", run="r1")
        self.answers(running, {"status": 3, "out": "", "err": ["the database does not answer"]}, running, said(0, "ended", run="r1"))
        with capture_logs() as logs:
            self.assertEqual(self.wait(YellowRunTrigger(self.command, "r1")), {"state": "ended", "reason": ""})
        self.assertEqual([entry["event"] for entry in logs], ["could not look at run r1 (exit status 3), which is tried again: the database does not answer"])
        calls = self.calls()
        self.assertEqual([call["arguments"] for call in calls], [["--output", "json", "job", "look", "r1"]] * 4)
        between = [after["at"] - before["at"] for before, after in zip(calls, calls[1:])]
        for interval, least in zip(between, (0.5, 0.75, 1.12)):
            self.assertGreater(interval, least)

    def test_ends_that_are_not_good(self):
        for answer, event in ((said(0, "finished", run="r1"), {"state": "finished", "reason": ""}),
                              (said(0, "closed", {"code": "cancelled", "text": "by somebody"}), {"state": "closed", "reason": "by somebody (cancelled)"}),
                              ({"status": 2, "err": ["there is no run r1"]}, {"state": "unknown", "reason": "there is no run r1"})):
            self.answers(answer)
            self.assertEqual(self.wait(YellowRunTrigger(self.command, "r1")), event)

    def test_a_program_that_is_away_is_tried_again(self):
        away = pathlib.Path(self.folder, "yellow")
        self.answers(said(0, "ended"))

        def come():
            away.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{self.folder}/program.py' '{self.folder}' \"$@\"\n")
            away.chmod(0o755)
        coming = threading.Timer(1, come)
        coming.start()
        with capture_logs() as logs:
            self.assertEqual(self.wait(YellowRunTrigger([str(away)], "r1"))["state"], "ended")
        self.assertIn("No such file", logs[0]["event"])
        coming.join()

    def test_as_the_triggerer_keeps_it(self):
        path, arguments = YellowRunTrigger(["yellow", "--project", "/p"], "r1").serialize()
        again = import_string(path)(**deserialize(json.loads(json.dumps(serialize(arguments)))))
        self.assertEqual(again.serialize(), (path, arguments))

    def test_a_cancelled_look_leaves_no_process(self):
        self.answers(said(0, "launched", sleep=60))

        async def cancel():
            task = asyncio.create_task(anext(YellowRunTrigger(self.command, "r1").run()))
            while not (self.folder / "calls").exists():
                await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        asyncio.run(cancel())
        left = [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(self.folder).encode() in self.read(path)]
        self.assertEqual(left, [])

    def read(self, path):
        try:
            return path.read_bytes()
        except OSError:
            return b""


if __name__ == "__main__":
    unittest.main()
