"""Code that runs beside Airflow's workers, in containers (`code_test.py podman`, needs root) or in pods (`code_test.py kubernetes`, needs the cluster that
YELLOW_KUBERNETES names): no worker is held while it runs, a triggerer that is killed loses nothing, and a task that somebody ends ends the code."""

import json
import pathlib
import sys
import unittest

from case import AirflowCase, airflow, wait     # which makes the others be found

WHERE = sys.argv.pop(1) if len(sys.argv) > 1 and sys.argv[1] in ("podman", "kubernetes") else "podman"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "containers"))

from outlives import MASK, slow_mask  # noqa: E402

DAG = "Main__MaskShop__transform"
FAILS = "print('the printer is on fire')\nraise SystemExit(3)\n"

if WHERE == "kubernetes":
    from pods import Namespace, PodShop, Registry

    def setUpModule():
        global registry, namespace
        registry = Registry()
        unittest.addModuleCleanup(registry.close)
        namespace = Namespace("airflow-test")
        unittest.addModuleCleanup(namespace.remove)

    def make_project():
        return PodShop(registry.mask, namespace)

    def places():
        """Where code is at work."""
        return namespace.names(namespace.jobs)
else:
    sys.argv.insert(1, "podman")    # which it takes away
    import container_test
    from container_test import setUpModule  # noqa: F401

    def make_project():
        project = container_test.Shop.make_shop()
        project.demo()
        return project

    def places():
        return [name for name in container_test.containers() if name.startswith("yellow_run_")]


class CodeTest(AirflowCase):
    @classmethod
    def setUpClass(cls):
        project = make_project()
        cls.addClassCleanup(project.close)
        assert project.yellow("run", "--apply").status == 0
        cls.start(project)

    def code(self, script):
        """A changed definition makes the transformer due."""
        model = self.project.root / "model/mask_shop.yaml"
        lines = model.read_text().splitlines()
        place = next(place for place, line in enumerate(lines) if line.startswith("  code:"))
        lines[place] = "  code: " + json.dumps({"image": "shop/mask-customers", "command": ["python3", "-c", script]})
        model.write_text("\n".join(lines) + "\n")
        self.yellow("apply")

    def begin(self, script):
        """Its DAG run, whose code is at work and whose task is deferred."""
        self.code(script)
        run = self.trigger(DAG)
        wait("a deferred task", lambda: self.rest.states(DAG, run).get("code") == "deferred")
        wait("the code", places)
        return run

    def assert_right(self):
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})
        # What a run that was cancelled has left, it removes.
        self.trigger_and_settle("shop__reconcile")
        wait("nothing is left", lambda: not places())

    def test_a_triggerer_is_killed_while_the_code_runs(self):
        run = self.begin(slow_mask(15))
        self.assertTrue(all(task["state"] != "running" for task in self.rest.tasks(DAG, run).values()), "no worker is held")
        self.kill("triggerer")
        airflow("up")
        self.settle()
        self.assertEqual(set(self.rest.states(DAG, run).values()), {"success"})
        self.assertEqual(self.yellow_runs("MaskShop")[0]["state"], "committed")
        self.assert_right()

    def test_code_that_fails(self):
        self.code(FAILS)
        run = self.trigger_and_settle(DAG)
        self.assertEqual({name: state for name, state in self.rest.states(DAG, run).items() if name != "code"}, {"open": "success", "close": "failed", "output": "upstream_failed"})
        self.assertIn("exit status 3", self.rest.log(DAG, run, "close"))
        self.assert_right()

    def test_a_task_that_somebody_ends(self):
        run = self.begin("import time\ntime.sleep(3600)\n")
        self.rest.mark(DAG, run, "code", "failed")
        wait("the end", lambda: self.rest.states(DAG, run)["close"] == "failed")
        self.settle()
        self.assertEqual(self.yellow_runs("MaskShop")[0]["state"], "cancelled")
        self.code(MASK)
        self.assertEqual(self.rest.states(DAG, run)["output"], "upstream_failed")
        self.assertEqual(set(self.rest.states(DAG, self.trigger_and_settle(DAG)).values()), {"success"})
        self.assert_right()


if __name__ == "__main__":
    unittest.main(verbosity=2)
