"""Authors and adopters: a project is made, a transformer begun, and both run as they are."""

import unittest

from project import Project


class Init(unittest.TestCase):
    """`init` and `init transformer`, and that what they write runs as it is."""

    def setUp(self):
        self.project = Project(example=None)
        self.addCleanup(self.project.close)

    def done(self, *arguments, status=0):
        result = self.project.yellow(*arguments)
        self.assertEqual(result.status, status, result)
        return result

    def contents(self):
        return {p.relative_to(self.project.root): p.read_bytes() for p in self.project.root.rglob("*") if p.is_file() and ".yellow" not in p.parts}

    def test_the_example_lints_and_runs(self):
        made = self.done("init", str(self.project.root))
        self.assertIn("yellow run --apply", made.out)
        self.assertIn("0 errors, 0 warnings", self.done("lint").out)
        self.assertIn("5 inserted", self.done("run", "--apply").out)
        self.assertIn("Emmy Noether", self.done("sql", "-w", "Readers", "-c", "SELECT * FROM now__example__people").out)
        before = self.contents()
        self.done("init", str(self.project.root))     # the same files: it only completes
        self.assertEqual(self.contents(), before)
        (self.project.root / "model/people.yaml").write_text("# mine\n")
        self.assertIn("there is a model already", self.done("init", str(self.project.root), status=2).err)

    def test_nothing_is_overwritten(self):
        self.project.write("environments/local.yaml", "# mine\n")
        before = self.contents()
        self.assertIn("there is a file already", self.done("init", str(self.project.root), status=2).err)
        self.assertEqual(self.contents(), before)

    def test_for_a_database_that_is_there(self):
        made = self.done("init", str(self.project.root), "--source", "postgresql://reader@db.example.com:6432/my-crm?sslmode=require")
        self.assertIn("export MY_CRM_USER=reader MY_CRM_PASSWORD=…", made.out)
        environment = (self.project.root / "environments/local.yaml").read_text()
        self.assertIn('MyCrmDB: {host: "db.example.com", port: 6432, sslmode: require}', environment)
        self.assertIn("0 errors, 0 warnings", self.done("lint").out)
        self.assertIn("Nothing is due", self.done("run", "--apply").out)
        missing = self.done("import", "postgres", "--container", "MyCrmDB", status=3)
        self.assertIn("MY_CRM_USER", missing.err)
        self.done("init", str(self.project.base / "other"), "--source", "postgresql://reader:secret@db/crm", status=2)
        self.assertFalse((self.project.base / "other").exists())

    def test_an_image_is_code_for_other_launchers(self):
        self.done("init", str(self.project.root))
        self.done("init", "transformer", "ByRow", "--language", "python")
        document = self.project.root / "model/by_row.yaml"
        text = document.read_text()
        document.write_text(text.replace("code: {source:", "code: {image: example/by-row, source:"))
        self.assertIn("0 errors, 0 warnings", self.done("lint").out)
        self.assertIn("1 tests: 0 failed, 0 errors", self.done("test", "ByRow").out)
        self.assertIn("1 of them by a transformer", self.done("run", "--apply").out)
        document.write_text(text.replace("code: {source: by_row/,", "code: {image: example/by-row,"))
        for command in (["lint"], ["run", "--apply"], ["test"], ["try", "ByRow"]):
            refused = self.done(*command, status=1)
            self.assertIn("launcher: process cannot run an image: example/by-row", refused.out + refused.err)

    def test_new_transformers_run_as_they_are(self):
        self.done("init", str(self.project.root))
        self.assertIn("model/by_row/main.py", self.done("init", "transformer", "ByRow", "--language", "python").out)
        self.done("init", "transformer", "BySet", "--language", "sql", "--input", "Example.people")
        self.assertIn("0 errors, 0 warnings", self.done("lint").out)
        self.done("run", "--apply")
        source = self.project.sql("ExampleDB", "SELECT * FROM people ORDER BY id")
        for workspace in ("ByRow", "BySet"):
            rows = self.project.sql("MergeDB", f"SELECT * FROM ws_{workspace.lower()}readers.now__{workspace.lower()}output__people ORDER BY id")
            self.assertEqual(rows, source, workspace)
        before = self.contents()
        for arguments, message in ((["ByRow"], "the model has a ByRow already"), (["By__Row"], "double underscore"),
                                   (["New", "--input", "Example.peple"], "did you mean Example.people?")):
            self.assertIn(message, self.done("init", "transformer", *arguments, status=2).err)
        self.project.write("model/mine/main.py", "# mine\n")
        self.assertIn("there is a file already: model/mine/main.py", self.done("init", "transformer", "Mine", "--language", "python",
                                                                               "--input", "Example.people", status=2).err)
        (self.project.root / "model/mine/main.py").unlink()
        self.assertEqual(self.contents(), before)


class TestAndRun(unittest.TestCase):
    def test_a_changed_fixture_is_no_changed_definition(self):
        project = Project(example=None)
        self.addCleanup(project.close)
        project.yellow("init", str(project.root))
        project.yellow("init", "transformer", "ByRow", "--language", "python")
        first = project.yellow("run", "--apply")
        self.assertIn("1 of them by a transformer", first.out)
        project.write("model/by_row/tests/second/out/people.csv", "id\n")
        again = project.yellow("run", "--apply")
        self.assertIn("Nothing is due", again.out)
        project.write("model/by_row/main.py", (project.root / "model/by_row/main.py").read_text() + "# changed\n")
        self.assertIn("1 of them by a transformer", project.yellow("run", "--apply").out)


if __name__ == "__main__":
    unittest.main()
