"""Whatever a source holds: a value that cannot be taken holds its batch, with the rule and the row, and never fails it, rounds it or cuts it. All of Unicode
arrives."""

import hashlib
import json
import unittest

from project import Project

# name -> (column at the source, type in the model, bad value, good value, code of the hold, text in the reason). Each is a stream of its own.
CASES = {
    "too_long": ("text", "varchar(3)", "'abcd'", "'abc'", "too_long", 'column v is character varying(3); it is {"id":1,"v":"abcd"}'),
    "array_too_long": ("text[]", "varchar(3)[]", "'{abc,abcd}'", "'{abc}'", "too_long", '{"id":1,"v":["abc","abcd"]}'),
    "array_overflow": ("numeric[]", "numeric(3,1)[]", "'{1,1e400}'", "'{1.5,NaN}'", "out_of_range", "column v is numeric(3,1)[]"),
    "array_rounded": ("numeric[]", "numeric(3,1)[]", "'{1.25}'", "'{}'", "out_of_range", '{"id":1,"v":[1.25]}'),
    "overflow": ("numeric", "numeric(5,2)", "1000", "999.99", "out_of_range", '{"id":1,"v":1000}'),
    "rounded": ("numeric", "numeric(5,2)", "0.001", "0.01", "out_of_range", '{"id":1,"v":0.001}'),
    "infinite": ("numeric", "numeric(5,2)", "'Infinity'", "'NaN'", "out_of_range", '"Infinity"'),
    "time_cut": ("timestamp", "timestamp(0)", "'294276-12-31 23:59:59.999999'", "'294276-12-31 23:59:59'", "too_precise", "timestamp(0) without time zone"),
    "null": ("integer", "integer not null", "NULL", "0", "not_null", '{"id":1,"v":null}'),
    "other_type": ("integer", "smallint", "1", None, "schema", "is integer at the source and smallint in the model"),
    "rounded_float": ("real", "double precision", "0.1", None, "schema", "is real at the source and double precision in the model"),
    "enum_array": ("mood[]", "text[]", "'{fine}'", None, "schema", "is mood[] at the source and text[] in the model"),
}

STORE = """
kind: Datastore
name: Odd
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader, schema: odd, consistency: single_dataset}}
datasets:
%s
---
kind: Workspace
name: OddReader
groups: {G: {sinks: ["Odd.*"]}}
"""


class Held(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project().unscheduled()
        cls.project.demo()

    @classmethod
    def tearDownClass(cls):
        cls.project.close()

    def batch(self, stream):
        return json.loads(self.project.yellow("batches", "show", stream, "--output", "json").out)

    def write(self, name, text):
        (self.project.root / "model" / name).write_text(text)

    def test_every_bad_value_holds_its_own_stream_and_goes_on_when_it_is_mended(self):
        tables = "CREATE SCHEMA odd; GRANT USAGE ON SCHEMA odd TO shop_reader; CREATE TYPE mood AS ENUM ('fine');"
        datasets = ""
        for name, (source, declared, bad, good, code, text) in CASES.items():
            tables += f"CREATE TABLE odd.{name} (id integer, v {source}); INSERT INTO odd.{name} VALUES (1, {bad});"
            datasets += f'  {name}: {{key: [id], columns: {{id: integer, v: "{declared}"}}}}\n'
        tables += """
            CREATE TABLE odd.long_key (id text, v integer); INSERT INTO odd.long_key SELECT string_agg(md5(i::text), ''), 1 FROM generate_series(1, 100) i;
            CREATE VIEW odd.failing_view AS SELECT g AS id, 1 / (g - 2) AS v FROM generate_series(1, 3) g;
            CREATE TABLE odd.no_column_right (id integer, v integer); CREATE TABLE odd.no_table_right (id integer, v integer);"""
        datasets += "  long_key: {key: [id], columns: {id: text, v: integer}}\n"
        for name in ("failing_view", "no_column_right", "no_table_right"):
            datasets += f"  {name}: {{key: [id], columns: {{id: integer, v: integer}}}}\n"
        rights = "GRANT SELECT ON ALL TABLES IN SCHEMA odd TO shop_reader;"
        self.project.sql("ShopDB", tables + rights + "REVOKE SELECT ON odd.no_table_right, odd.no_column_right FROM shop_reader;"
                                                     "GRANT SELECT (id) ON odd.no_column_right TO shop_reader")
        self.write("odd.yaml", STORE % datasets)
        expected = {name: (case[4], case[5]) for name, case in CASES.items()}
        expected["long_key"] = ("key_too_long", "the key (id) has at most 2600 bytes; it is")
        expected["failing_view"] = ("unreadable", "division by zero")
        expected["no_column_right"] = ("schema", "column v of odd.no_column_right may not be read")
        expected["no_table_right"] = ("schema", "column id of odd.no_table_right may not be read")
        result = self.project.yellow("run", "--apply")
        self.assertEqual(result.status, 1, result)
        self.assertIn("0 failed", result.out)
        for name, (code, text) in expected.items():
            with self.subTest(name):
                batch = self.batch(f"Odd.{name}")
                self.assertEqual((batch["state"], batch["reason"]["code"]), ("held", code), batch)
                self.assertIn(text, batch["reason"]["text"])
                self.assertLess(len(batch["reason"]["text"]), 1300, "an example fits a screen")
        mended = "".join(f"UPDATE odd.{name} SET v = {case[3]};" for name, case in CASES.items() if case[3] is not None)
        self.project.sql("ShopDB", mended + rights + "UPDATE odd.long_key SET id = left(id, 2600);"
                                                     "CREATE OR REPLACE VIEW odd.failing_view AS SELECT g AS id, g AS v FROM generate_series(1, 3) g")
        for name, case in CASES.items():
            if case[3] is None:
                self.project.sql("ShopDB", f"ALTER TABLE odd.{name} ALTER v TYPE {case[1]} USING NULL")
        result = self.project.yellow("run", *[f"Odd.{name}" for name in expected])
        self.assertEqual(result.status, 0, result)
        for name in expected:
            batch = self.batch(f"Odd.{name}")
            self.assertEqual((batch["id"], batch["state"], batch["reason"]), (1, "committed", None))
        self.assertEqual(self.project.broken_invariants(), {})

    def test_text_that_is_not_in_its_encoding(self):
        environment = self.project.root / "environments/local.yaml"
        environment.write_text(environment.read_text().replace("  ShopDB: embedded", "  ShopDB: embedded\n  Ascii: embedded\n  Windows: embedded"))
        team = self.project.root / "model/team.yaml"
        team.write_text(team.read_text().replace("  ShopDB: {postgres: {database: shop}}",
                                                 "  ShopDB: {postgres: {database: shop}}\n  Ascii: {postgres: {database: ascii}}\n  Windows: {postgres: {database: windows}}"))
        for database, encoding in (("ascii", "SQL_ASCII"), ("windows", "WIN1252")):
            self.project.sql("ShopDB", f"CREATE DATABASE {database} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
        for name, container, bad in (("Ascii", "Ascii", r"\xe9"), ("Windows", "Windows", r"\x81")):
            for mode in ("hold", "quarantine"):
                self.write(f"{name}_{mode}.yaml", f"""
kind: Datastore
name: {name}_{mode}
capture: {{sql_snapshot: {{container: {container}, credential: shop_reader, on_bad_rows: {mode}}}}}
datasets: {{t: {{key: [code], columns: {{id: integer, code: varchar(20), note: text, tags: "text[]", doc: json}}}}}}
---
kind: Workspace
name: {name}_{mode}_reader
groups: {{G: {{sinks: [{name}_{mode}.t]}}}}
""")
        self.assertEqual(self.project.yellow("apply").status, 0)
        self.project._connections = self.project.containers()
        table = """CREATE TABLE t (id integer, code text, note text, tags text[], doc json); GRANT SELECT ON t TO shop_reader; GRANT USAGE ON SCHEMA public TO shop_reader;
                   INSERT INTO t VALUES (1, 'A', 'a', '{x}', '{"a": 1}'), (2, 'B', 'b', '{}', '{}'), (3, 'C', 'c', NULL, NULL), (4, 'D', 'd', NULL, NULL)"""
        for container in ("Ascii", "Windows"):
            self.project.sql(container, f"GRANT CONNECT ON DATABASE {container.lower()} TO shop_reader;" + table)
        for container, bad in (("Ascii", "caf\\xe9"), ("Windows", "x\\x81\\xe9")):
            streams = (f"{container}_hold", f"{container}_quarantine")
            result = self.project.yellow("run", *streams)
            self.assertEqual(result.status, 0, result)
            self.project.sql(container, f"SET client_encoding = 'SQL_ASCII'; UPDATE t SET note = E'{bad}' WHERE id = 1; UPDATE t SET tags = ARRAY['ok', E'{bad}'] WHERE id = 2;"
                                        f"UPDATE t SET code = E'{bad}' WHERE id = 3")
            self.assertEqual(self.project.yellow("run", *streams).status, 1)
            held = self.batch(streams[0])
            self.assertEqual((held["state"], held["reason"]["code"]), ("held", "unreadable"), held)
            self.assertIn("3 rows break the rule that every value can be carried unchanged; one of them is {", held["reason"]["text"])
            self.assertIn("caf\\\\351" if container == "Ascii" else "x\\\\201\\\\351", held["reason"]["text"])
            self.assertEqual(self.project.sql("MergeDB", f"SELECT count(*) FROM ws_{container}_hold_reader.g__{container}_hold__t".lower()), [("4",)])
            done = self.batch(streams[1])
            self.assertEqual((done["state"], done["datasets"][0]["rejected"], done["datasets"][0]["unchanged"], done["datasets"][0]["deleted"]),
                             ("committed", 3, 1, 1), done)
            self.assertEqual([(r["reason"]["code"], r["rows"]) for r in done["rejected"]], [("unreadable", 3)])
            kept = self.project.sql("MergeDB", f"SELECT id, note, tags FROM ws_{container}_quarantine_reader.g__{container}_quarantine__t ORDER BY id".lower())
            self.assertEqual(kept, [("1", "a", "{x}"), ("2", "b", "{}"), ("4", "d", None)], "known keys keep their last good version")
            self.project.sql(container, "UPDATE t SET note = 'mended' WHERE id = 1; UPDATE t SET tags = NULL WHERE id = 2; UPDATE t SET code = 'C' WHERE id = 3")
            result = self.project.yellow("run", *streams)
            self.assertEqual(result.status, 0, result)
            self.assertEqual(self.project.broken_invariants(), {})

    def test_all_of_unicode(self):
        points = [p for p in range(1, 0x110000) if not 0xD800 <= p <= 0xDFFF]
        rows = [(n, "".join(map(chr, points[n:n + 500]))) for n in range(0, len(points), 500)]
        self.project.sql("ShopDB", "CREATE TABLE unicode (id integer PRIMARY KEY, v text); GRANT SELECT ON unicode TO shop_reader;" + "".join(
            f"INSERT INTO unicode VALUES ({n}, convert_from('\\x{v.encode().hex()}', 'UTF8'));" for n, v in rows))
        self.write("unicode.yaml", """
kind: Datastore
name: Unicode
capture: {sql_snapshot: {container: ShopDB, credential: shop_reader}}
datasets: {unicode: {key: [id], columns: {id: integer, v: varchar(500)}}}
---
kind: Workspace
name: UnicodeCopier
groups: {G: {sinks: [Unicode.unicode]}}
transformer: {code: {sql: unicode/}, output: {datastore: UnicodeCopy, datasets: {unicode: {like: Unicode.unicode}}}}
---
kind: Workspace
name: UnicodeReader
groups: {G: {requires: {milestoning: forensic}, sinks: [UnicodeCopy.unicode]}}
""")
        (self.project.root / "model/unicode").mkdir()
        (self.project.root / "model/unicode/unicode.sql").write_text("SELECT id, v FROM Unicode.unicode")
        self.assertEqual(self.project.yellow("run", "--apply").status, 0)
        expected = [(str(n), hashlib.md5(v.encode()).hexdigest(), str(len(v))) for n, v in rows]
        for table in ("ws_unicodecopier.g__unicode__unicode", "ws_unicodereader.g__unicodecopy__unicode", "ws_unicodereader.g__unicodecopy__unicode__history"):
            self.assertEqual(self.project.sql("MergeDB", f"SELECT id, md5(v), length(v) FROM {table} ORDER BY id"), expected)
        self.assertEqual(sum(len(v) for _, v in rows), 0x110000 - 1 - 0x800)


if __name__ == "__main__":
    unittest.main()
