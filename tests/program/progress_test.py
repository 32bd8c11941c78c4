"""What people see who wait: a line of the terminal that is written again, a line now and then where there is none, and nothing of it on stdout."""

import json
import os
import pty
import subprocess
import unittest

from project import YELLOW, Project

# So many rows that one is told of, and then a row that takes its time.
SLOW = """
ALTER TABLE customers RENAME TO kept;
CREATE FUNCTION wait(seconds int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(seconds); RETURN 'late'; END $$;
CREATE VIEW customers AS SELECT * FROM kept
  UNION ALL SELECT 'D' || n, 'a', 'b', NULL, NULL, NULL FROM generate_series(10000, 19999) n
  UNION ALL SELECT wait(%d), 'a', 'b', NULL, NULL, NULL;
GRANT SELECT ON customers TO shop_reader;
"""


class Progress(unittest.TestCase):
    def setUp(self):
        self.project = Project().unscheduled()
        self.addCleanup(self.project.close)
        self.project.demo()

    def run_shop(self, *arguments, **options):
        return subprocess.Popen([YELLOW, "--project", str(self.project.root), "run", "Shop", *arguments], stdin=subprocess.DEVNULL, **options)

    def test_on_a_terminal_one_line_is_written_again(self):
        self.project.sql("ShopDB", SLOW % 4)
        controller, terminal = pty.openpty()
        running = self.run_shop(stdout=terminal, stderr=terminal)
        os.close(terminal)
        seen = b""
        try:
            while chunk := os.read(controller, 4096):
                seen += chunk
        except OSError:  # nobody holds the terminal any more
            pass
        os.close(controller)
        self.assertEqual(running.wait(timeout=60), 0, seen)
        text = seen.decode()
        drawn = [part for part in text.split("\r\x1b[K") if "reads customers" in part]
        self.assertGreaterEqual(len(drawn), 2, text)
        self.assertRegex(drawn[-1], r"^Shop: reads customers \(2 of 2\), [\d,]+ rows, \d+ s, [\d,]+ rows/s$")
        # What stays of it is nothing: it was wiped before the next line.
        self.assertRegex(text, r"\r\x1b\[KShop: batch 3 committed: ")

    def test_without_a_terminal_a_line_now_and_then_on_stderr(self):
        self.project.sql("ShopDB", SLOW % 13)
        running = self.run_shop("--output", "json", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, err = running.communicate(timeout=120)
        self.assertEqual(running.returncode, 0, err)
        self.assertEqual(json.loads(out)["batches"], 2)
        self.assertRegex(err, r"(?m)^Shop: reads customers \(2 of 2\), [\d,]+ rows, \d+ s, [\d,]+ rows/s$")
        self.assertNotIn("\x1b", err)
        self.assertNotIn("\r", err)


if __name__ == "__main__":
    unittest.main()
