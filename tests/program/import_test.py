"""A database as nasty as they come (nasty_source.sql) becomes a model that lints, runs, and follows the source without losing what people wrote."""

import json
import re
import shutil
import unittest

from project import Project, ROOT

TEAM = """kind: Team
name: Default
containers:
  CrmDB: {postgres: {database: crm}}
credentials:
  crm_reader: {type: user_password}
"""
ENVIRONMENT = """kind: Environment
name: local
containers: {MergeDB: embedded, CrmDB: embedded}
credentials: {crm_reader: {file: .yellow/secrets/crm_reader}}
classes: {allowed: [pii]}
"""
EVERYTHING = """kind: Workspace
name: Everybody
groups: {All: {sinks: ["Crm.*"]}}
"""


def nasty_project():
    """A project whose container CrmDB holds nasty_source.sql, with a login that may read most of it."""
    project = Project(example=None)
    project.write("model/team.yaml", TEAM)
    project.write("environments/local.yaml", ENVIRONMENT)
    project.write(".yellow/secrets/crm_reader", "crm_reader:crm\n")
    applied = project.yellow("apply")     # nothing yet: it starts the private server
    assert applied.status == 0, applied
    project.yellow("import", "postgres", "--container", "CrmDB")    # makes the database
    project.sql("CrmDB", "CREATE ROLE crm_reader LOGIN PASSWORD 'crm'; GRANT CONNECT ON DATABASE crm TO crm_reader;")
    project.sql("CrmDB", (ROOT / "tests/program/nasty_source.sql").read_text())
    return project


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = nasty_project()
        cls.file = cls.project.root / "model/crm.yaml"
        cls.first = cls.project.yellow("import", "postgres", "--container", "CrmDB", "--schema", "crm", "--output", "json")
        assert cls.first.status == 0, cls.first
        cls.text = cls.file.read_text()
        cls.project.write("model/everybody.yaml", EVERYTHING)

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def setUp(self):
        self.file.write_text(self.text)

    def imported(self, *arguments, status=0):
        result = self.project.yellow("import", "postgres", "--container", "CrmDB", *arguments)
        self.assertEqual(result.status, status, result)
        return result

    def found(self, result):
        """(key without schema, state, code) of each finding."""
        return [(f["key"].removeprefix("crm."), f["state"], f["reason"] and f["reason"]["code"]) for f in json.loads(result.out)]

    def test_what_is_taken_and_what_is_not(self):
        found = self.found(self.first)
        added = [key for key, state, _ in found if state == "added"]
        self.assertEqual(len(added), 29, added)
        self.assertEqual({(key, code) for key, state, code in found if state == "left_out"}, {
            ("events_2023", "child"), ("events_2024", "child"), ("heir", "child"), ("open_orders", "view"), ("totals", "materialized_view"),
            ("secrets", "no_privilege"), ("half_secret.closed", "no_privilege"), ("secret_key.id", "no_privilege"), ("nothing", "no_columns")})
        self.assertEqual({key for key, state, _ in found if state == "no_key"},
                         {"no_key", "unique_nullable", "unique_partial", "unique_expression", "secret_key"})
        self.assertEqual({(key, code) for key, state, code in found if state == "guess" and key.startswith("customers.")}, {
            ("customers.name", "pii.name"), ("customers.firstName", "pii.name"), ("customers.email", "pii.contact"), ("customers.contact_info", "pii.contact"),
            ("customers.date_of_birth", "pii.birth"), ("customers.tax_id", "pii.government_id"), ("customers.phone", "pii.contact")})
        self.assertIn(("guarded", "note", "row_security"), found)
        self.assertRegex(self.text, r"\n      email: text +# classification: pii.contact \?  because the column is called email\n")
        self.assertNotRegex(re.sub("#.*", "", self.text), "classification")

    def test_it_lints(self):
        result = self.project.yellow("lint", "--output", "json")
        self.assertEqual(result.status, 0, result)
        self.assertEqual({f["key"] for f in json.loads(result.out)}, {"Y413"}, "only that some have no key")

    def test_the_same_catalogue_gives_the_same_text(self):
        again = self.imported("--schema", "crm", "--stdout", "--store", "Crm")
        self.assertEqual(again.out, self.text)

    def test_every_row_arrives(self):
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 0, result)
        stores = json.loads(self.imported("--schema", "crm", "--store", "Other", "--output", "json", "--output-file", str(self.project.root / "other.yaml")).out)
        tables = [f["key"].removeprefix("crm.") for f in stores if f["state"] == "added"]
        renamed = {f["key"].removeprefix("crm."): f["reason"]["text"].split(" ")[3] for f in stores if f["state"] == "renamed"}
        checked = 0
        for table in tables:
            columns = [row[0] for row in self.project.sql("CrmDB", f"""
                SELECT attname FROM pg_attribute WHERE attrelid = 'crm."{table}"'::regclass AND attnum > 0 AND NOT attisdropped
                AND has_column_privilege('crm_reader', attrelid, attnum, 'SELECT') ORDER BY attnum""")]
            def quoted(name):
                return '"' + name.replace('"', '""') + '"'
            theirs = ", ".join(quoted(c) + "::text" for c in columns)
            ours = ", ".join(quoted(renamed.get(f"{table}.{c}", c)) + "::text" for c in columns)
            where = " WHERE owner = 'crm_reader'" if table == "guarded" else ""
            view = self.project.sql("MergeDB", f"""SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE nspname = 'ws_everybody' AND (relname = lower('all__crm__{renamed.get(table, table)}') OR
                      relname LIKE left(lower('all__crm__{renamed.get(table, table)}'), 54) || '\_________' AND length('all__crm__{renamed.get(table, table)}') > 63)""")
            self.assertEqual(len(view), 1, (table, view))
            expected = self.project.sql("CrmDB", f"SELECT {theirs} FROM crm.{quoted(table)}{where}")
            actual = self.project.sql("MergeDB", f"SELECT {ours} FROM ws_everybody.{quoted(view[0][0])}")
            self.assertEqual(sorted(map(repr, actual)), sorted(map(repr, expected)), table)
            checked += len(expected)
        (self.project.root / "other.yaml").unlink()
        self.assertGreater(checked, 100)

    def test_new_transformers_carry_every_type(self):
        inputs = ["every_type", "select", "with_comma", "no_key", "order_lines"]
        made = []
        for language in ("sql", "python"):
            for dataset in inputs:
                name = f"{language.capitalize()}{dataset.title().replace('_', '')}"
                made.append((name, dataset))
                result = self.project.yellow("init", "transformer", name, "--language", language, "--input", f"Crm.{dataset}")
                self.assertEqual(result.status, 0, result)
        try:
            lint = self.project.yellow("lint")
            run = self.project.yellow("run", "--apply")
            self.assertEqual((lint.status, run.status), (0, 0), (lint, run))
            for name, dataset in made:
                output = f"ws_{name.lower()}readers.now__{name.lower()}output__{dataset}"
                query = "SELECT t::text FROM {} t ORDER BY 1"
                expected = self.project.sql("MergeDB", query.format(f"ws_everybody.all__crm__{dataset}"))
                self.assertEqual(self.project.sql("MergeDB", query.format(output)), expected, name)
                self.assertGreater(len(expected), 0)
        finally:
            for name, _ in made:
                document = next(p for p in (self.project.root / "model").glob("*.yaml") if f"name: {name}\n" in p.read_text())
                shutil.rmtree(document.with_suffix(""))
                document.unlink()

    def test_update_keeps_what_people_wrote(self):
        edited = self.text.replace("      email: text ", "      email: {type: text, classification: pii.contact}   # confirmed by alice\n      # was: ", 1)
        edited = edited.replace("  parent:\n    key: [id]\n    columns:\n      id: integer\n      what: text\n",
                                "  parent: {key: [id], columns: {id: integer, what: text}}      # short\n")
        edited = re.sub(r"  products:\n(    .*\n)+", lambda m: m[0].replace("\n  ", "\n  # ").replace("  products", "  # products", 1), edited)
        edited = edited.replace("      generated: integer\n", "      # generated: integer      # not wanted\n") + "# the end\n"
        self.assertEqual(edited.count("# products"), 1)
        self.file.write_text(edited)
        self.project.sql("CrmDB", """
            ALTER TABLE crm.customers ADD COLUMN "mobile phone" text NOT NULL DEFAULT '';
            ALTER TABLE crm.parent ADD COLUMN price numeric(10,2);
            CREATE TABLE crm.brand_new (id integer PRIMARY KEY, street text); GRANT SELECT ON crm.brand_new TO crm_reader;
            ALTER TABLE crm.unique_not_null RENAME COLUMN label TO title;
            ALTER TABLE crm.products ALTER COLUMN name TYPE varchar(10);
            ALTER TABLE crm.mitarbeiter ALTER COLUMN iban TYPE varchar(40);
            ALTER TABLE crm.camelcase RENAME TO renamed;""")
        try:
            result = self.imported("--update", "--output", "json", status=1)
            found = self.found(result)
            text = self.file.read_text()
            lint = self.project.yellow("lint")
            again = self.imported("--update", status=1)
        finally:
            self.project.sql("CrmDB", """
                ALTER TABLE crm.customers DROP COLUMN "mobile phone"; ALTER TABLE crm.parent DROP COLUMN price; DROP TABLE crm.brand_new;
                ALTER TABLE crm.unique_not_null RENAME COLUMN title TO label; ALTER TABLE crm.products ALTER COLUMN name TYPE text;
                ALTER TABLE crm.mitarbeiter ALTER COLUMN iban TYPE varchar(34); ALTER TABLE crm.renamed RENAME TO camelcase;""")
        self.assertEqual({(key, state) for key, state, _ in found if state in ("added", "gone", "differs", "declined")}, {
            ("customers.mobile phone", "added"), ("parent.price", "added"), ("brand_new", "added"), ("renamed", "added"), ("unique_not_null.title", "added"), ("unique_not_null.label", "gone"),
            ("camelcase", "gone"), ("mitarbeiter.iban", "differs"), ("products", "declined"), ("every_type.generated", "declined")})
        self.assertEqual(lint.status, 0, lint)
        added = set(text.splitlines()) - set(edited.splitlines())
        self.assertEqual({line.strip().split("#")[0].strip() for line in added}, {
            'mobile_phone: {type: text, from: "mobile phone"}', 'parent: {key: [id], columns: {id: integer, what: text, price: "numeric(10,2)"}}',
            "title: text", "brand_new:", "street: text", "renamed:"})
        lost = [line for line in edited.splitlines() if line not in text.splitlines()]
        self.assertEqual(lost, ["  parent: {key: [id], columns: {id: integer, what: text}}      # short"])
        self.assertIn("classification: pii.contact}   # confirmed by alice\n", text)
        self.assertTrue(text.endswith("# the end\n"))
        self.assertIn("Nothing is new", again.out)
        self.assertEqual(self.file.read_text(), text)

    def test_only_these_tables_views_too(self):
        text = self.imported("--schema", "crm", "--store", "Few", "--stdout", "--tables", "customers,OPEN_ORDERS", "--tables", "Order Items").out
        self.assertEqual(re.findall(r"^  (\w+):$", text, re.M)[1:], ["Order_Items", "customers", "open_orders"])
        refused = self.imported("--schema", "crm", "--store", "Few", "--tables", "custmers", status=2)
        self.assertIn("did you mean customers?", refused.err)

    def test_what_is_missing_is_said_with_the_lines_to_add(self):
        unknown = self.project.yellow("import", "postgres", "--container", "BillingDB")
        self.assertEqual(unknown.status, 2, unknown)
        for line in ("containers: {BillingDB: {postgres: {database: NAME}}}", "credentials: {billing_reader: {type: user_password}}",
                     "containers: {BillingDB: {host: HOST, port: 5432}}", "credentials: {billing_reader: {env: BILLING}}", "environments/local.yaml", "model/team.yaml"):
            self.assertIn(line, unknown.err)
        team = self.project.root / "model/team.yaml"
        team.write_text(TEAM.replace("credentials:", "  BillingDB: {postgres: {database: billing}}\ncredentials:"))
        try:
            nowhere = self.project.yellow("import", "postgres", "--container", "BillingDB")
        finally:
            team.write_text(TEAM)
        self.assertEqual(nowhere.status, 2, nowhere)
        self.assertIn("environment local does not say where container BillingDB is", nowhere.err)
        self.assertIn("containers: {BillingDB: {host: HOST, port: 5432}}", nowhere.err)
        self.assertIn("the model has no credential nobody", self.imported("--store", "X", "--credential", "nobody", status=2).err)

    def test_nothing_is_overwritten(self):
        self.assertIn("there is a Datastore Crm already", self.imported("--schema", "crm", status=2).err)
        self.assertIn("there is a file already: model/team.yaml", self.imported("--schema", "crm", "--store", "X", "--output-file",
                                                                                str(self.project.root / "model/team.yaml"), status=2).err)
        self.assertIn("no Datastore of the model reads container CrmDB, schema nope", self.imported("--schema", "nope", "--update", status=2).err)
        self.assertEqual(self.file.read_text(), self.text)

    def test_schemas(self):
        self.assertIn("did you mean crm?", self.imported("--schema", "cmr", "--store", "X", status=3).err)
        self.project.sql("CrmDB", "CREATE SCHEMA closed")
        self.assertIn('GRANT USAGE ON SCHEMA "closed" TO "crm_reader"', self.imported("--schema", "closed", "--store", "X", status=3).err)
        self.assertIn("there is nothing to take in schema public", self.imported("--store", "X", status=3).err)


if __name__ == "__main__":
    unittest.main()
