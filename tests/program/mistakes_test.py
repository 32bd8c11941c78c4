"""Mistakes on the command line: exit status 2, what was probably meant, and nothing done. Needs no PostgreSQL."""

import os
import pathlib
import subprocess
import tempfile
import unittest

YELLOW = os.environ["YELLOW_BIN"]


def yellow(*words, folder):
    return subprocess.run([YELLOW, *words], cwd=folder, capture_output=True, text=True, timeout=60)


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)

    def expect(self, words, status, *texts):
        done = yellow(*words, folder=self.folder)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for text in texts:
            self.assertIn(text, done.stdout + done.stderr)

    def test_words_that_are_no_command(self):
        self.expect(["statsu"], 2, "there is no command statsu", "did you mean status?")
        self.expect(["--output", "json", "statsu"], 2, "did you mean status?")
        self.expect(["batches", "lst"], 2, "there is no command yellow batches lst", "did you mean list?")
        self.expect(["frobnicate"], 2, "there is no command frobnicate", "there are: ")

    def test_options_that_are_none(self):
        self.expect(["status", "--enviroment", "local"], 2, "there is no option --enviroment", "did you mean --environment?")
        self.expect(["run", "--aply"], 2, "did you mean --apply?")

    def test_right_words_with_something_missing(self):
        self.expect(["explain"], 2, "node is required")
        self.expect(["lint", "--explain", "Y999"], 2, "no such code: Y999")
        self.expect(["lint", "--help"], 0, "--explain")

    def test_no_project_and_no_environment(self):
        self.expect(["status"], 2, "no project here")
        (self.folder / "model").mkdir()
        (self.folder / "environments" / "production").mkdir(parents=True)
        (self.folder / "environments" / "production" / "platform.yaml").write_text("kind: Environment\nname: production\n")
        self.expect(["lint", "--environment", "prodution"], 1, "there is no such environment: prodution", "did you mean production?")


if __name__ == "__main__":
    unittest.main()
