"""The folder of a transformer's code as people have it: generated folders, a virtual environment, bytes that are no text, programs, links."""

import os
import shutil
import subprocess
import unittest

from project import Project

MODEL = """
kind: Workspace
name: Worker
groups: {In: {sinks: [Shop.customers]}}
transformer:
  code: {source: worker/, command: [python3, main.py]}
  deterministic: true
  retries: 0
  output:
    datastore: Work
    datasets: {seen: {key: [name], columns: {name: text, value: text}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Work.seen]}}
"""

# Writes one row for each name and value that `seen` is called with.
MAIN = """
import hashlib, os, subprocess, sys
def seen(name, value):
    quoted = "'" + str(value).replace("'", "''") + "'"
    subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", f"INSERT INTO {os.environ['YELLOW_OUTPUT__SEEN']} VALUES ('{name}', {quoted})"], check=True)
seen("always", 1)
"""

PATH = "/usr/local/bin:/usr/bin:/bin"     # of a run: its user may reach no other python
BYTES = bytes(range(256)) * 300


class SourceFolder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.base.chmod(0o755)     # a run may have a user of its own, who is to reach the virtual environment
        cls.project.demo()
        cls.folder = cls.project.root / "model/worker"
        cls.folder.mkdir()
        cls.project.write("model/worker.yaml", MODEL)

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.folder)])
        self.folder.mkdir(exist_ok=True)

    def run_code(self, body, status=0):
        """What the code has seen; its last line differs each time, so that it runs."""
        (self.folder / "main.py").write_text(MAIN + body + f"\n# {self.id()}\n")
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, status, result)
        return dict(self.project.sql("MergeDB", "SELECT name, value FROM ws_workreader.now__work__seen"))

    def runs(self):
        return self.project.sql("MergeDB", "SELECT count(*) FROM yellow.run WHERE transformer LIKE '%Worker'")

    def test_what_programs_make_there_is_no_part_of_the_code(self):
        for name in ("__pycache__/main.cpython-311.pyc", "lib/__pycache__/x.pyc", ".git/index", ".venv/lib/a.so", "node_modules/a/b.node", "old.pyc", ".pytest_cache/v"):
            self.project.write(f"model/worker/{name}", "\udcff generated")
        self.project.write("model/worker/env/pyvenv.cfg", "home = /usr/bin\n")
        self.project.write("model/worker/env/lib/b.so", "\udcff")
        self.project.write("model/worker/lib/code.py", "")
        seen = self.run_code("seen('files', sorted(os.path.join(d, f) for d, _, fs in os.walk('.') for f in fs))")
        self.assertEqual(seen["files"], "['./lib/code.py', './main.py']")
        stored = self.project.sql("MergeDB", "SELECT key FROM yellow.model, jsonb_each(files) WHERE version = (SELECT max(version) FROM yellow.model) AND starts_with(key, 'model/worker/') ORDER BY 1")
        self.assertEqual(stored, [("model/worker/lib/code.py",), ("model/worker/main.py",)])
        before = self.runs()
        self.project.write("model/worker/lib/__pycache__/code.pyc", "made by pytest")
        self.project.write("model/worker/venv/pyvenv.cfg", "")
        result = self.project.yellow("run", "--apply")
        self.assertIn("Nothing is due", result.out)
        self.assertEqual(self.runs(), before)

    def test_bytes_that_are_no_text_arrive_as_they_are(self):
        (self.folder / "model.bin").write_bytes(BYTES)
        (self.folder / "nul.txt").write_bytes(b"a\0b")
        body = "for name in ('model.bin', 'nul.txt'): seen(name, hashlib.sha256(open(name, 'rb').read()).hexdigest())"
        seen = self.run_code(body)
        digests = {name: subprocess.run(["sha256sum", self.folder / name], capture_output=True, text=True).stdout.split()[0] for name in ("model.bin", "nul.txt")}
        self.assertEqual({name: seen[name] for name in digests}, digests)
        before = self.runs()
        (self.folder / "model.bin").write_bytes(BYTES[:-1] + b"\0")
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        self.assertNotEqual(self.runs(), before, "a changed file is a changed definition")

    def test_programs_and_links(self):
        (self.folder / "tool").write_text("#!/bin/sh\necho tool ran\n")
        (self.folder / "tool").chmod(0o755)
        self.project.write("model/common/shared.py", "WORD = 'shared'\n")
        self.addCleanup(subprocess.run, ["rm", "-rf", str(self.project.root / "model/common")])
        (self.folder / "common").symlink_to("../common")
        (self.folder / "alias.py").symlink_to("common/shared.py")
        seen = self.run_code("import alias\nfrom common import shared\n"
                             "seen('tool', subprocess.run(['./tool'], capture_output=True, text=True).stdout.strip())\n"
                             "seen('link', shared.WORD + alias.WORD)\nseen('mode', oct(os.stat('main.py').st_mode & 0o777))")
        self.assertEqual((seen["tool"], seen["link"], seen["mode"]), ("tool ran", "sharedshared", "0o600"))

    def test_links_that_lead_elsewhere_are_refused(self):
        for target, message in (("/etc/hostname", "the link leads out of the project: model/worker/link -> /etc/hostname"),
                                ("/etc", "the link leads out of the project: model/worker/link -> /etc"),
                                ("nothing", "the link leads nowhere: model/worker/link"),
                                (".", "the link leads back to a folder that it lies in: model/worker/link")):
            with self.subTest(target=target):
                (self.folder / "link").unlink(missing_ok=True)
                (self.folder / "link").symlink_to(target)
                result = self.project.yellow("lint")
                self.assertEqual(result.status, 3, result)
                self.assertIn(message, result.err)
                self.assertIn("  = ", result.err)

    def test_a_virtual_environment_beside_the_code_is_used_where_it_is(self):
        subprocess.run([shutil.which("python3", path=PATH), "-m", "venv", "--without-pip", self.folder / ".venv"], check=True)
        library = next((self.folder / ".venv/lib").glob("python*")) / "site-packages/only_here.py"
        library.write_text("WORD = 'from the environment'\n")
        seen = self.run_code("import only_here\nseen('word', only_here.WORD)\nseen('prefix', sys.prefix)\nseen('variable', os.environ['VIRTUAL_ENV'])\n"
                             "seen('named', subprocess.run(['.venv/bin/python', '-c', 'import only_here; print(only_here.WORD)'], capture_output=True, text=True).stdout.strip())")
        place = str(self.folder / ".venv")
        self.assertEqual((seen["word"], seen["prefix"], seen["variable"], seen["named"]), ("from the environment", place, place, "from the environment"))
        self.assertEqual(list(self.project.root.glob(".yellow/runs/*/source")), [], "the copy is gone")

    def test_too_much_to_be_stored(self):
        with open(self.folder / "weights.bin", "wb") as file:
            file.truncate(65 << 20)
        result = self.project.yellow("lint")
        self.assertEqual(result.status, 1, result)
        self.assertIn("model/worker/weights.bin: error: the files below model/ have 65 MiB together, this one 65; at most 64 MiB are stored with the model [Y621]", result.out)

    def test_a_name_that_is_no_text(self):
        path = os.fsencode(str(self.folder)) + b"/caf\xe9.txt"
        open(path, "wb").close()
        result = self.project.yellow("lint")
        self.assertEqual(result.status, 1, result)
        self.assertIn("model/worker/caf?.txt: error: the name of this file is not UTF-8 [Y620]", result.out)


if __name__ == "__main__":
    unittest.main()
