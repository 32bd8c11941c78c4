"""What programs read: with --output json every command prints one document that follows the schema that the program gives of it, whatever the state of things."""

import json
import pathlib
import re
import signal
import subprocess
import time
import unittest

from jsonschema import Draft202012Validator

from project import YELLOW, Project

# What fetches real data is asked in flights_test.py, what needs a recording in tests/recorder, what needs several people in access_*_test.py.
ELSEWHERE = {"demo flights", "access replay", "access shell", "access sql", "erase"} | {f"access {word}" for word in (
    "accept activate approve break-glass deny edit escalate list release report request review revoke scopes show statements withdraw").split()}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
WORKER = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  retries: 0
  output: {datastore: Work, datasets: {people: {key: [id], columns: {id: varchar(20)}}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.people]}}
"""


def words_of_help(*words):
    """The commands that the help of a command lists."""
    text = subprocess.run([YELLOW, *words, "--help"], capture_output=True, text=True, check=True).stdout
    sections = re.findall(r"^(?!Options|Positionals|Examples|Usage)[^\n:]*:\n((?:  .*\n)+)", text, re.M)
    return [line.split()[0] for section in sections for line in section.splitlines() if line[2] != " "]


def commands():
    """Every command of the program that does something itself."""
    found = set()
    for first in words_of_help():
        below = words_of_help(first)
        found |= {f"{first} {second}" for second in below}
        if not below or first in ("init", "demo"):
            found.add(first)
    return found


def objects(schema):
    """Every part of a schema that describes an object."""
    if isinstance(schema, list):
        for part in schema:
            yield from objects(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)


class Outputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = commands()
        cls.schemas = {}
        for name in sorted(cls.commands | {"error"}):
            schema = json.loads(subprocess.run([YELLOW, "export", "json-schema", "--of", *name.split()], capture_output=True, text=True, check=True).stdout)
            Draft202012Validator.check_schema(schema)
            cls.schemas[name] = schema
        cls.seen = set()
        cls.project = Project().unscheduled()
        cls.addClassCleanup(cls.project.close)

    def document(self, result, name):
        """Exactly one document stands on stdout, and it is what the schema says."""
        self.assertTrue(result.out.strip(), (name, result))
        document = json.loads(result.out)
        self.follow(document, name)
        return document

    def follow(self, document, name):
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in Draft202012Validator(self.schemas[name]).iter_errors(document)]
        self.assertEqual(errors, [], (name, document))

    def ask(self, name, *arguments, status=0, project=None):
        """What a command prints that does its work."""
        result = (project or self.project).yellow(*name.split(), *arguments, "--output", "json")
        self.assertEqual(result.status, status, (name, result))
        document = self.document(result, name)
        self.assertFalse(isinstance(document, dict) and "error" in document, result)
        self.seen.add(name)
        return document

    def refused(self, name, *arguments, status, project=None):
        """The error of one that cannot; people read the same on stderr."""
        result = (project or self.project).yellow(*name.split(), *arguments, "--output", "json")
        self.assertEqual(result.status, status, (name, result))
        document = self.document(result, name)
        self.assertEqual(list(document), ["error"], result)
        self.follow(document, "error")
        self.assertIn(document["error"]["text"].splitlines()[0], result.err)
        return document["error"]

    def ask_what_is_there(self, status=0):
        """The commands that only look, in whatever state the project is."""
        self.ask("status", status=status)
        listed = {name: self.ask(name) for name in ("streams list", "batches list", "runs list", "plan", "graph", "lint", "export privileges")}
        for stream in ("Shop", "ShopMasked"):
            self.ask("batches show", stream)
            self.ask("explain", stream)
            self.ask("explain", stream, "--batch", str(self.ask("batches show", stream)["id"]))
        for node in ("MaskShop", "Trigger/Main/MaskShop", "Shop.customers"):
            self.ask("explain", node)
        for run in listed["runs list"][:2]:
            self.assertEqual(self.ask("runs show", run["id"])["id"], run["id"])
            self.ask("runs logs", run["id"])
        for name, items in listed.items():
            if name == "graph":
                continue
            for item in items:
                self.assertTrue(("key" in item or "id" in item) and {"state", "reason"} <= item.keys(), (name, item))
        for batch in listed["batches list"]:
            self.assertRegex(batch["opened_at"], TIME)
        return listed

    def test_every_schema_is_closed_and_says_what_its_fields_are(self):
        for name, schema in self.schemas.items():
            for part in objects(schema):
                self.assertIn("additionalProperties", part, (name, part))
                self.assertEqual(set(part.get("required", [])) - set(part.get("properties", {})), set(), name)
        described = self.schemas["status"]["$defs"]["output"]["properties"]
        self.assertEqual([f for f, s in described.items() if not s.get("description")], [])
        mistyped = Project(None)
        self.addCleanup(mistyped.close)
        result = mistyped.yellow("export", "json-schema", "--of", "batch", "list")
        self.assertEqual((result.status, result.out), (2, ""))
        self.assertIn("did you mean batches list?", result.err)

    def test_a_field_that_is_not_described_would_be_seen(self):
        document = {"key": "Ingest/Main/Shop", "name": "Shop", "state": "ok", "reason": None, "batch": 1}
        self.follow([document], "streams list")
        for change in ({"extra": 1}, {"state": "fine"}, {"batch": "1"}, {"reason": {"code": "x"}}):
            with self.assertRaises(AssertionError, msg=change):
                self.follow([{**document, **change}], "streams list")
        with self.assertRaises(AssertionError):
            self.follow([{k: v for k, v in document.items() if k != "batch"}], "streams list")

    def test_whoever_cannot_do_its_work_says_so(self):
        nothing = Project(None)
        self.addCleanup(nothing.close)
        arguments = {"explain": ["Shop"], "sql": ["-c", "SELECT 1"], "streams pause": ["Shop"], "streams resume": ["Shop"], "batches show": ["Shop"],
                     "batches release": ["Shop"], "batches reject": ["Shop"], "batches replay": ["Shop"], "runs show": ["1"], "runs logs": ["1"], "runs retry": ["MaskShop"],
                     "runs cancel": ["1"], "rebuild": ["MaskShop"], "try": ["MaskShop"], "import postgres": ["--container", "ShopDB"],
                     "init transformer": ["Mask"], "job ingest": ["Shop"], "job transform": ["MaskShop"], "job open": ["MaskShop", "--by", "me"], "job launch": ["1"],
                     "job look": ["1"], "job close": ["1"], "render kubernetes": ["--image", "registry.example.com/yellow@sha256:" + "a" * 64],
                     "audit export": ["--to", "audit.jsonl"]}
        for name in sorted(self.commands - ELSEWHERE - {"init", "demo", "export json-schema", "access keygen"}):
            error = self.refused(name, *arguments.get(name, []), status=2, project=nothing)
            self.assertEqual(error["code"], "usage", name)
            self.assertTrue(error["remedy"], name)
        self.assertEqual(self.refused("status", "--brief", status=2, project=nothing)["remedy"].split()[0], "there")
        error = self.refused("lint", "--explain", "Y999", status=2, project=nothing)
        self.assertIn("no such code", error["text"])
        # A folder with a model that nobody has applied, and one that has mistakes.
        nothing.write("model/shop.yaml", "kind: Datastore\nname: Shop\n")
        self.assertEqual([f["state"] for f in self.ask("lint", status=1, project=nothing)][:1], ["error"])
        for name in ("plan", "apply", "graph", "test", "try"):
            error = self.refused(name, *arguments.get(name, []), status=1, project=nothing)
            self.assertEqual(error["code"], "model")
            self.assertGreaterEqual(len(error["findings"]), 1)
            self.assertEqual(error["findings"][0]["file"], "model/shop.yaml")
        self.refused("demo flights", "--from", "/nowhere.tar.gz", status=3, project=nothing)
        key = str(nothing.base / "reviewer.key")
        self.assertTrue(self.ask("access keygen", key, project=nothing)["public_key"].startswith("yellow-review-1:"))
        for name, arguments in (("access keygen", [key]), ("access replay", [key, "--key", key])):
            self.assertEqual(self.refused(name, *arguments, status=3, project=nothing)["code"], "recorder")

    def test_a_project_from_its_first_day(self):
        first = Project(None)
        self.addCleanup(first.close)
        folder = str(first.root)
        self.assertTrue(all(f["state"] == "written" for f in self.ask("init", folder, project=first)))
        for name in ("status", "streams list", "run"):
            self.assertEqual(self.refused(name, status=3, project=first)["code"], "not_applied")
        self.assertEqual([p["state"] for p in self.ask("plan", project=first)], ["changes"])
        self.assertEqual([b["state"] for b in self.ask("bootstrap", project=first)], ["embedded"])
        self.assertIn("CREATE ROLE", self.ask("bootstrap", "--print", project=first)[0]["sql"])
        plan = str(first.base / "plan.json")
        self.ask("plan", "-o", plan, project=first)
        self.follow(json.loads(pathlib.Path(plan).read_text()), "plan")
        self.assertEqual([a["state"] for a in self.ask("apply", plan, project=first)], ["applied"])
        self.assertEqual(self.refused("apply", plan, status=3, project=first)["code"], "stale_plan")
        for name in ("status", "streams list", "batches list", "runs list"):
            self.ask(name, project=first)
        self.ask("explain", "Example", project=first)
        self.assertEqual(self.ask("run", project=first)["batches"], 1)
        self.ask("init transformer", "CountPeople", project=first)
        self.assertEqual({t["state"] for t in self.ask("test", project=first)}, {"passed"})
        done = self.ask("run", "--apply", project=first)
        self.assertEqual((done["runs"], done["applied"][0]["state"]), (1, "applied"))
        sql = next(first.root.glob("model/**/*.sql"))
        sql.write_text(sql.read_text() + " WHERE false\n")
        self.assertEqual({t["state"] for t in self.ask("test", status=1, project=first)}, {"failed"})
        self.assertEqual({t["state"] for t in self.ask("try", "CountPeople", status=1, project=first)}, {"held"})
        self.assertEqual(self.ask("down", project=first)["state"], "stopped")
        self.assertEqual(self.ask("down", project=first)["state"], "not_running")

    def render_for_a_cluster(self):
        self.project.write("environments/cluster.yaml", "kind: Environment\nname: cluster\ncontainers: {MergeDB: {host: 10.0.0.7}, ShopDB: {host: 10.0.0.7}}\n"
                           "credentials: {shop_reader: {kubernetes: shop-reader}}\nclasses: {allowed: [pii]}\nlauncher: {kubernetes: {namespace: code}}\n")
        image = "registry.example.com/shop/yellow@sha256:" + "a" * 64
        printed = self.ask("render kubernetes", "--environment", "cluster", "--image", image)
        self.assertEqual([f["key"] for f in printed], ["namespaces.yaml", "accounts.yaml", "networks.yaml", "apply.yaml", "engine.yaml", "kustomization.yaml"])
        self.assertIn('cidr: "10.0.0.7/32"', printed[2]["text"])
        self.assertEqual([f["state"] for f in self.ask("render airflow")], ["printed", "printed"])

    def test_the_life_of_a_shop(self):
        self.assertEqual(self.ask("demo", str(self.project.root))["state"], "proved")
        self.ask_what_is_there()
        self.ask("doctor")
        self.assertEqual([f["state"] for f in self.ask("render systemd")], ["printed"])
        self.render_for_a_cluster()
        self.look_at_rows()
        self.import_and_pause()
        self.hold_a_batch()
        self.fail_a_run()
        self.cancel_a_run()
        self.serve()
        self.look_at_the_audit_log()

    def look_at_the_audit_log(self):
        """serve has chained what was recorded before it."""
        self.assertEqual([c["state"] for c in self.ask("audit chain", "--close")], ["chained"])
        self.assertEqual([v["state"] for v in self.ask("audit verify")], ["good"])
        self.assertIn("batch.released", [r["action"] for r in self.ask("audit search", "--action", "batch.*")])
        self.assertEqual([r["state"] for r in self.ask("audit tail", "-n", "2")], ["waiting", "waiting"])
        exported = self.ask("audit export", "--to", str(self.project.base / "audit.jsonl"))
        self.assertEqual(exported["state"], "written")
        self.assertEqual(self.refused("audit export", "--to", exported["file"], status=2)["code"], "usage")

    def look_at_rows(self):
        rows = self.ask("sql", "-w", "Analysts", "-c", "SELECT id, NULL AS nothing FROM now__shopmasked__customers ORDER BY id LIMIT 2")
        self.assertEqual(rows, [{"id": "C00001", "nothing": None}, {"id": "C00002", "nothing": None}])
        self.assertEqual(self.refused("sql", "-w", "Analysts", "-c", "SELECT 1 AS a, 2 AS a", status=2)["code"], "usage")
        self.assertEqual(self.refused("sql", "-w", "Analysts", "-c", "SELECT * FROM dp_main.shop__customers", status=3)["sqlstate"], "42501")
        self.refused("sql", "-w", "Analysts", status=2)
        self.assertEqual({o["state"] for o in self.ask("try", "MaskShop", "--rows", "2")}, {"unchanged"})
        self.assertEqual(self.ask("run")["state"], "nothing_due")

    def import_and_pause(self):
        self.project.sql("ShopDB", "CREATE TABLE orders (id int PRIMARY KEY, email text); GRANT SELECT ON orders TO shop_reader;")
        states = {t["state"] for t in self.ask("import postgres", "--container", "ShopDB", "--store", "Orders", "--tables", "orders")}
        self.assertIn("added", states)
        self.refused("import postgres", "--container", "ShopDB", "--stdout", status=2)
        self.ask("import postgres", "--container", "ShopDB", "--update", "--store", "Shop", "--tables", "customers")
        self.assertEqual(self.ask("streams pause", "Shop")["state"], "paused")
        waiting = self.ask("run", "Shop", status=1)["waiting"]
        self.assertEqual([w["reason"]["code"] for w in waiting], ["paused"])
        self.assertEqual(self.ask("status")["streams"][0]["state"], "paused")
        self.assertEqual(self.ask("streams resume", "Shop")["state"], "resumed")

    def hold_a_batch(self):
        self.project.sql("ShopDB", "CREATE TABLE kept AS TABLE customers; CREATE TABLE kept_too AS TABLE addresses; DELETE FROM customers;")
        self.assertEqual(self.ask("run", "Shop", status=1)["held"], 1)
        self.ask_what_is_there(status=1)
        held = self.ask("batches show", "Shop")
        self.assertEqual((held["state"], held["reason"]["code"] != ""), ("held", True))
        self.assertEqual(self.ask("batches reject", "Shop")["state"], "rejected")
        self.ask("run", "Shop", status=1)
        released = self.ask("batches release", "Shop")
        self.assertEqual((released["state"], released["id"]), ("released", held["id"] + 1))
        self.project.sql("ShopDB", "INSERT INTO customers TABLE kept; INSERT INTO addresses TABLE kept_too; DROP TABLE kept, kept_too;")
        self.assertEqual(self.ask("run", "Shop")["batches"], 3)

    def fail_a_run(self):
        self.project.write("model/worker.yaml", WORKER)
        self.project.write("model/worker/main.py", "import os\nos.write(1, b'what it printed\\n')\nraise SystemExit(7)\n")
        self.assertEqual({o["state"] for o in self.ask("try", "Worker", status=1)}, {"failed"})
        done = self.ask("run", "--apply", status=1)
        self.assertEqual((done["failed"], [w["reason"]["code"] for w in done["waiting"]]), (1, ["gave_up"]))
        self.ask_what_is_there(status=1)
        failed = self.ask("runs list", "Worker")[0]
        self.assertEqual((failed["state"], failed["exit_status"], failed["reason"]["code"]), ("failed", 7, "exit_status"))
        self.assertIn("what it printed", self.ask("runs logs", failed["id"])["log"])
        self.assertEqual(self.ask("runs retry", "Worker")["state"], "due")
        job = self.ask("job transform", "Worker", status=1)
        self.assertEqual((job["key"], job["state"], job["reason"]["code"]), ("Transform/Main/Worker", "failed", "exit_status"))
        self.assertEqual(self.ask("job ingest", "Shop", status=10)["state"], "nothing_due")
        self.assertEqual(self.ask("runs retry", "Worker")["state"], "due")
        self.assertEqual([d["node"] for d in self.ask("job due")["due"]], ["Worker"])
        opened = self.ask("job open", "Worker", "--by", "nightly")
        self.assertEqual((opened["state"], self.ask("job look", opened["run"])["state"]), ("opened", "opened"))
        self.assertEqual(self.ask("runs show", opened["run"])["handed_to"], "nightly")
        self.assertEqual(self.ask("job launch", opened["run"], status=1)["reason"]["code"], "exit_status")
        self.assertEqual(self.ask("job close", opened["run"], status=1)["reason"]["code"], "exit_status")
        self.assertEqual(self.ask("runs retry", "Worker")["state"], "due")
        rebuild = self.ask("rebuild", "Worker")
        self.assertEqual((rebuild["state"], rebuild["done"], rebuild["downstream"]), ("due", True, {"runs": [], "writes": ["Work"], "seen_in": ["WorkReader"]}))
        self.assertFalse(self.ask("batches replay", "Shop", "--dry-run")["done"])

    def cancel_a_run(self):
        self.project.write("model/worker/main.py", "import time\ntime.sleep(60)\n")
        running = subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "--apply", "--output", "json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        try:
            deadline = time.monotonic() + 60
            while not (launched := [r for r in self.ask("runs list", "Worker") if r["state"] == "launched"]):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.1)
            self.ask("explain", "Worker")
            done = self.ask("runs cancel", launched[0]["id"][:12])
            self.assertEqual((done["state"], done["id"]), ("cancelled", launched[0]["id"]))
        finally:
            self.project.write("model/worker/main.py", "")
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=60)

    def serve(self):
        self.ask("apply")
        serving = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve", "--output", "json"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True)
        first = serving.stdout.readline()
        serving.send_signal(signal.SIGTERM)
        rest, _ = serving.communicate(timeout=60)
        lines = [json.loads(line) for line in [first, *rest.splitlines()]]
        for line in lines:
            self.follow(line, "serve")
        self.assertTrue(lines[-1]["text"].startswith("Stopped"), lines)
        self.seen.add("serve")

    @classmethod
    def tearDownClass(cls):
        # The order of tests is their names'; every command was seen doing its work in one of them.
        missing = cls.commands - cls.seen - ELSEWHERE - {"export json-schema"}
        assert not missing, f"no test has seen what these print: {sorted(missing)}"


if __name__ == "__main__":
    unittest.main()
