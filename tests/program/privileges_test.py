"""Who may do what: the matrix of the model is what the server of a live demo says of every role, and what it does not say is refused."""

import contextlib
import itertools
import json
import os
import pathlib
import unittest

import psycopg2

from people import Office, verifier
from project import ROOT, Project, with_run
from server import NamedPostgres

GOLDEN = ROOT / "tests/golden/privileges/shop/expected.txt"
RUN = "0123456789abcdef"
OPEN_RUN = f"SELECT yellow_sec.run_open('{RUN}', '{verifier('x')}', clock_timestamp() + interval '1h', '{{prefix}}_ws_maskshop', '{{prefix}}_dt_maskshop')"
FORBIDDEN = "42501"
ENVIRONMENT = """
kind: Environment
name: prod
role_prefix: acme
containers:
  MergeDB: {{host: 127.0.0.1, port: {port}}}
  ShopDB: {{host: 127.0.0.1, port: {port}}}
credentials: {{shop_reader: {{env: SHOP}}}}
classes: {{allowed: [pii]}}
"""
KINDS = {
    "database": ("CONNECT", "CREATE", "TEMPORARY"),
    "schema": ("CREATE", "USAGE"),
    "table": ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"),
    "sequence": ("SELECT", "UPDATE", "USAGE"),
    "function": ("EXECUTE",),
}
OF_COLUMNS = ("SELECT", "INSERT", "UPDATE", "REFERENCES")
OBJECTS = r"""
WITH yellows AS (SELECT oid, nspname FROM pg_namespace WHERE nspname ~ '^(dp_|ws_|scratch_|yellow$|yellow_|public$)')
SELECT 'database', datname, oid, '', 'd' FROM pg_database WHERE datname = current_database()
UNION ALL SELECT 'schema', nspname, oid, nspname, 'n' FROM yellows
UNION ALL SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, n.nspname || '.' || c.relname, c.oid, n.nspname, c.relkind::text
  FROM pg_class c JOIN yellows n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL SELECT 'function', n.nspname || '.' || p.proname || '()', p.oid, n.nspname,
         coalesce((SELECT string_agg('NULL::' || format_type(t, NULL), ', ' ORDER BY i) FROM unnest(p.proargtypes) WITH ORDINALITY a (t, i)), '')
  FROM pg_proc p JOIN yellows n ON n.oid = p.pronamespace"""
ROLES = "SELECT rolname FROM pg_roles WHERE NOT rolsuper AND (starts_with(rolname, %s) OR rolname IN ('analyst', 'stranger')) AND rolname <> %s ORDER BY 1"


class Comparison(unittest.TestCase):
    """What the matrix says, and what the server says. The logins that come and go belong to `given`, beside what is in the matrix."""

    prefix = "yellow"
    given = set()

    @classmethod
    def compare(cls, session, matrix):
        cls.session, cls.matrix = session, json.loads(matrix)
        cls.addClassCleanup(session.close)
        cls.run_login = f"{cls.prefix}_run_{RUN}"
        cls.given = cls.given | {(cls.run_login, f"{cls.prefix}_{group}") for group in ("run", "ws_maskshop", "dt_maskshop")}
        cls.roles = [name for name, in cls.rows(ROLES, (f"{cls.prefix}_", f"{cls.prefix}_owner"))]
        cls.objects = cls.rows(OBJECTS)

    @classmethod
    def rows(cls, statement, values=None):
        with cls.session.cursor() as cursor:
            cursor.execute(statement, values)
            rows = cursor.fetchall()
        cls.session.rollback()
        return rows

    # ---- What the matrix says.

    def groups(self, role):
        """It, and all whose rights it has without asking."""
        members = {(row["role"], row["object"]) for row in self.matrix if row["state"] == "member" and "INHERIT" in row["privileges"]}
        members |= self.given
        found, open_ = {role}, [role]
        while open_:
            member = open_.pop()
            more = {group for one, group in members if one == member} - found
            found |= more
            open_ += more
        return found

    def expected(self):
        granted = {(row["role"], row["object"], privilege) for row in self.matrix if row["state"] == "granted" for privilege in row["privileges"]}
        granted |= {(self.run_login, f"scratch_{RUN}", privilege) for privilege in ("USAGE", "CREATE")}
        owners = {row["object"]: row["role"] for row in self.matrix if row["state"] == "owner"} | {f"scratch_{RUN}": f"{self.prefix}_roles"}
        for kind, name, _, schema, _ in self.objects:
            granted |= {(owners.get(schema), name, privilege + option) for privilege in self.of_kind(kind) for option in ("", " WITH GRANT OPTION")}
        return {(role, name, privilege) for role in self.roles for group, name, privilege in granted if group in self.groups(role)}

    def of_kind(self, kind):
        return KINDS[kind] + (("MAINTAIN",) if kind == "table" and self.session.server_version >= 170000 else ())

    # ---- What the server says.

    def actual(self):
        found = set()
        for kind in KINDS:
            objects = [(name, oid) for its, name, oid, _, _ in self.objects if its == kind]
            found |= set(self.rows(f"""
                SELECT r, o.name, p || g FROM unnest(%s) r, unnest(%s, %s::oid[]) o (name, oid), unnest(%s) p, unnest(ARRAY['', ' WITH GRANT OPTION']) g
                WHERE has_{kind}_privilege(r, o.oid, p || g)""", (self.roles, [n for n, _ in objects], [o for _, o in objects], list(self.of_kind(kind)))))
        return found

    def differences(self):
        return self.expected() ^ self.actual()


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class PrivilegesTest(Comparison):

    @classmethod
    def setUpClass(cls):
        cls.office = office = Office()
        cls.addClassCleanup(office.close)
        cls.writes, cls.reads = (f"yellow_tmp_{cls.login(scope, ticket)}" for scope, ticket in (("dt_write:MaskShop", "OPS-1"), ("ws_read:Analysts", "OPS-2")))
        # Nothing ends a login any more that no run has made.
        office.stop_service()
        office.sql("MergeDB", "CREATE ROLE analyst LOGIN; CREATE ROLE stranger LOGIN;")
        analysts = office.root / "model/analysts.yaml"
        analysts.write_text(analysts.read_text().replace("priority: high", "priority: high\nreaders: [analyst]"))
        applied = office.yellow("apply")
        assert applied.status == 0, applied
        office.sql("MergeDB", with_run(RUN, "MaskShop", OPEN_RUN.format(prefix="yellow")))
        info = office.server()
        cls.given = {(cls.writes, "yellow_tmp"), (cls.writes, "yellow_dt_maskshop"), (cls.reads, "yellow_tmp"), (cls.reads, "yellow_ws_analysts")}
        cls.compare(psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user="yellow_super"), office.yellow("export", "privileges", "--output", "json").out)

    @classmethod
    def login(cls, scope, ticket):
        request = cls.office.active(scope=scope, ticket=ticket)
        made = cls.office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('x')}')")
        assert isinstance(made, list), made
        return request["id"]

    def tried(self, role, statement):
        """What the server says to it as that role, None when it does it; nothing of it stays."""
        with self.session.cursor() as cursor:
            try:
                cursor.execute(f"SET LOCAL lock_timeout = '10s'; SET LOCAL SESSION AUTHORIZATION {role}")
                cursor.execute(statement)
                return None
            except psycopg2.Error as error:
                return error.pgcode
            finally:
                self.session.rollback()

    def test_every_role_object_and_privilege(self):
        columns = {(role, name, privilege) for role, name, privilege in self.expected() if " (" in privilege}
        self.assertEqual({(role, name) for role, name, _ in columns}, {("yellow_roles", name) for name in ("yellow_access.request", "yellow.run", "yellow.transformer")})
        self.assertEqual(self.differences() - columns, set())
        self.assertGreater(len(self.objects), 100)
        self.assertGreater(len(self.roles), 12)

    def test_every_column(self):
        whole = self.expected()
        tables = [(name, oid) for kind, name, oid, _, _ in self.objects if kind == "table"]
        found = self.rows("""
            SELECT r, o.name, a.attname, p, has_column_privilege(r, o.oid, a.attnum, p) FROM unnest(%s) r, unnest(%s, %s::oid[]) o (name, oid), unnest(%s) p,
            LATERAL (SELECT attname, attnum FROM pg_attribute WHERE attrelid = o.oid AND attnum > 0 AND NOT attisdropped) a""",
                          (self.roles, [n for n, _ in tables], [o for _, o in tables], list(OF_COLUMNS)))
        self.assertGreater(len(found), 10000)
        wrong = [(role, name, column, privilege) for role, name, column, privilege, has in found
                 if has != ((role, name, privilege) in whole or (role, name, f"{privilege} ({column})") in whole)]
        self.assertEqual(wrong, [])

    def test_every_membership(self):
        groups = [name for name, in self.rows("SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname ~ '^(yellow|pg)_' ORDER BY 1")]
        found = set(self.rows("SELECT r, g FROM unnest(%s) r, unnest(%s) g WHERE pg_has_role(r, g, 'USAGE') AND r <> g", (self.roles, groups)))
        # What a superuser gives besides.
        found -= {("yellow_roles", "pg_read_all_stats")}
        self.assertEqual(found, {(role, group) for role in self.roles for group in self.groups(role) - {role}})
        for role, group in itertools.product(self.roles, groups):
            may = group in self.groups(role) or (role, group) == ("yellow_migrator", "yellow_owner")
            if not may and role != "yellow_roles":      # from PostgreSQL 16 on it may, of what it has made, and gains nothing by it
                self.assertEqual(self.tried(role, f"SET ROLE {group}"), FORBIDDEN, (role, group))

    def test_what_is_not_allowed_is_seen(self):
        for statement, difference in (("GRANT TRUNCATE ON dp_main.dt_shopmasked__customers TO yellow_engine", ("yellow_engine", "dp_main.dt_shopmasked__customers", "TRUNCATE")),
                                      ("REVOKE EXECUTE ON FUNCTION yellow_sec.tmp_open(text, text) FROM yellow_access", ("yellow_access", "yellow_sec.tmp_open()", "EXECUTE")),
                                      ("GRANT CREATE ON SCHEMA ws_analysts TO analyst", ("analyst", "ws_analysts", "CREATE"))):
            before = self.differences()
            with self.changed(statement):
                self.assertEqual(self.differences() ^ before, {difference})

    @contextlib.contextmanager
    def changed(self, statement):
        undone = statement.replace("GRANT", "REVOKE").replace(" TO ", " FROM ") if statement.startswith("GRANT") else statement.replace("REVOKE", "GRANT").replace(" FROM ", " TO ")
        self.office.sql("MergeDB", statement)
        try:
            yield
        finally:
            self.office.sql("MergeDB", undone)

    # ---- Each forbidden thing, tried.

    def test_no_login_without_a_run(self):
        """Who holds the engine's credential makes up a run, or the workspace of one; or takes one that is over, or not yet its own."""
        made_up = "fedcba9876543210"
        open_it = OPEN_RUN.replace(RUN, made_up).format(prefix="yellow")
        other = open_it.replace("_maskshop", "_analysts")
        run = with_run(made_up, "MaskShop", "{}").replace("BEGIN; ", "").replace("COMMIT", "")
        tried = {"no run": open_it, "only readers": open_it.replace("'yellow_dt_maskshop'", "NULL"), "another workspace": run.format(other),
                 "another's tables": run.format(open_it.replace("yellow_ws_maskshop", "yellow_ws_analysts")),
                 "one that is over": run.format(f"UPDATE yellow.run SET state = 'committed', closed_at = now() WHERE id = '{made_up}'; {open_it}"),
                 "one whose code has ended": run.format(f"UPDATE yellow.run SET state = 'ingesting' WHERE id = '{made_up}'; {open_it}"),
                 "one made ahead": f"SELECT yellow_sec.run_prepare('{made_up}', '{verifier('x')}', now()); {open_it.replace(repr(verifier('x')), 'NULL')}"}
        found = {name: self.tried("yellow_engine", statement) for name, statement in tried.items()}
        self.assertEqual(found, {**dict.fromkeys(tried, "55000"), "only readers": "P0001"})
        self.assertIsNone(self.tried("yellow_engine", run.format(open_it)))

    def statements(self, kind, name, detail):
        """By privilege, what needs it."""
        if kind == "database":
            return {"CREATE": "CREATE SCHEMA mine", "TEMPORARY": "CREATE TEMPORARY TABLE mine ()"}
        if kind == "schema":
            return {"CREATE": f"CREATE TABLE {name}.mine ()", "USAGE": f"SELECT {name}.nothing()"}
        if kind == "sequence":
            return {"SELECT": f"SELECT last_value FROM {name}", "UPDATE": f"SELECT setval('{name}', 1)", "USAGE": f"SELECT nextval('{name}')"}
        if kind == "function":
            return {"EXECUTE": f"SELECT {name[:-2]}({detail})"}
        reading = {"SELECT": f"SELECT * FROM {name} LIMIT 0"}
        if detail == "v":
            return reading
        column, = self.rows("SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", (name,))[0]
        return {**reading, "INSERT": f"INSERT INTO {name} DEFAULT VALUES", "UPDATE": f"UPDATE {name} SET {column} = DEFAULT", "DELETE": f"DELETE FROM {name}",
                "TRUNCATE": f"TRUNCATE {name} CASCADE",
                "TRIGGER": f"CREATE TRIGGER mine BEFORE INSERT ON {name} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"}

    def test_each_forbidden_thing_is_refused(self):
        allowed = self.expected()
        refused = dict.fromkeys(itertools.chain(*KINDS.values()), 0)
        for kind, name, _, _, detail in self.objects:
            for privilege, statement in self.statements(kind, name, detail).items():
                for role in self.roles:
                    if (role, name, privilege) in allowed:
                        continue
                    self.assertEqual(self.tried(role, statement), FORBIDDEN, (role, statement))
                    refused[privilege] += 1
        self.assertEqual([privilege for privilege, times in refused.items() if times == 0], ["CONNECT", "REFERENCES"])
        self.assertGreater(sum(refused.values()), 3000)

    def test_nobody_writes_or_changes_a_view(self):
        for kind, name, _, _, detail in self.objects:
            for role in self.roles if kind == "table" and detail == "v" else ():
                for statement in (f"DELETE FROM {name}", f"CREATE RULE mine AS ON INSERT TO {name} DO INSTEAD NOTHING", f"DROP VIEW {name}",
                                  f"ALTER VIEW {name} SET (security_barrier = false)"):
                    # The views of Yellow that no statement can write to say so first.
                    self.assertIn(self.tried(role, statement), (FORBIDDEN, "55000") if statement.startswith("DELETE") else (FORBIDDEN,), (role, statement))

    # ---- The outputs of a transformer.

    def outputs(self):
        found = [name for _, name, _, _, _ in self.objects if name.startswith("dp_main.dt_")]
        self.assertEqual(len(found), 2)
        return found

    def test_who_writes_outputs(self):
        writers, readers = {self.run_login, self.writes, "yellow_dt_maskshop"}, {"yellow_ingest_out"}
        self.assertIn("yellow_engine", self.roles)
        for table, role in itertools.product(self.outputs(), self.roles):
            for statement in (f"DELETE FROM {table}", f"UPDATE {table} SET id = NULL WHERE false", f"INSERT INTO {table} (id) SELECT 'x' WHERE false"):
                self.assertEqual(self.tried(role, statement), None if role in writers else FORBIDDEN, (role, statement))
            self.assertEqual(self.tried(role, f"SELECT * FROM {table}"), None if role in writers | readers else FORBIDDEN, (role, table))

    def test_only_their_owner_changes_what_they_are(self):
        for table, role in itertools.product(self.outputs(), self.roles):
            for statement in (f"TRUNCATE {table}", f"CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING", f"DROP TABLE {table}", f"ALTER TABLE {table} ADD mine int",
                              f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {table} OWNER TO {role}", f"CREATE INDEX ON {table} (id)",
                              f"ALTER TABLE {table} DISABLE TRIGGER ALL", f"COMMENT ON TABLE {table} IS 'mine'"):
                self.assertEqual(self.tried(role, statement), FORBIDDEN, (role, statement))
        # The one who may make tables at all must not tie them to these.
        for table in self.outputs():
            self.assertEqual(self.tried(self.run_login, f"CREATE TABLE scratch_{RUN}.mine (id varchar(20) REFERENCES {table})"), FORBIDDEN)

    def test_doctor_says_the_same(self):
        findings = json.loads(self.office.yellow("doctor", "--output", "json").out)
        grants = [f for f in findings if f["key"].startswith(("grants/", "roles/"))]
        self.assertGreater(len(grants), 100)
        self.assertEqual([f for f in grants if f["state"] != "ok"], [])


class NamedTest(Comparison):
    """A server that Yellow does not own, with another prefix, made by an administrator who is no superuser."""

    prefix = "acme"

    @classmethod
    def setUpClass(cls):
        server = NamedPostgres()
        cls.addClassCleanup(server.close)
        administrator = server.give_to_administrator()
        server.psql("postgres", "CREATE ROLE stranger LOGIN; CREATE ROLE analyst LOGIN")
        cls.project = Project()
        cls.addClassCleanup(cls.project.close)
        cls.project.write("environments/prod.yaml", ENVIRONMENT.format(port=server.port))
        for command, secrets in (("bootstrap", administrator), ("apply", {})):
            done = cls.project.yellow("--environment", "prod", command, environment=secrets)
            assert done.status == 0, done
        server.psql("merge", with_run(RUN, "MaskShop", OPEN_RUN.format(prefix="acme")))
        cls.compare(psycopg2.connect(host="127.0.0.1", port=server.port, dbname="merge", user="postgres", password=server.PASSWORD),
                    cls.project.yellow("--environment", "prod", "export", "privileges", "--output", "json").out)

    def test_every_role_object_and_privilege(self):
        self.assertIn(("acme_engine", "merge", "TEMPORARY"), self.actual())
        self.assertEqual({difference for difference in self.differences() if " (" not in difference[2]}, set())
        self.assertGreater(len(self.objects), 100)


class GoldenTest(unittest.TestCase):

    def test_the_matrix_of_the_shop(self):
        """From the files alone: there is no server yet."""
        project = Project()
        self.addCleanup(project.close)
        printed = project.yellow("export", "privileges")
        self.assertEqual((printed.status, printed.err), (0, ""))
        self.assertFalse(pathlib.Path(project.cluster()).exists())
        if "UPDATE_GOLDEN" in os.environ and "CI" not in os.environ:
            GOLDEN.write_text(printed.out)
        self.assertEqual(printed.out, GOLDEN.read_text(), "UPDATE_GOLDEN=1 rewrites it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
