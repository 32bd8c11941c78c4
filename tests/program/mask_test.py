"""Masks without code: every rule on every type it is for, against a model of the rule in Python; pseudonyms are equal in all tables, and equal to
an HMAC computed apart; what a rule is not for is refused by name."""

import base64
import hmac
import unittest

from project import Project

KEY = "canary mask key 3141"
TEXTS = ["", "a", "ab", "abc", "abcdefgh", "  two  ", "o'Neil", "ünïcode", "漢字かな", "\U0001F600x", "tab\tand\\slash", "A" * 12]
DATES = ["2024-02-29", "1899-12-31", "2000-01-01", "9999-12-31", "infinity"]
STAMPS = ["2024-02-29 23:59:59.999999", "1899-12-31 00:00:00", "2000-01-01 12:00:00", "2026-12-31 23:30:00"]
# type -> values that are not null; the last value of every column is.
TYPES = {
    "text": TEXTS, "varchar(40)": TEXTS, "char(20)": TEXTS, "varchar(3)": ["", "a", "abc"],
    "date": DATES, "timestamp": STAMPS, "timestamp(3)": STAMPS[2:], "timestamptz": STAMPS,
    "integer": ["-1", "42"], "bigint": ["9223372036854775807"], "smallint": ["7"], "numeric": ["1.10"], "numeric(10,2)": ["12.34"], "real": ["1.5"],
    "double precision": ["2.5"], "boolean": ["true"], "uuid": ["00000000-0000-0000-0000-00000000002a"], "json": ["{}"], "jsonb": ["[1]"], "bytea": ["\\x00ff"],
    "time": ["12:34:56"], "timetz": ["12:34:56+02"], "interval": ["1 day"], "text[]": ["{a,b}"], "date[]": ["{2024-02-29}"],
}
FOR_TEXTS = ("text", "varchar(40)", "char(20)", "varchar(3)")
RULES = {
    "keep": tuple(TYPES), "null": tuple(TYPES), "redact": FOR_TEXTS, "last2": FOR_TEXTS, "last4": FOR_TEXTS,
    "year": ("date", "timestamp", "timestamp(3)", "timestamptz"), "pseudonym": ("text", "varchar(40)", "char(20)"),
}
ROWS = max(len(values) for values in TYPES.values()) + 1


def name(rule, kind):
    return rule + "_" + kind.replace("(", "_").replace(")", "").replace(",", "_").replace(" ", "_").replace("[]", "_a")


def pseudonym(value):
    return base64.urlsafe_b64encode(hmac.digest(KEY.encode(), value.encode(), "sha256"))[:16].decode()


def masked(rule, kind, value):
    """What a rule makes of a value, as PostgreSQL's text."""
    if value is None or rule == "null":
        return None
    if rule == "keep":
        return value
    if rule == "redact":
        return "redacted"[:3] if kind == "varchar(3)" else "redacted"
    if rule.startswith("last"):
        shown = min(int(rule[4:]), len(value) // 2)
        return "*" * (len(value) - shown) + value[len(value) - shown:]
    if rule == "year":
        return value if value == "infinity" else value[:4] + "-01-01" + ("" if kind == "date" else " 00:00:00" + ("+00" if kind == "timestamptz" else ""))
    assert rule == "pseudonym"
    return pseudonym(value)


CELLS = [(rule, kind) for rule, kinds in RULES.items() for kind in kinds]


def value_of(kind, row):
    return TYPES[kind][row] if row < len(TYPES[kind]) else None


class Masks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = project = Project().unscheduled()
        project.demo()
        quoted = lambda v: "NULL" if v is None else "'" + v.replace("'", "''") + "'"
        columns = ", ".join(f'"{name(*cell)}" {cell[1]}' for cell in CELLS)
        rows = ", ".join(f"({i}, 'person {i}', " + ", ".join(quoted(value_of(kind, i)) for _, kind in CELLS) + ")" for i in range(ROWS))
        project.sql("ShopDB", f"""
            SET TimeZone = 'UTC';
            CREATE TABLE matrix (id integer PRIMARY KEY, person text NOT NULL, {columns}); INSERT INTO matrix VALUES {rows};
            CREATE TABLE visits (visitor varchar(60) PRIMARY KEY, nr integer); INSERT INTO visits SELECT person, id FROM matrix;
            GRANT SELECT ON matrix, visits TO shop_reader""")
        declared = "\n".join(f'      {name(*cell)}: {{type: "{cell[1]}", classification: pii.name}}' for cell in CELLS)
        rules = ", ".join(f"{name(*cell)}: " + (f'{{keep: "the test looks at it"}}' if cell[0] == "keep" else '"null"' if cell[0] == "null" else cell[0]) for cell in CELLS)
        team = project.root / "model/team.yaml"
        team.write_text(team.read_text() + "  people_key: {type: secret_key}\n")
        local = project.root / "environments/local.yaml"
        local.write_text(local.read_text().replace("credentials:\n", "credentials:\n  people_key: {env: PEOPLE_KEY}\n"))
        cls.model = f"""
kind: Datastore
name: Matrix
capture: {{sql_snapshot: {{container: ShopDB, credential: shop_reader}}}}
datasets:
  matrix:
    key: [id]
    columns:
      id: integer
      person: {{type: text not null, classification: pii.name}}
{declared}
  visits: {{key: [visitor], columns: {{visitor: {{type: varchar(60), classification: pii.name}}, nr: integer}}}}
---
kind: Workspace
name: Masker
groups: {{G: {{sinks: ["Matrix.*"]}}}}
transformer:
  code:
    mask:
      matrix: {{person: pseudonym, {rules}}}
      visits: {{visitor: pseudonym}}
    mask_key: people_key
  output: {{datastore: Hidden, datasets: {{matrix: {{like: Matrix.matrix}}, visits: {{like: Matrix.visits}}}}}}
---
kind: Workspace
name: HiddenReader
readers: []
groups: {{Now: {{sinks: ["Hidden.*"]}}}}
"""
        (project.root / "model/matrix.yaml").write_text(cls.model)
        cls.ran = project.yellow("run", "--apply", environment={"PEOPLE_KEY_TOKEN": KEY})
        assert cls.ran.status == 0, cls.ran

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def seen(self, columns, dataset="matrix"):
        return self.project.sql("MergeDB", f"SET TimeZone = 'UTC'; SELECT {columns} FROM ws_hiddenreader.now__hidden__{dataset}")

    def test_every_rule_on_every_type_that_it_is_for(self):
        for rule, kind in CELLS:
            with self.subTest(rule=rule, kind=kind):
                column = name(rule, kind)
                source = dict(self.project.sql("ShopDB", f"SET TimeZone = 'UTC'; SELECT id, rtrim(\"{column}\"::text) FROM matrix" if kind == "char(20)"
                                               else f"SET TimeZone = 'UTC'; SELECT id, \"{column}\"::text FROM matrix"))
                result = dict(self.seen(f'id, "{column}"::text'))
                self.assertEqual(len(result), ROWS)
                for key, value in source.items():
                    self.assertEqual(result[key], masked(rule, kind, value), f"of {value!r}")

    def test_last_never_shows_more_than_half(self):
        for rule, kind in CELLS:
            if rule.startswith("last"):
                for (value,) in self.seen(f'"{name(rule, kind)}"::text'):
                    self.assertTrue(value is None or len(value.strip("*")) * 2 <= len(value), value)

    def test_pseudonyms_join_across_tables_and_are_the_hmac(self):
        joined = self.project.sql("MergeDB", "SELECT m.id, m.person, v.nr FROM ws_hiddenreader.now__hidden__matrix m JOIN ws_hiddenreader.now__hidden__visits v "
                                             "ON v.visitor = m.person ORDER BY m.id")
        self.assertEqual(joined, [(str(i), pseudonym(f"person {i}"), str(i)) for i in range(ROWS)])

    def test_another_key_is_another_pseudonym_and_no_key_is_a_failure(self):
        before = self.seen("person")
        refused = self.project.yellow("run", "Masker")
        self.assertEqual(refused.status, 1, refused)
        self.assertIn("the secret of credential people_key is missing: environment variable PEOPLE_KEY_USER", refused.out)
        self.assertEqual(self.seen("person"), before)
        self.project.yellow("run", "Masker", environment={"PEOPLE_KEY_TOKEN": KEY + "!"})
        self.assertFalse(set(before) & set(self.seen("person")))
        again = self.project.yellow("run", "Masker", environment={"PEOPLE_KEY_TOKEN": KEY})
        self.assertEqual(again.status, 0, again)
        self.assertEqual(sorted(self.seen("person")), sorted(before))

    def test_the_key_is_in_no_output_and_no_table(self):
        listed = self.project.yellow("runs", "list", "Masker", "--output", "json").out
        dump = self.project.sql("MergeDB", "SELECT r::text FROM yellow.run r UNION ALL SELECT e::text FROM yellow.event e UNION ALL SELECT files::text FROM yellow.model")
        self.assertNotIn(KEY, self.ran.out + self.ran.err + listed + str(dump))

    def test_what_a_rule_is_not_for_is_refused_by_name(self):
        misfits = [(rule, kind) for rule, kinds in RULES.items() for kind in TYPES if kind not in kinds]
        columns = ", ".join(f'{name(*cell)}: "{cell[1]}"' for cell in misfits)
        rules = ", ".join(f"{name(*cell)}: {cell[0]}" for cell in misfits)
        self.project.write("model/misfits.yaml", f"""
kind: Datastore
name: Misfit
capture: {{sql_snapshot: {{container: ShopDB, credential: shop_reader}}}}
datasets: {{t: {{key: [id], columns: {{id: integer, named: {{type: text, classification: pii.name}}, {columns}}}}}}}
---
kind: Workspace
name: Misfits
groups: {{G: {{sinks: [Misfit.t]}}}}
transformer:
  code: {{mask: {{t: {{{rules}}}}}, mask_key: people_key}}
  output: {{datastore: MisfitOut, datasets: {{t: {{like: Misfit.t}}}}}}
---
kind: Workspace
name: MisfitReader
groups: {{Now: {{sinks: [MisfitOut.t]}}}}
""")
        try:
            lint = self.project.yellow("lint")
        finally:
            (self.project.root / "model/misfits.yaml").unlink()
        self.assertEqual(lint.status, 1)
        text = lint.out + lint.err
        for cell in misfits:
            self.assertRegex(text, rf": t\.{name(*cell)} \[Y504\]")
        self.assertEqual(text.count("[Y504]"), len(misfits))
        self.assertIn("a restricted column has no mask rule: t.named (pii.name) [Y503]", text)


if __name__ == "__main__":
    unittest.main()
