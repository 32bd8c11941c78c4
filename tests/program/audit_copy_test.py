"""Copies of the audit log that are verified where nothing else is: what was changed in one, up to where it is signed, and what is no copy."""

import hashlib
import json
import os
import pathlib
import shutil
import unittest

from audit_service_test import AUDRA, AuditOffice

TAG = b"yellow-audit-v1\0"


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class Copies(unittest.TestCase):
    """Copies that were exported through the service, verified by somebody who has nothing else but a key and anchors."""

    @classmethod
    def setUpClass(cls):
        cls.office = office = AuditOffice()
        cls.addClassCleanup(office.close)
        cls.anchors = office.base / "anchors.jsonl"
        local = office.root / "environments/local.yaml"
        local.write_text(local.read_text() + f"audit: {{anchors: [{{file: {cls.anchors}}}]}}\n")
        for _ in range(2):
            for verb in ("pause", "resume"):
                assert office.yellow("streams", verb, "Shop").status == 0
            office.chained()
            office.stop_service()
            assert (done := office.yellow("audit", "chain", "--close")).status == 0, done
            office.start_service()
        office.yellow("streams", "pause", "Shop")
        office.chained()
        office.stop_service()
        assert (done := office.yellow("audit", "chain")).status == 0, done
        office.start_service()
        cls.key = json.loads(office.yellow("audit", "verify", "--output", "json").out)[0]["public_key"]
        # As they are before the copy is taken: the service notes more of them.
        cls.anchors = pathlib.Path(shutil.copy(cls.anchors, office.base / "kept.jsonl"))
        cls.copy = office.desk / "audit.jsonl"
        office.audited("export", "--to", str(cls.copy))
        cls.lines = cls.copy.read_bytes().splitlines(keepends=True)
        cls.anchors.chmod(0o644)

    def verify(self, content, status, *arguments, anchor=True, key=None):
        """Of one file or several, by somebody without a project, a database or a service."""
        paths = []
        for number, text in enumerate(content if isinstance(content, list) else [content]):
            path = self.office.desk / f"changed-{number}.jsonl"
            path.write_bytes(text)
            path.chmod(0o644)
            paths.append(str(path))
        words = ["verify", "--file", *paths, "--key", key or self.key, *(("--anchor", str(self.anchors)) if anchor else ()), *arguments]
        done = self.office.audit_as("nobody", *words, environment={"YELLOW_SOCKET": "/nowhere.sock"})
        self.assertEqual(done.status, status, done)
        return done

    def closes(self):
        return [number for number, line in enumerate(self.lines) if line.startswith(b'{"close"')]

    def test_a_copy_that_is_whole(self):
        self.assertGreaterEqual(len(self.closes()), 2)
        done = self.verify(self.copy.read_bytes(), 0)
        self.assertIn("Nothing in it was changed.", done.out)
        self.assertIn("recordings, database", done.out)
        self.assertNotIn("anchors", done.out)
        self.assertIn("database, anchors", self.verify(self.copy.read_bytes(), 0, anchor=False).out)
        ends = [0, *(end + 1 for end in self.closes()), len(self.lines)]
        self.verify([b"".join(self.lines[begin:end]) for begin, end in zip(ends, ends[1:]) if end > begin], 0)
        shown, = json.loads(self.verify(self.copy.read_bytes(), 0, "--output", "json").out)
        self.assertEqual((shown["state"], shown["not_compared"], shown["records"]), ("good", ["recordings", "database"], len(self.lines) - len(self.closes())))

    def test_what_was_changed(self):
        lines, (first, second, *_) = self.lines, self.closes()
        whole = b"".join(lines)
        for name, content, status in (
                ("a word", whole.replace(b"stream.paused", b"stream.passed", 1), 20),
                ("whose identity it was", whole.replace(b'"identity":"os:', b'"identity":"oidc:', 1), 20),
                ("two lines swapped", b"".join([*lines[:1], lines[2], lines[1], *lines[3:]]), 24),
                ("a line less", b"".join([*lines[:2], *lines[3:]]), 24),
                ("a segment less", b"".join(lines[first + 1:]), 24),
                ("two segments swapped", b"".join([*lines[first + 1:second + 1], *lines[:first + 1], *lines[second + 1:]]), 24),
                ("a line twice", b"".join([*lines[:2], lines[1], *lines[2:]]), 20),
                ("the end cut off", b"".join(lines[:first + 1]), 21),
                ("in the middle of a line", whole[:len(whole) - 20], 20),
                ("no end of a segment", b"".join([*lines[:first], *lines[first + 1:]]), 23),
                ("a signature", whole.replace(b'"signature":"', b'"signature":"0', 1).replace(b'"}}\n', b'"}}\n', 1), 23),
                ("lines before it", b"x\n" * 100000 + whole, 20),
                ("lines behind it", whole + b"x\n" * 100000, 20),
                ("nothing", b"", 21)):
            with self.subTest(name):
                done = self.verify(content, status)
                self.assertIn("error: ", done.out)
                self.assertLess(len(done.out.splitlines()), 20)
        self.assertIn("the copy has not come whole", self.verify(whole[:len(whole) - 20], 20).out)
        self.assertIn("error: 100000 lines are no records", self.verify(b"x\n" * 100000 + whole, 20).out)

    def test_what_is_no_copy(self):
        for name, content in (("random bytes", os.urandom(100000) + b"\n"), ("lines", b"\n" * 100000), ("zeros", b"\0" * 100000),
                              ("anchors", self.anchors.read_bytes()), ("people", pathlib.Path("/etc/passwd").read_bytes()),
                              ("ends of lines of another system", self.copy.read_bytes().replace(b"\n", b"\r\n"))):
            for more in ((), ("--from", "5")):
                with self.subTest(name, more=more):
                    done = self.verify(content, 2, *more)
                    self.assertEqual(done.out, "")
                    self.assertIn("this is no export of the audit log", done.err)

    def test_what_is_before_a_range_hides_nothing_in_it(self):
        whole = self.copy.read_bytes()
        late = len(whole) // 2
        changed = whole[:late] + whole[late:].replace(b'"person":"root"', b'"person":"eve"', 1)
        first = self.lines[0]
        self.assertIn(" is not what was chained", self.verify(first * 1500 + changed, 20, "--from", "5").out)
        self.assertNotIn(" is not what was chained", self.verify(first * 1500 + whole, 20, "--from", "5").out)

    def test_up_to_where_it_is_signed(self):
        last = json.loads(self.lines[self.closes()[-1]])["close"]
        done = self.verify(self.copy.read_bytes(), 0)
        self.assertIn(f"Chain {last['chain']}: signed up to record {last['sequence']} with {self.key}\n", done.out)
        anchor = json.loads(self.anchors.read_text().splitlines()[-1])["anchor"]
        self.assertIn(f"Anchor {self.anchors}: noted up to {anchor['sequence']} at {anchor['at']}\n", done.out)
        unsigned = b"".join(line for number, line in enumerate(self.lines) if number not in self.closes())
        for key in (self.key, "0" * 64):
            done = self.verify(unsigned, 0, anchor=False, key=key)
            self.assertIn("\nChain: nothing in it is signed yet\n", done.out)
            self.assertNotIn(key, done.out)
            shown, = json.loads(self.verify(unsigned, 0, "--output", "json", anchor=False, key=key).out)
            self.assertEqual((shown["public_key"], shown["signed_up_to"], shown["anchors"]), (None, 0, []))

    def test_another_key_and_foreign_anchors(self):
        whole = self.copy.read_bytes()
        self.verify(whole, 23, key="0" * 64)
        self.assertEqual(self.office.audit_as("nobody", "verify", "--file", str(self.copy)).status, 2)
        done = self.office.audit_as(AUDRA, "verify", "--file", str(self.copy), "--key", self.key, "--anchor", "/dev/null")
        self.assertEqual(done.status, 2, done)
        self.assertIn("no anchor of this audit log", done.err)
        self.assertEqual(self.office.audit_as(AUDRA, "verify", "--file", "/nowhere", "--key", self.key).status, 2)
        self.assertEqual(self.verify(b"", 2, anchor=False).out, "")

    def test_a_rewrite(self):
        """All is chained again with another person in it; without the key to sign with, or with ends of segments left out, it stands out."""
        records = [json.loads(line) for line in self.lines if not line.startswith(b'{"close"')]
        last, lines = "0" * 64, []
        for record in records:
            record["person"] = record["person"].replace("root", "eve")
            del record["hash"]
            text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            last = record["hash"] = hashlib.sha256(TAG + last.encode() + text.encode()).hexdigest()
            lines.append(json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
        done = self.verify(b"".join(lines), 22)
        self.assertIn("is another one than when it was anchored", done.out)
        self.verify(b"".join(lines), 0, anchor=False)     # as it says itself: no anchors were compared
        closes = self.closes()
        self.verify(b"".join([*lines[:closes[0]], self.lines[closes[0]], *lines[closes[0]:]]), 20)

    def test_one_who_has_no_key_of_the_chain_cannot_call_it_another(self):
        """Anchors say which log it is, not what the copy says of itself."""
        chain = json.loads(self.lines[self.closes()[0]])["close"]["chain"]
        self.verify(self.copy.read_bytes().replace(chain.encode(), b"00000000-0000-0000-0000-000000000000"), 23)


if __name__ == "__main__":
    unittest.main()
