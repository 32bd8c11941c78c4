"""A person's whole day, told again from the audit log alone, by the commands of docs/howto/audit-a-person.md as they stand there."""

import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import unittest

from people import PEOPLE, Office
from project import ROOT, YELLOW

PAGE = (ROOT / "docs/howto/audit-a-person.md").read_text()
AUDITOR = "backup"     # the only account of the auditor's
MASKED, OUTSIDE = "dp_main.dt_shopmasked__customers", "dp_main.shop__customers"


def retold(records):
    """A day in sentences, from records as `audit search --output json` has them, and nothing else."""
    story, content, statements = [], None, {}
    for record in records:
        who, what, details = record["person"], record["action"], record["details"]
        if what in ("access.request", "access.edit"):
            content = details["content"]
            story.append(f"{who} {'asks for ' + record['subject'] if what == 'access.request' else 'changes it'}: {details['seconds'] // 60} minutes, ticket {details['ticket']}, because: {details['reason']}")
        elif what == "access.approve":
            story.append(f"{who} approves {'that' if details['content'] == content else 'something else'} for {details['for']}")
        elif what == "access.session_end":
            story.append(f"session ends: {details['reason']}, {'recorded' if details['recording']['bytes'] > 0 else 'nothing recorded'}")
        elif what == "access.statement" and details["kind"] == "query":
            statements[details["number"]] = f"{'+'.join(details['does'])} {' '.join(details['relations'])}"
            if details["flags"]:
                statements[details["number"]] += f" [{' '.join(details['flags'])}]"
        elif what == "access.statement" and details["kind"] == "outcome":
            done = f"{details['tag']}, {details['rows']} rows sent" if details["end"] == "complete" else f"{details['end']} {details['sqlstate']}"
            story.append(f"{who}: {statements.pop(details['of'])}: {done}")
        elif what in ("access.accept", "access.escalate"):
            story.append(f"{who} reviews what {details['for']} did, {'late' if details['late'] else 'in time'}: {details['sentence']}")
        elif what in ("access.activate", "access.session", "access.release", "access.disable", "access.drop"):
            story.append(f"{who} {what.removeprefix('access.')}")
    return story, statements


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class AuditAPerson(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.office = office = Office()
        cls.addClassCleanup(office.close)
        local = office.root / "environments/local.yaml"
        cls.anchors = office.base / "anchors.jsonl"
        cls.desk = office.base / "audra"
        cls.desk.mkdir()
        shutil.chown(cls.desk, AUDITOR)
        office.declare({**PEOPLE, "audra": ([AUDITOR], ["auditor"])})
        local.write_text(local.read_text() + f"audit: {{anchors: [{{file: {cls.anchors}}}]}}\n")
        done = office.yellow("apply")
        assert done.status == 0, done
        office.sql("MergeDB", f"INSERT INTO {MASKED} (id, firstname, lastname) VALUES ('C1', 'a', 'b'), ('C2', 'a', 'b'), ('C3', 'a', 'b')")
        cls.request = cls.play()
        done = office.yellow("audit", "chain")
        assert done.status == 0, done
        shutil.copy(cls.anchors, cls.desk)     # what the auditor has of them
        cls.key = json.loads(office.yellow("audit", "verify", "--output", "json").out)[0]["public_key"]

    @classmethod
    def play(cls):
        office = cls.office
        request = office.ask(duration="30m", ticket="OPS-7", reason="wrong names")
        office.approve(request, "bob")
        request = office.did("alice", "edit", request["id"], "--for", "1h")
        office.approve(request, "carol")
        office.did("alice", "activate", request["id"])
        office.session(request, f"UPDATE {MASKED} SET lastname = 'canary-2718';\n")
        office.session(request, f"TABLE {MASKED};\nSELECT * FROM {OUTSIDE};\n")
        office.did("alice", "release", request["id"])
        office.wait_for(request, "in_review")
        office.did("bob", "accept", request["id"], "three names, as the ticket says")
        return request

    def run_page(self, *, count):
        """What its commands print, each run as it is written but for the names of the day, by the auditor's account and in a folder of theirs."""
        today = datetime.datetime.now(datetime.timezone.utc).date()
        programs = self.office.base / "bin"
        programs.mkdir(exist_ok=True)
        if not (programs / "yellow").exists():
            (programs / "yellow").symlink_to(self.office.program)
        (self.desk / "audit.jsonl").unlink(missing_ok=True)
        text = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S))
        for written, real in (("2026-11-29", str(today)), ("2026-11-30", str(today + datetime.timedelta(days=1))), ("26a394320d5f7625", self.request["id"])):
            self.assertIn(written, text)
            text = text.replace(written, real)
        commands = text.splitlines()
        self.assertEqual(len(commands), count)
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "AUDIT_KEY": self.key, "YELLOW_SOCKET": str(self.office.socket)}
        return [(command, subprocess.run(["bash", "-c", command], cwd=self.desk, env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, user=AUDITOR, group="nogroup", extra_groups=[]))
                for command in commands]

    def search(self, *arguments):
        result = self.office.yellow("audit", "search", *arguments, "--output", "json")
        self.assertEqual(result.status, 0, result)
        return json.loads(result.out)

    def test_the_commands_of_the_page(self):
        done = self.run_page(count=7)
        for command, result in done:
            self.assertEqual(result.returncode, 0, (command, result))
        exported, copy, digest, there, day, request, report = (result.stdout for _, result in done)
        self.assertIn("Nothing in it was changed.", copy)
        self.assertIn("Not compared, as it was not to be had: recordings, database", copy)
        self.assertIn("Nothing in it was changed.", there)
        self.assertNotIn("Not compared", there)
        self.assertIn('"identity":"os:daemon"', day)
        self.assertIn("access.accept", request)
        self.assertIn(self.request["id"], report)
        text = (self.desk / "audit.jsonl").read_bytes()
        self.assertIn(hashlib.sha256(text).hexdigest(), exported)
        self.assertTrue(digest.startswith(hashlib.sha256(text).hexdigest()))
        self.assertIn(self.request["id"].encode(), text)
        # What the auditor has read, and by which account, is in the log too.
        read = [record["details"]["how"] for record in self.search("--person", "audra", "--action", "audit.read") if record["details"]["identity"] == f"os:{AUDITOR}"]
        self.assertEqual(read[-4:], ["export", "verify", "search", "search"])

    def test_the_day_is_told_from_the_log_alone(self):
        asked = [record["request"] for record in self.search("--person", "alice", "--action", "access.request")]
        self.assertEqual(asked, [self.request["id"]])
        records = self.search("--request", asked[0])
        story, unanswered = retold(records)
        self.assertEqual(story, [
            "alice asks for dt_write:MaskShop: 30 minutes, ticket OPS-7, because: wrong names",
            "bob approves that for alice",
            "alice changes it: 60 minutes, ticket OPS-7, because: wrong names",
            "carol approves that for alice",
            "alice activate",
            "alice session",
            f"alice: UpdateStmt {MASKED}: UPDATE 3, 0 rows sent",
            "session ends: ended, recorded",
            "alice session",
            f"alice: SelectStmt {MASKED}: SELECT 3, 3 rows sent",
            f"alice: SelectStmt {OUTSIDE} [outside_scope]: refused 42501",
            "session ends: ended, recorded",
            "alice release",
            "yellow disable",
            "yellow drop",
            "bob reviews what alice did, in time: three names, as the ticket says"])
        self.assertEqual(unanswered, {})
        times = [record["at"] for record in records]
        self.assertEqual(times, sorted(times))
        self.assertNotIn("canary", json.dumps(records))
        exported = self.office.base / "export.jsonl"
        self.assertEqual(self.office.yellow("audit", "export", "--to", str(exported)).status, 0)
        kept = [record for line in exported.read_text().splitlines() if (record := json.loads(line)).get("request") == asked[0]]
        self.assertEqual(retold(kept), (story, unanswered))

    def test_every_session_is_whole(self):
        records = self.search("--request", self.request["id"])
        sessions = [record["subject"] for record in records if record["action"] == "access.session"]
        self.assertEqual(len(sessions), 2)
        for session in sessions:
            of_session = [record for record in records if record["subject"] == session]
            self.assertEqual((of_session[0]["action"], of_session[-1]["action"]), ("access.session", "access.session_end"))
            facts = [record["details"] for record in of_session if record["action"] == "access.statement"]
            queries = {fact["number"] for fact in facts if fact["kind"] in ("query", "parse")}
            self.assertEqual(queries - {fact["of"] for fact in facts if fact["kind"] == "outcome"}, set())
            self.assertEqual((facts[0]["kind"], facts[-1]["kind"], facts[-1]["server_ended"]), ("connected", "gone", True))
            recording = of_session[-1]["details"]["recording"]
            self.assertEqual(hashlib.sha256((self.office.root / ".yellow" / recording["file"]).read_bytes()).hexdigest(), recording["sha256"])

    def test_a_story_that_was_rewritten_is_shown_before_it_is_told(self):
        segment, = (self.office.root / ".yellow/audit").glob("*/*.jsonl")
        kept = segment.read_bytes()
        self.addCleanup(segment.write_bytes, kept)
        approved = next(line for line in kept.splitlines(True) if b'"access.approve"' in line and b'"carol"' in line)
        refused = next(line for line in kept.splitlines(True) if b'"refused"' in line)
        review = kept.index(next(line for line in kept.splitlines(True) if b'"access.accept"' in line))
        for what, changed, status in (("another has approved", kept.replace(approved, approved.replace(b'"carol"', b'"erin"')), 20),
                                      ("nothing was refused", kept.replace(refused, b""), 24),
                                      ("nobody has reviewed", kept[:review], 21)):
            with self.subTest(what):
                self.assertNotEqual(changed, kept)
                segment.write_bytes(changed)
                done = subprocess.run([YELLOW, "--project", self.office.root, "audit", "verify", "--anchor", self.anchors, "--key", self.key], capture_output=True, text=True)
                self.assertEqual(done.returncode, status, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
