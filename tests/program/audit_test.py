"""The audit log: a day's story from it alone, nothing of it changed unseen, whoever is killed, and nobody reads or writes its table."""

import getpass
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from project import YELLOW, Project

ALL_POINTS = ["audit.append.before", "audit.append.after", "audit.chain.call yellow_access.audit_mark.before", "audit.chain.commit.before",
              "audit.chain.commit.after", "file.write.before", "file.write.after"]
OPERATIONS = [("operation_begin",), ("operation_end",), ("operation_renew",), ("operations_open",), ("space_owe",), ("space_owed",)]


class Audit(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        applied = self.project.yellow("apply")
        self.assertEqual(applied.status, 0, applied)
        self.project.connections()

    def ask(self, *arguments, status=0):
        result = self.project.yellow("audit", *arguments, "--output", "json")
        self.assertEqual(result.status, status, result)
        return json.loads(result.out)

    def chain(self, *arguments, status=0, **how):
        result = self.project.yellow("audit", "chain", *arguments, **how)
        self.assertEqual(result.status, status, result)
        return result

    def verify(self, *arguments, status=0):
        return self.ask("verify", *arguments, status=status)[0]

    def folder(self):
        return next((self.project.root / ".yellow/audit").iterdir())

    def segment(self, number=1):
        return self.folder() / f"{number:06}.jsonl"

    def records(self):
        lines = "".join(path.read_text() for path in sorted(self.folder().glob("*.jsonl")))
        return [record for line in lines.splitlines() if "close" not in (record := json.loads(line))]

    def do_something(self, times=1):
        for _ in range(times):
            for verb in ("pause", "resume"):
                self.assertEqual(self.project.yellow("streams", verb, "Shop").status, 0)

    def waiting(self):
        return int(self.project.sql("MergeDB", "SELECT count(*) FROM yellow_access.audit WHERE sequence IS NULL")[0][0])

    def change(self, edit, number=1):
        """Of a copy that is put back afterwards."""
        path = self.segment(number)
        kept = path.read_bytes()
        path.write_bytes(edit(kept))
        return lambda: path.write_bytes(kept)

    # ---- What is in it

    def test_a_days_story(self):
        self.do_something()
        self.assertEqual(self.project.yellow("rebuild", "MaskShop").status, 0)
        self.assertEqual(self.project.yellow("batches", "replay", "Shop", "--dry-run").status, 0)
        self.assertEqual(self.project.yellow("batches", "replay", "Shop").status, 0)
        self.project.yellow("run", "Shop")
        self.chain("--close")
        story = [(r["action"], r["subject"]) for r in self.records()]
        shop, mask = "Ingest/Main/Shop", "Transform/Main/MaskShop"
        self.assertEqual(story, [("installation.bootstrapped", "merge"), ("installation.created", "MergeDB"), ("model.applied", "model version 1"), ("stream.paused", shop), ("stream.resumed", shop),
                                 ("transformer.rebuilt", mask), ("stream.replayed", shop), ("node.requested", shop)])
        applied = self.records()[2]
        self.assertEqual((applied["person"], applied["login"], applied["details"]["environment"]), (getpass.getuser(), "yellow_migrator", "local"))
        self.assertEqual(applied["details"]["digest"], self.project.sql("MergeDB", "SELECT digest FROM yellow.model")[0][0])
        self.assertEqual(self.records()[3]["login"], "yellow_engine")

        found = self.ask("search", "--action", "stream.*", "--person", getpass.getuser())
        self.assertEqual([r["action"] for r in found], ["stream.paused", "stream.resumed", "stream.replayed"])
        self.assertEqual([r["subject"] for r in self.ask("search", "--text", "MASKSHOP")], [mask])
        at = found[1]["at"][:19] + "Z"
        self.assertIn("stream.resumed", [r["action"] for r in self.ask("search", "--since", at)])
        self.assertNotIn("stream.resumed", [r["action"] for r in self.ask("search", "--until", at)])
        for words in (("--since", "yesterday"), ("--since", "2026-13-01T00:00:00Z"), ("--until", "2026-02-29T00:00:00Z"), ("--until", "2026-01-01T24:00:00Z"),
                      *((word, "") for word in ("--person", "--action", "--subject", "--request", "--text", "--container"))):
            refused = self.project.yellow("audit", "search", *words)
            self.assertEqual((refused.status, refused.out), (2, ""), refused)
        swapped = self.project.yellow("audit", "search", "--since", "2026-01-02T00:00:00Z", "--until", "2026-01-01T00:00:00Z")
        self.assertEqual(swapped.status, 2, swapped)
        self.assertIn("--since 2026-01-01T00:00:00Z --until 2026-01-02T00:00:00Z", swapped.err)
        # Who has read it is recorded, and waits for its place in the chain.
        newest = self.ask("tail", "-n", "2")
        self.assertEqual([(r["action"], r["state"]) for r in newest], [("audit.read", "waiting")] * 2)
        self.assertEqual(newest[0]["details"]["until"], at)
        self.assertEqual(self.project.yellow("audit", "search", "--person", "nobody at all").out, "Nothing was found.\n")

        exported = self.project.root / "audit.jsonl"
        written = self.ask("export", "--to", str(exported))
        self.assertEqual(written["sha256"], hashlib.sha256(exported.read_bytes()).hexdigest())
        self.assertEqual(exported.read_bytes(), self.segment().read_bytes())
        self.assertEqual(exported.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.project.yellow("audit", "export", "--to", str(exported)).status, 2)

    def since(self, last):
        """What was recorded after this record: person, action, subject, details; all but what functions of the database record by the account that has called."""
        found = [(person, action, subject, json.loads(details)) for person, action, subject, details in self.project.sql(
            "MergeDB", f"SELECT person, action, subject, details FROM yellow_access.audit WHERE id > {last} ORDER BY id")]
        for person, action, _, details in found:
            if action != "run.login":
                self.assertEqual(details.pop("identity", None), f"os:{person}", action)
        return found

    def last(self):
        return int(self.project.sql("MergeDB", "SELECT coalesce(max(id), 0) FROM yellow_access.audit")[0][0])

    def test_each_command_leaves_its_record(self):
        """Of every command that changes what others see: what it is, and who it was."""
        me = getpass.getuser()
        self.project.demo()
        shop, mask = "Ingest/Main/Shop", "Transform/Main/MaskShop"

        def change():
            self.project.sql("ShopDB", "UPDATE customers SET firstname = firstname || 'a' WHERE id = (SELECT min(id) FROM customers)")
            return "2099-01-01T00:00:00Z"

        def words(step, **more):
            return {"step": step, **more}

        table = [
            (("bootstrap",), [("installation.bootstrapped", "merge", {})]),
            (("apply",), []),     # nothing to do
            (("streams", "pause", "Shop"), [("stream.paused", shop, {})]),
            (("streams", "resume", "Shop"), [("stream.resumed", shop, {})]),
            (("try", "MaskShop"), [("transformer.tried", mask, {"run": ...})]),
            (("test",), []),    # a database of its own, which goes
            (("job", "ingest", "Shop"), [], 10),    # nothing is due, nothing is done
            (("job", "ingest", "Shop", "--asked-at", change(), "--by", "dag/1"), [("job.began", shop, words("ingest", by="dag/1"))]),
            (("job", "transform", "MaskShop"), [("job.began", mask, words("transform"))]),
            (("runs", "retry", "MaskShop"), [("transformer.retried", mask, {})]),
            (("job", "open", "MaskShop", "--by", "dag/2"), [("job.began", mask, words("open", by="dag/2"))]),
            (("job", "launch", "MaskShop"), [("job.began", mask, words("launch", run=...))]),
            (("job", "look", "MaskShop"), []),
            (("job", "close", "MaskShop"), [("job.began", mask, words("close", run=...))]),
            (("job", "ingest", "ShopMasked"), [("job.began", "Ingest/Main/ShopMasked", words("ingest", run=...))]),
            (("job", "due"), [], None),
            (("batches", "replay", "Shop"), [("stream.replayed", shop, {})]),
            (("run", "Shop"), [("node.requested", shop, {})]),
            (("rebuild", "MaskShop"), [("transformer.rebuilt", mask, {})]),
            (("sql", "-w", "Analysts", "-c", "SELECT 1"), [("sql.opened", "Analysts", {"login": ...})]),
            (("doctor",), [], None),
            (("status",), []),
            (("audit", "search", "--person", "eve"), [("audit.read", "MergeDB", {"how": "search", "person": "eve"})]),
        ]
        for command, expected, *status in table:
            with self.subTest(command):
                last = self.last()
                done = self.project.yellow(*command)
                if status != [None]:
                    self.assertEqual(done.status, *(status or [0]), done)
                found = self.since(last)
                # What runs code opens a login for it, which is recorded beside what was asked for.
                opened = [one for one in found if one[:3] == ("yellow", "run.login", mask)]
                self.assertEqual(len(opened), 1 if command in (("job", "transform", "MaskShop"), ("job", "launch", "MaskShop")) else 0, found)
                tried = [one for one in found if one[:2] == ("yellow", "run.login") and one not in opened]
                self.assertEqual(len(tried), 1 if command == ("try", "MaskShop") else 0, found)
                found = [one for one in found if one not in opened + tried]
                shown = [(action, subject, {name: ... if wanted.get(name) is ... else value for name, value in details.items()})
                         for (_, action, subject, details), (_, _, wanted) in zip(found, expected)]
                self.assertEqual((len(found), shown), (len(expected), expected), found)
                self.assertEqual({person for person, *_ in found} - {me}, set())
        last = self.last()
        self.assertEqual(self.project.yellow("down").status, 0)
        self.assertEqual(self.project.yellow("status").status, 0)   # which starts it
        self.assertEqual(self.since(last), [(me, "server.stopped", "MergeDB", {})])
        self.chain()
        self.verify()

    def test_a_server_is_stopped_even_when_that_cannot_be_recorded(self):
        self.project.sql("MergeDB", "ALTER FUNCTION yellow_access.audit_add(text, text, text, text, jsonb) RENAME TO no_audit")
        done = self.project.yellow("down")
        self.assertEqual(done.status, 0, done)
        self.assertIn("That it stops is not in the audit log of MergeDB", done.err)
        self.assertIn("Stopped", done.out)

    def test_what_is_rolled_back_is_not_recorded(self):
        before = self.waiting()
        self.assertEqual(self.project.yellow("streams", "pause", "Shop", "--dry-run").status, 0)
        self.assertEqual(self.project.yellow("streams", "pause", "Shop", environment={"YELLOW_FAULT": "kill@control.commit.before:1"}).status, -9)
        self.assertEqual((self.waiting(), self.project.sql("MergeDB", "SELECT bool_or(paused) FROM yellow.stream")), (before, [("f",)]))

    def test_a_batch_is_released_and_a_run_is_cancelled(self):
        self.project.demo()
        self.project.sql("ShopDB", "UPDATE customers SET firstname = 'Zoe' WHERE id = (SELECT min(id) FROM customers)")
        self.assertEqual(self.project.yellow("run", "Shop", environment={"YELLOW_FAULT": "kill@output.ingest.commit:1"}).status, -9)
        run = self.project.sql("MergeDB", "SELECT id FROM yellow.run WHERE state = 'ingesting'")[0][0]
        self.assertEqual(self.project.yellow("runs", "cancel", run).status, 0)
        self.assertEqual(self.project.yellow("run").status, 0)
        self.project.sql("ShopDB", "DELETE FROM addresses; DELETE FROM customers")
        self.assertEqual(self.project.yellow("run", "Shop").status, 1)
        batch, reason = self.project.sql("MergeDB", "SELECT batch, reason_code FROM yellow.batch WHERE state = 'held'")[0]
        self.assertEqual(self.project.yellow("batches", "release", "Shop").status, 0)
        self.chain()
        released, cancelled = (self.ask("search", "--action", a)[0] for a in ("batch.released", "run.cancelled"))
        self.assertEqual((released["details"], released["subject"]), ({"batch": batch, "reason_code": reason, "identity": f"os:{getpass.getuser()}"}, "Ingest/Main/Shop"))
        self.assertEqual(cancelled["details"], {"run": run, "was": "ingesting", "identity": f"os:{getpass.getuser()}"})

    def test_details_that_are_no_whole_numbers(self):
        self.project.sql("MergeDB", """SELECT yellow_access.audit_add('ada', 'test.numbers', 'é "x"', NULL, '{"b": 1.50, "a": [1, null, 1e40], "é": "\\u20ac"}')""")
        self.chain()
        self.assertEqual(self.records()[-1]["details"], {"b": "1.50", "a": [1, None, str(10**40)], "é": "€"})
        self.verify()

    # ---- Who may

    def test_nobody_reads_changes_or_deletes_its_rows(self):
        self.do_something()
        info = self.project.connections()["MergeDB"]
        for login in ("yellow_engine", "yellow_ingest_out", "yellow_access"):
            secret = (self.project.root / ".yellow/secrets" / login).read_text()
            for statement in ("SELECT * FROM yellow_access.audit", "UPDATE yellow_access.audit SET person = 'eve'", "DELETE FROM yellow_access.audit",
                              "TRUNCATE yellow_access.audit", "INSERT INTO yellow_access.audit (person, action, subject) VALUES ('eve', 'a.b', '')",
                              "UPDATE yellow_access.audit_chain SET sequence = 0", "DROP FUNCTION yellow_access.audit_add",
                              "SELECT * FROM yellow_access.audit_text(NULL)", "SET ROLE yellow_owner"):
                done = subprocess.run(["psql", "-X", "-q", "-h", info["host"], "-p", str(info["port"]), "-U", login, "-d", info["database"], "-c", statement],
                                      env={**os.environ, "PGPASSWORD": secret}, capture_output=True, text=True)
                self.assertRegex(done.stderr, "permission denied|must be owner", (login, statement))
        for login, more in (("yellow_engine", [("alarms",), *OPERATIONS]), ("yellow_ingest_out", OPERATIONS)):
            allowed = self.project.sql("MergeDB", f"SELECT p.proname FROM pg_proc p WHERE pronamespace = 'yellow_access'::regnamespace AND has_function_privilege('{login}', p.oid, 'EXECUTE') ORDER BY 1")
            self.assertEqual(allowed, sorted([("audit_add",), *more]))
        # Whoever says to be somebody else is betrayed by the login.
        self.project.sql("MergeDB", "SET SESSION AUTHORIZATION yellow_engine; SELECT yellow_access.audit_add('eve', 'test.forged', '', '', '{}')")
        self.assertEqual(self.project.sql("MergeDB", "SELECT login FROM yellow_access.audit WHERE person = 'eve'"), [("yellow_engine",)])

    # ---- What is found

    def test_every_exit_status(self):
        anchors = self.project.root / "anchors.jsonl"
        self.project.write("environments/local.yaml", (self.project.root / "environments/local.yaml").read_text() + "audit: {anchors: [{file: anchors.jsonl}]}\n")
        self.do_something(2)
        self.chain()
        self.do_something()
        self.chain("--close")
        self.do_something()
        self.chain()
        good = self.verify()
        self.assertEqual((good["state"], good["signed_up_to"]), ("good", json.loads(self.segment().read_text().splitlines()[-1])["close"]["sequence"]))
        self.assertEqual(len(anchors.read_text().splitlines()), 3)

        def expect(status, edit, number=1, arguments=(), sequence=None):
            put_back = self.change(edit, number)
            found = self.verify(*arguments, status=status)
            if sequence is not None:
                self.assertEqual(found["findings"][0]["key"], sequence, found)
            put_back()

        lines = self.segment().read_bytes().splitlines(keepends=True)
        expect(20, lambda text: text.replace(b'"stream.paused"', b'"stream.passed"', 1), sequence=4)
        expect(24, lambda text: b"".join([*lines[:2], lines[3], lines[2], *lines[4:]]), sequence=3)
        expect(24, lambda text: b"".join([*lines[:2], *lines[3:]]), sequence=3)
        expect(23, lambda text: b"".join(lines[:-1]))
        expect(23, lambda text: text.replace(b'"signature":"', b'"signature":"00', 1).replace(b'00"}}', b'"}}'))
        expect(21, lambda text: b"", number=2)
        expect(20, lambda text: text + b'{"action":"half', number=2)
        self.assertIn("only the beginning", self.half_line())
        kept = anchors.read_text()
        anchors.unlink()
        self.assertEqual(self.verify(status=1)["anchors"][0]["state"], "failed")
        anchors.write_text(kept)
        self.verify("--anchor", str(anchors))
        anchors.write_text(kept.replace('"at":"2', '"at":"1'))
        self.verify(status=23)
        anchors.write_text(kept)
        # The database says something else.
        self.project.sql("MergeDB", "UPDATE yellow_access.audit SET person = 'eve' WHERE sequence = 3")
        self.assertEqual(self.verify(status=26)["findings"][0]["key"], 3)
        self.verify("--from", "4")
        self.verify("--to", "2")
        self.verify("--to", "3", status=26)
        self.project.sql("MergeDB", f"UPDATE yellow_access.audit SET person = '{getpass.getuser()}' WHERE sequence = 3")
        self.verify()
        self.project.sql("MergeDB", "CREATE TABLE kept_row AS SELECT * FROM yellow_access.audit WHERE sequence = 4; DELETE FROM yellow_access.audit WHERE sequence = 4")
        self.assertIn("record 4 is not in the database", self.verify(status=26)["findings"][0]["reason"]["text"])
        self.assertEqual(self.project.yellow("audit", "verify", "--key", "abc").status, 2)
        self.assertIsNone(self.verify("--key", "0" * 64, status=23)["public_key"])
        self.assertEqual(self.project.yellow("audit", "verify", "--anchor", str(self.segment())).status, 2)

    def half_line(self):
        put_back = self.change(lambda text: text + b'{"action":"half', 2)
        text = self.verify(status=20)["findings"][0]["reason"]["text"]
        put_back()
        return text

    def test_a_rewrite_is_shown_by_an_anchor(self):
        """All is chained again from the first record, in a database and files that agree and with the log's own key."""
        self.project.write("environments/local.yaml", (self.project.root / "environments/local.yaml").read_text() + "audit: {anchors: [{file: anchors.jsonl}]}\n")
        self.do_something()
        self.chain()
        self.segment().unlink()
        self.project.sql("MergeDB", "UPDATE yellow_access.audit SET sequence = NULL, hash = NULL, person = replace(person, 'root', 'eve') || '!'; "
                                    "UPDATE yellow_access.audit_chain SET sequence = 0, hash = repeat('0', 64)")
        self.project.write("environments/local.yaml", (self.project.root / "environments/local.yaml").read_text().replace("audit: {anchors: [{file: anchors.jsonl}]}\n", ""))
        self.chain()
        self.verify()
        self.verify("--anchor", str(self.project.root / "anchors.jsonl"), status=22)

    def test_a_recording_is_bound(self):
        recording = self.project.root / ".yellow/recordings/1.cast"
        recording.parent.mkdir()
        recording.write_text("said")
        bound = {"recording": {"file": "recordings/1.cast", "bytes": 4, "sha256": hashlib.sha256(b"said").hexdigest()}}
        self.project.sql("MergeDB", f"SELECT yellow_access.audit_add('ada', 'session.ended', '1', 'r1', '{json.dumps(bound)}')")
        self.chain()
        self.verify()
        recording.write_text("sbid")
        self.assertIn("is not what it was", self.verify(status=25)["findings"][0]["reason"]["text"])
        recording.unlink()
        self.assertIn("is missing", self.verify(status=25)["findings"][0]["reason"]["text"])

    # ---- Who writes it

    def test_the_writer_is_killed_at_every_step(self):
        for point in ALL_POINTS:
            with self.subTest(point=point):
                self.do_something()
                waits = self.waiting()
                if point.startswith("file.write"):
                    shutil.rmtree(self.project.root / ".yellow/audit", True)
                    (self.project.root / ".yellow/secrets/audit_key").unlink(missing_ok=True)
                    self.project.sql("MergeDB", "UPDATE yellow_access.audit SET sequence = NULL, hash = NULL; UPDATE yellow_access.audit_chain SET sequence = 0, hash = repeat('0', 64)")
                killed = self.project.yellow("audit", "chain", environment={"YELLOW_FAULT": f"kill@{point}:1"})
                self.assertEqual(killed.status, -9, killed)
                self.assertIn(self.waiting(), (waits, 0) if not point.startswith("file") else range(1000))
                self.chain()
                self.assertEqual(self.waiting(), 0)
                self.verify()
        ids = [record["id"] for record in self.records()]
        self.assertEqual(len(ids), len(set(ids)), "a record stands twice")
        self.assertEqual(sorted(ids), [int(row[0]) for row in self.project.sql("MergeDB", "SELECT id FROM yellow_access.audit ORDER BY id")])

    def test_the_closing_is_killed(self):
        for point in ("before", "after"):
            self.do_something()
            self.chain()
            killed = self.project.yellow("audit", "chain", "--close", environment={"YELLOW_FAULT": f"kill@audit.append.{point}:1"})
            self.assertEqual(killed.status, -9, killed)
            self.verify()
            self.do_something()
            self.chain("--close")
            self.verify()

    def test_an_answer_that_is_lost(self):
        for fault in ("lose@audit.chain.commit:1", "fail@audit.chain.commit:1", "lose@audit.append:1", "fail@audit.append:1"):
            with self.subTest(fault=fault):
                self.do_something()
                failed = self.project.yellow("audit", "chain", environment={"YELLOW_FAULT": fault})
                self.assertEqual(failed.status, 3, failed)
                self.chain()
                self.assertEqual(self.waiting(), 0)
                self.verify()

    def test_a_half_line_is_set_aside_and_said(self):
        self.do_something()
        self.chain()
        half = b'{"action":"stream.pau'
        for fault in ({}, {"YELLOW_FAULT": "kill@audit.set_aside.before:1"}, {"YELLOW_FAULT": "kill@audit.set_aside.after:1"}):
            with self.segment().open("ab") as file:
                file.write(half)
            self.verify(status=20)
            result = self.project.yellow("audit", "chain", environment=fault)
            self.assertEqual(result.status, -9 if fault else 0, result)
            self.chain()
            self.verify()
            said = [r for r in self.records() if r["action"] == "audit.line_set_aside"][-1]
            aside = self.folder() / said["details"]["file"]
            self.assertEqual((aside.read_bytes(), said["details"]["bytes"]), (half, len(half)))
            self.assertEqual(said["details"]["sha256"], hashlib.sha256(half).hexdigest())

    def test_the_database_is_restored_from_before(self):
        self.do_something()
        self.chain()
        self.project.sql("MergeDB", "CREATE TABLE kept_audit AS TABLE yellow_access.audit; CREATE TABLE kept_chain AS TABLE yellow_access.audit_chain")
        self.do_something(2)
        self.chain()
        self.project.sql("MergeDB", "DELETE FROM yellow_access.audit WHERE id NOT IN (SELECT id FROM kept_audit); "
                                    "UPDATE yellow_access.audit_chain c SET sequence = k.sequence, hash = k.hash FROM kept_chain k; "
                                    "SELECT setval(pg_get_serial_sequence('yellow_access.audit', 'id'), (SELECT max(id) FROM kept_audit))")
        self.do_something()
        self.chain()
        back = [r for r in self.records() if r["action"] == "audit.database_went_back"]
        self.assertEqual([r["details"] for r in back], [{"database": 5, "files": 9}])
        self.verify()
        self.do_something()
        self.chain()
        self.verify()

    def test_files_that_are_gone_are_not_begun_anew(self):
        self.do_something()
        self.chain()
        kept = self.segment().read_bytes()
        self.segment().unlink()
        self.do_something()
        self.assertIn("written somewhere else", self.chain(status=1).out)
        self.verify(status=26)
        self.assertFalse(self.segment().exists())
        self.segment().write_bytes(kept)
        self.chain()
        self.verify()

    # ---- Served

    def serve(self):
        process = subprocess.Popen([YELLOW, "--project", str(self.project.root), "serve"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def await_chained(self, count, seconds=30):
        deadline = time.monotonic() + seconds
        while self.waiting() > 0 or len(self.records()) < count:
            self.assertLess(time.monotonic(), deadline, self.waiting())
            time.sleep(0.1)

    def test_two_serves_make_one_chain(self):
        self.chain()
        served = [self.serve(), self.serve()]
        self.await_chained(4)
        for i in range(5):
            self.do_something(2)
            if i == 2:
                served[0].kill()
                served[0].wait()
        began = time.monotonic()
        self.do_something()
        self.await_chained(len(self.records()))
        self.assertLess(time.monotonic() - began, 10)
        self.verify()
        tail = subprocess.Popen([YELLOW, "--project", str(self.project.root), "audit", "tail", "-f", "-n", "1", "--output", "json"], stdout=subprocess.PIPE, text=True)
        json.loads(tail.stdout.readline())
        self.do_something()
        self.assertEqual(json.loads(tail.stdout.readline())["state"], "chained")
        tail.send_signal(signal.SIGTERM)
        tail.communicate(timeout=20)
        served[1].send_signal(signal.SIGTERM)
        said, _ = served[1].communicate(timeout=60)
        self.assertEqual(served[1].returncode, 0, said)
        actions = [r["action"] for r in self.records()]
        self.assertEqual((actions.count("serve.started"), actions.count("serve.stopped"), self.waiting()), (2, 1, 0))
        self.assertEqual(actions.count("stream.paused"), 12)
        self.verify()

    def test_anchors_go_to_other_places(self):
        repository, anchors = self.project.base / "repository", self.project.base / "anchors.jsonl"
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        self.project.write("environments/local.yaml", (self.project.root / "environments/local.yaml").read_text() +
                           f"audit: {{anchors: [{{git: {repository}}}, {{file: ../anchors.jsonl}}, {{file: /nowhere/anchors}}]}}\n")
        self.do_something()
        self.assertIn("/nowhere/anchors: cannot write", self.chain(status=1).out)
        anchor = json.loads(anchors.read_text())["anchor"]
        self.assertEqual((anchor["sequence"], anchor["hash"]), (5, self.records()[-1]["hash"]))
        commits = subprocess.run(["git", "-C", str(repository), "log", "--format=%an"], capture_output=True, text=True, check=True).stdout
        self.assertEqual(commits, "yellow\n")
        found = self.verify(status=1)
        self.assertEqual([a["state"] for a in found["anchors"]], ["noted", "noted", "failed"])
        self.assertEqual((found["state"], found["anchors"][2]["reason"]["code"]), ("good", "anchor"))
        doctor = json.loads(self.project.yellow("doctor", "--output", "json").out)
        self.assertEqual([f["key"] for f in doctor if f["key"].startswith("audit/") and f["state"] != "ok"], ["audit/MergeDB/file /nowhere/anchors"])
        self.chain(status=1)
        self.assertEqual(len(anchors.read_text().splitlines()), 1, "the same end is not noted twice")

    def test_what_cannot_be_written_is_said(self):
        folder = self.project.root / ".yellow/audit"
        folder.write_text("no folder")
        process = self.serve()
        deadline = time.monotonic() + 30
        lines = ""
        while "the audit log is not written" not in lines:
            self.assertLess(time.monotonic(), deadline, lines)
            lines += process.stdout.readline()
        folder.unlink()
        self.await_chained(3)
        self.verify()


if __name__ == "__main__":
    unittest.main()
