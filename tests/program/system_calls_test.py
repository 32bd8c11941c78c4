"""System calls on the program's own files that fail, one after the other: every open, read, write, sync, rename, lock … of a command, with every error
that the kernel may give there. The command says what is wrong and ends, or does its work; it leaves nothing half done, and without the fault all goes on.
strace injects them: https://man7.org/linux/man-pages/man1/strace.1.html"""

import json
import os
import re
import shutil
import subprocess
import unittest

from project import YELLOW, Project

# What each call may fail with, beside EIO.
ERRORS = {"openat": ["EMFILE", "EACCES", "ENOSPC"], "read": ["EINTR"], "write": ["ENOSPC", "EINTR"], "pwrite64": ["ENOSPC"], "fsync": ["ENOSPC"],
          "ftruncate": ["EINTR"], "rename": ["ENOSPC", "EACCES"], "mkdir": ["ENOSPC", "EACCES"], "chmod": ["EPERM"], "fchmod": ["EPERM"],
          "flock": ["EINTR", "ENOLCK"], "getdents64": [], "unlink": ["EACCES"], "rmdir": ["EACCES"], "symlink": ["ENOSPC"]}
TEXTS = {"EIO": "Input/output error", "ENOSPC": "No space left on device", "EMFILE": "Too many open files", "EACCES": "Permission denied",
         "EPERM": "Operation not permitted", "EINTR": "Interrupted system call", "ENOLCK": "No locks available"}
LINE = re.compile(r"^(\w+)\((.*?)(?:\) += |$)")
TEMPORARY = re.compile(r"\.(tmp|new|part)|\.[0-9a-f]{8,}$|~$")


class SystemCalls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()
        cls.project.hurry()
        cls.log = cls.project.base / "calls"

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def traced(self, arguments, calls, inject=None):
        """The command, and its calls as strace has seen them. Of the first thread only, which has the program's files in its hands."""
        command = ["strace", "-y", "-s", "0", "-o", str(self.log), "-e", f"trace={calls}", *(["-e", f"inject={inject}"] if inject else []),
                   YELLOW, "--project", str(self.project.root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        return done, self.log.read_text(errors="replace").splitlines()

    def own(self, line):
        """On a file of the program's: the project, what it keeps of the private server, or a folder of the test."""
        places = (str(self.project.base), str(self.project.cluster()))
        return any(place in line for place in places) and not line.startswith(("execve", "+++", "---"))

    def sweep(self, arguments, prepare=lambda: None, after=lambda done: None, most=8):
        """Every call of the command; of one that comes more often than `most` times, so many over the whole of it."""
        prepare()
        clean, lines = self.traced(arguments, ",".join(ERRORS))
        self.assertEqual(clean.returncode, 0, clean)
        places = {}
        for line in lines:
            if match := LINE.match(line):
                places.setdefault(match[1], []).append(self.own(line))
        faults = 0
        for call, own in sorted(places.items()):
            numbers = [n + 1 for n, is_own in enumerate(own) if is_own]
            numbers = numbers if len(numbers) <= most else [numbers[i * len(numbers) // most] for i in range(most)]
            for error in ["EIO", *ERRORS[call]]:
                for number in numbers:
                    prepare()
                    done, lines = self.traced(arguments, call, f"{call}:error={error}:when={number}")
                    hit = [line for line in lines if "(INJECTED)" in line]
                    if not hit or not self.own(hit[0]):
                        continue
                    faults += 1
                    with self.subTest(call=hit[0], command=arguments[0]):
                        self.judge(done, error)
                        after(done)
        self.assertGreater(faults, 5, "the command has files of its own")
        return faults

    def judge(self, done, error):
        said = done.stdout + done.stderr
        self.assertIn(done.returncode, (0, 1, 2, 3), said)
        self.assertNotIn("bug", said)
        self.assertNotIn("terminate called", said)
        if done.returncode != 0:
            self.assertTrue(TEXTS[error] in said or str(self.project.base) in said or "cannot" in said, f"nobody could tell what is wrong: {said}")
        left = [name for folder, _, names in os.walk(self.project.root) for name in names if TEMPORARY.search(name)]
        self.assertEqual(left, [])

    def all_is_well(self):
        result = self.project.yellow("run", "Shop")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(self.project.masked(), self.project.expected_masked())
        self.assertEqual(self.project.broken_invariants(), {})

    def test_plan_that_is_saved(self):
        """It is there whole, or as it was."""
        file = self.project.base / "plan.json"

        def after(done):
            self.assertTrue(file.exists())
            if done.returncode == 0:
                json.loads(file.read_text())
            else:
                self.assertTrue(file.read_text() == "old" or json.loads(file.read_text()))

        self.sweep(["plan", "-o", str(file)], lambda: file.write_text("old"), after)
        self.all_is_well()

    def test_run(self):
        name = iter(range(100000))
        self.sweep(["run", "Shop"], lambda: self.project.sql("ShopDB", f"UPDATE customers SET firstname = '{next(name)}' WHERE id = (SELECT min(id) FROM customers)"))
        self.all_is_well()

    def test_apply_with_new_passwords(self):
        """Secrets of logins are written, by the first apply and by bootstrap; a password that is lost must not lock anybody out."""
        self.sweep(["bootstrap"])
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.all_is_well()

    def test_a_new_project(self):
        folder = self.project.base / "new"

        def after(done):
            if done.returncode == 0:
                lint = subprocess.run([YELLOW, "--project", str(folder), "lint"], capture_output=True, text=True)
                self.assertEqual(lint.returncode, 0, lint)

        self.sweep(["init", str(folder)], lambda: shutil.rmtree(folder, True), after)


if __name__ == "__main__":
    unittest.main()
