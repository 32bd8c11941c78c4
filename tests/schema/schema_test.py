"""The JSON Schema that yellow prints is one, accepts what lint accepts, and refuses what lint refuses for its shape."""

import copy
import json
import os
import pathlib
import re
import subprocess
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Findings about the shape of a document; what they refuse, a schema can refuse too.
SHAPE = {"Y201", "Y203", "Y204"}


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def examples():
    for folder in sorted((ROOT / "examples").iterdir()):
        yield from (path for path in sorted(folder.rglob("*.yaml")) if path.is_file())


class Schema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        text = subprocess.run([os.environ["YELLOW_BIN"], "export", "json-schema"], check=True, capture_output=True, text=True).stdout
        schema = json.loads(text)
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.validator = jsonschema.Draft202012Validator(schema)

    def errors(self, document):
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in self.validator.iter_errors(document)]

    def test_examples_are_accepted(self):
        seen = 0
        for path in examples():
            for document in documents(path):
                self.assertEqual(self.errors(document), [], path)
                seen += 1
        self.assertGreater(seen, 8)

    def test_what_lint_says_of_golden_files(self):
        accepted = refused = 0
        for folder in sorted((ROOT / "tests" / "golden" / "lint").iterdir()):
            findings = (folder / "expected.txt").read_text()
            for path in sorted(folder.rglob("*.yaml")):
                name = path.relative_to(folder).as_posix()
                codes = re.findall(rf"^{re.escape(name)}:\S+ error: .*\[(Y\d+)\]$", findings, flags=re.M)
                try:
                    errors = [error for document in documents(path) for error in self.errors(document)]
                except yaml.YAMLError:
                    continue
                if SHAPE & set(codes):
                    self.assertNotEqual(errors, [], f"{folder.name}/{name}")
                    refused += 1
                elif not any(re.match(r"Y[124]", code) for code in codes):
                    self.assertEqual(errors, [], f"{folder.name}/{name}")
                    accepted += 1
        self.assertGreater(accepted, 10)
        self.assertGreater(refused, 3)

    def test_every_record_is_closed_and_every_required_field_is_missed(self):
        store = documents(ROOT / "examples" / "shop" / "model" / "shop.yaml")[0]
        self.assertEqual(self.errors(store), [])
        for path in ([], ["capture"], ["capture", "sql_snapshot"], ["datasets", "customers"], ["capture", "sql_snapshot", "guards"]):
            changed = copy.deepcopy(store)
            record = changed
            for key in path:
                record = record[key]
            record["nonsense"] = 1
            self.assertNotEqual(self.errors(changed), [], path)
        for path in (["name"], ["capture"], ["datasets"], ["capture", "sql_snapshot", "container"], ["datasets", "customers", "columns"]):
            changed = copy.deepcopy(store)
            record = changed
            for key in path[:-1]:
                record = record[key]
            del record[path[-1]]
            self.assertNotEqual(self.errors(changed), [], path)
        self.assertNotEqual(self.errors({**store, "production": "yes"}), [])
        self.assertNotEqual(self.errors({**store, "kind": "Datastor"}), [])


if __name__ == "__main__":
    unittest.main()
