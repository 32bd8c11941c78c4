"""docs/howto: the commands of each page, run as they are written; only the port of the database is the test's own."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from project import ROOT, YELLOW, Project
from server import NamedPostgres

CRM = """
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, email text, phone text, date_of_birth date, segment char(1));
INSERT INTO customers SELECT i, 'Firstname' || i || ' Lastname' || i, 'person' || i || '@example.com', '+49 30 55' || lpad(i::text, 5, '0'), date '1950-03-07' + i * 11,
  CASE WHEN i % 3 > 0 THEN chr(65 + i % 3) END FROM generate_series(1, 200) i;
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, placed date NOT NULL, total numeric(10,2));
INSERT INTO orders SELECT i, 1 + i % 200, date '2024-01-01' + i % 100, i * 1.25 FROM generate_series(1, 500) i;
"""


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs/howto" / page).read_text(), re.M | re.S)


class FirstMaskedDatabase(unittest.TestCase):
    PAGE = "first-masked-database.md"

    def setUp(self):
        self.server = NamedPostgres()
        self.addCleanup(self.server.close)
        self.server.psql("postgres", "CREATE DATABASE crm")
        self.server.psql("crm", CRM)
        for block in blocks(self.PAGE, "sql"):
            self.server.psql("crm", block)
        programs = self.server.base / "bin"
        programs.mkdir()
        (programs / "yellow").symlink_to(YELLOW)
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "CRM_"))}
        self.environment = {**clean, "PATH": f"{programs}:{os.environ['PATH']}"}
        self.addCleanup(lambda: self.sh("cd crm && yellow down"))

    def sh(self, script):
        return subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", script.replace("localhost:5432", f"127.0.0.1:{self.server.port}")],
                              cwd=self.server.base, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)

    def test_as_it_is_written(self):
        scripts = blocks(self.PAGE, "sh")
        self.assertEqual(len(scripts), 8)
        *first, update, last = scripts
        done = self.sh("\n".join(first))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Done: 2 batches committed, 1 of them by a transformer; 0 held, 0 failed", done.stdout)
        self.assertIn("1 tests: 0 failed, 0 errors", done.stdout)
        self.assertIn("customers: 200 rows; against batch 1: 0 inserted, 0 updated, 0 deleted, 200 unchanged", done.stdout)
        self.assertRegex(done.stdout, r"\n +1 \| redacted \| \*+0001 +\| 1950-01-01 +\| B\b")
        self.assertEqual(done.stdout.count("0 errors, 0 warnings"), 2)
        model = (self.server.base / "crm/model/crm.yaml").read_text()
        self.assertIn('name: {type: "text not null", classification: pii.name}', model)
        self.assertNotIn("classification: pii.name ?", model)

        masked = self.sh("cd crm && yellow sql -w Analysts -c 'TABLE now__crmmasked__customers' && yellow sql -w Analysts -c 'TABLE now__crmmasked__orders'"
                         " && ! yellow sql -w Analysts -c 'TABLE dp_main.crm__customers'")
        self.assertEqual(masked.returncode, 0, masked)
        for value in self.server.psql("crm", "SELECT name FROM customers UNION SELECT email FROM customers UNION SELECT phone FROM customers").splitlines():
            self.assertNotIn(value, masked.stdout)
        self.assertIn("permission denied", masked.stderr)

        self.server.psql("crm", "ALTER TABLE customers ADD COLUMN street text; INSERT INTO customers VALUES (900, 'New One', NULL, NULL, '2001-02-03', 'C'); GRANT SELECT ON customers TO crm_reader")
        exports = [line for line in "\n".join(first).splitlines() if line.startswith("export ")]
        updated = self.sh("\n".join(["cd crm", *exports, update]))
        self.assertEqual(updated.returncode, 1, updated)
        self.assertIn("1 columns in datasets that were there", updated.stdout)
        self.assertRegex(updated.stdout, r"customers.street +pii.address \?")
        self.assertRegex(updated.stdout, r"customers.street +CrmMasked.customers is like customers and will show it as it is")
        confirmed = self.sh("cd crm\n" + next(s for s in scripts if "sed -i -E" in s))
        self.assertNotEqual(confirmed.returncode, 0, "lint insists on a rule")
        self.assertIn("a restricted column has no mask rule: customers.street", confirmed.stdout)

        done = self.sh("\n".join(["cd crm", *exports, last, "yellow sql -w Analysts -c 'SELECT * FROM now__crmmasked__customers WHERE id = 900'"]))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"900 \| redacted \| +\| 2001-01-01 +\| C")
        self.assertNotIn("street", done.stdout.rpartition("900 |")[0].rpartition("\n id ")[2])


class WriteATransformer(unittest.TestCase):
    PAGE = "write-a-transformer.md"

    def test_as_it_is_written(self):
        base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-howto-"))
        self.addCleanup(shutil.rmtree, base, True)
        (base / "yellow").symlink_to(YELLOW)
        environment = {**os.environ, "PATH": f"{base}:{os.environ['PATH']}"}
        self.addCleanup(lambda: subprocess.run([YELLOW, "--project", base / "authors", "down"], capture_output=True))
        done = subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", "\n".join(blocks(self.PAGE, "sh"))], cwd=base, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"passed MaskPeople/first .*\n1 tests: 0 failed, 0 errors")
        self.assertIn("  1 | A.   | 2024-01-01\n  2 | G.   | 2024-01-01\n", done.stdout)
        self.assertIn("people has no column name; there are: id, domain", done.stdout)
        self.assertIn("the test still expects a copy", done.stdout)
        self.assertIn(" example.com |     3\n", done.stdout)
        self.assertIn("exit status 1: something failed\n", done.stdout)
        self.assertRegex(done.stdout, r"\nDomainsOutput +failed +1 .* the code ended with exit status 1   yellow explain Domains\n")
        self.assertIn("5 rows written\nI do not like this data\n", done.stdout)
        self.assertEqual(done.stdout.count("0 errors, 0 warnings"), 1)


class Operate(unittest.TestCase):
    PAGE = "operate.md"

    def test_as_it_is_written(self):
        project = Project(None)
        self.addCleanup(project.close)
        project.root.rmdir()
        (project.base / "yellow").symlink_to(YELLOW)
        environment = {**os.environ, "PATH": f"{project.base}:{os.environ['PATH']}"}

        def sh(scripts):
            script = "\n".join(scripts).replace("yellow demo shop", "yellow demo project").replace("cd shop", "cd project")
            return subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", script], cwd=project.base, env=environment, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=300)

        make, look, held, *rest, down = blocks(self.PAGE, "sh")
        before = sh([make, look])
        self.assertEqual(before.returncode, 0, before.stdout + before.stderr)
        self.assertRegex(before.stdout, r"\n\d+ checks: all well\n")
        project.sql("ShopDB", blocks(self.PAGE, "sql")[0])
        after = sh(["cd project", held, *rest])
        self.assertEqual(after.returncode, 0, after.stdout + after.stderr)
        for expected in ("held\n", "it waits\n", "Reason: addresses would lose 1963 of 4000 rows", " 3001\n", "Released.", "committed: 0 inserted, 0 updated, 3463 deleted",
                         "Shop is paused.", "MaskShop counted Shop.addresses, Shop.customers of it", "customers: 1501 rows\n"):
            self.assertIn(expected, after.stdout)
        self.assertEqual(sh(["cd project", down]).returncode, 0)


if __name__ == "__main__":
    unittest.main()
