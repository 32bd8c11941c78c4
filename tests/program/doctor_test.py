"""yellow doctor on a server that Yellow does not own: each check is broken on purpose, tells what and what helps, and is well again."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from project import PSQL, ROOT, YELLOW, Project, Result
from server import NamedPostgres

SUPERUSER = {"PGUSER": "postgres", "PGPASSWORD": NamedPostgres.PASSWORD}
READER = {"SHOP_USER": "shop_reader", "SHOP_PASSWORD": "canary-reader-2718", "WORKER_TOKEN": "canary-worker-1414"}
ENVIRONMENT = """
kind: Environment
name: prod
containers:
  MergeDB: {{host: 127.0.0.1, port: {port}}}
  ShopDB: {{host: 127.0.0.1, port: {port}}}
credentials:
  shop_reader: {{env: SHOP}}
  worker_key: {{env: WORKER}}
classes: {{allowed: [pii]}}
"""
# Its code is a program, and is given a secret.
WORKER = """
kind: Workspace
name: Worker
groups: {In: {sinks: [ShopMasked.customers]}}
transformer:
  code: {source: worker/, command: [python3, -c, pass]}
  credentials: [worker_key]
  output: {datastore: Worked, datasets: {people: {key: [id], columns: {id: varchar(20)}}}}
---
kind: Workspace
name: WorkReader
groups: {Now: {sinks: [Worked.people]}}
"""
# A server elsewhere has a disk that is not seen from here.
ALWAYS = {"disk/MergeDB": "skipped", **({} if os.geteuid() == 0 else {"launcher/isolation": "warning"})}
ID = "0123456789abcdef0123"
NO_PASSWORD = f"'SCRAM-SHA-256$4096:{'A' * 22}==${'A' * 43}=:{'A' * 43}='"


class Doctor(unittest.TestCase):
    prefix = ()     # what starts the program

    @classmethod
    def setUpClass(cls):
        cls.server = NamedPostgres(settings="-c synchronous_commit=off -c max_connections=50")      # fsync stays on: doctor would tell
        cls.addClassCleanup(cls.server.close)
        cls.psql = cls.server.psql
        for text in ("CREATE DATABASE merge", "CREATE DATABASE shop"):
            cls.psql("postgres", text)
        cls.psql("shop", (ROOT / "examples/shop/source.sql").read_text())
        cls.psql("shop", f"CREATE ROLE shop_reader LOGIN PASSWORD '{READER['SHOP_PASSWORD']}'; GRANT SELECT ON customers, addresses TO shop_reader")
        cls.psql("postgres", "CREATE ROLE analysts; CREATE ROLE stranger")
        cls.project = cls.server.base / "project"
        shutil.copytree(ROOT / "examples/shop", cls.project)
        cls.environment = cls.project / "environments/prod.yaml"
        cls.environment.write_text(ENVIRONMENT.format(port=cls.server.port))
        cls.analysts = cls.project / "model/analysts.yaml"
        cls.analysts.write_text(cls.analysts.read_text().replace("priority: high", "priority: high\nreaders: [analysts]"))
        (cls.project / "model/worker").mkdir()
        (cls.project / "model/worker/README").write_text("nothing to see")
        (cls.project / "model/worker.yaml").write_text(WORKER)
        team = cls.project / "model/team.yaml"
        team.write_text(team.read_text() + "  worker_key: {type: token}\n")
        cls.before = cls.doctor()
        cls.do("bootstrap", secrets={**SUPERUSER, **READER})
        cls.bootstrapped = cls.doctor()
        cls.do("apply")
        cls.do("run")

    @classmethod
    def do(cls, *command, secrets=READER):
        done = cls.yellow(*command, secrets=secrets)
        assert done.status == 0, done

    @classmethod
    def yellow(cls, *arguments, secrets=READER):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return Result(subprocess.run([*cls.prefix, YELLOW, "--project", str(cls.project), "--environment", "prod", *arguments], capture_output=True, text=True,
                                     timeout=120, env={**clean, **secrets}))

    @classmethod
    def doctor(cls, secrets=READER):
        """What is not well, by key, with the exit status."""
        done = cls.yellow("doctor", "--output", "json", secrets=secrets)
        found = {f["key"]: f for f in json.loads(done.out)}
        # How full the disk of the test's machine is does not matter.
        return done.status, {key: f for key, f in found.items() if f["state"] != "ok" and key != "disk/data"}, found

    def assert_found(self, status, findings, secrets=READER):
        """Exactly these are not well; each is (state, code, text, remedy), the last two as regular expressions."""
        seen_status, wrong, _ = self.doctor(secrets)
        self.assertEqual({k: f["state"] for k, f in wrong.items()}, {**ALWAYS, **{k: f[0] for k, f in findings.items()}},
                         "\n".join(f"{k}: {f['reason']['text']}" for k, f in wrong.items()))
        for key, (_, code, text, remedy) in findings.items():
            self.assertEqual(wrong[key]["reason"]["code"], code)
            self.assertRegex(wrong[key]["reason"]["text"], text)
            self.assertRegex(wrong[key]["remedy"] or "", remedy)
        self.assertEqual(seen_status, status)
        return wrong

    @contextlib.contextmanager
    def broken(self, database, breaks, mends):
        self.psql(database, breaks)
        try:
            yield
        finally:
            self.psql(database, mends)

    def assert_breaks(self, database, breaks, mends, findings, status=None):
        """The status follows from the worst of the findings."""
        with self.subTest(breaks=breaks), self.broken(database, breaks, mends):
            worst = 1 if any(f[0] == "problem" for f in findings.values()) else 0
            self.assert_found(worst if status is None else status, findings)

    def session(self, statement, waits=False):
        """The server process of a session that stays after `statement`, or waits in it."""
        program = subprocess.Popen([PSQL, "-X", "-q", "-At", "-h", "127.0.0.1", "-p", str(self.server.port), "-U", "postgres", "-d", "merge"], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PGPASSWORD": NamedPostgres.PASSWORD, "PGAPPNAME": "psql"})
        self.addCleanup(lambda: (program.kill(), program.communicate()))
        program.stdin.write(f"SELECT pg_backend_pid();\n{statement};\nSELECT 'done';\n")
        program.stdin.flush()
        pid = program.stdout.readline().strip()
        if not waits:
            self.assertEqual(program.stdout.readline().strip(), "done")
        return pid

    def assert_mends(self, breaks, findings, *command, secrets=READER):
        """What the remedy says mends it."""
        with self.subTest(breaks=breaks):
            self.psql("merge", breaks)
            try:
                self.assert_found(1, findings)
            finally:
                self.do(*command, secrets=secrets)
            self.assert_found(0, {})

    # ---- All well, and before anything was there.

    def test_all_is_well(self):
        self.assert_found(0, {})
        text = self.yellow("doctor").out
        self.assertRegex(text, r"(?m)^ok +server +PostgreSQL \d+\.\d+, UTF8, ")
        self.assertRegex(text, r"(?m)^ok +model +model version 1$")
        self.assertRegex(text, r"(?m)^ok +sources +\d+ checks$")
        self.assertRegex(text, r"\n\n\d+ checks: 1 could not be made\n$")

    def test_nothing_is_changed(self):
        state = "SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables ORDER BY 1"
        self.psql("merge", "SELECT pg_stat_force_next_flush()")
        before = self.psql("merge", state)
        self.doctor()
        self.psql("merge", "SELECT pg_stat_force_next_flush()")
        self.assertEqual(self.psql("merge", state), before)

    def test_before_bootstrap_every_check_that_can_be_made_is(self):
        status, wrong, found = self.before
        self.assertEqual(status, 3)
        self.assertEqual(wrong["server/MergeDB"]["reason"]["code"], "unreachable")
        for login in ("engine", "ingest_out", "migrator", "access"):
            self.assertIn("yellow bootstrap", wrong[f"credentials/MergeDB/yellow_{login}"]["remedy"])
        self.assertEqual(found["sources/Shop/customers/email"]["state"], "ok")
        for group in ("model", "clocks", "connections", "locks", "roles", "grants", "logins", "leases"):
            self.assertEqual(wrong[f"{group}/MergeDB"]["reason"]["text"], "none of Yellow's logins gets into the merge database")

    def test_before_apply_the_files_are_checked(self):
        status, wrong, found = self.bootstrapped
        self.assertEqual(status, 0, wrong)
        self.assertEqual({key for key, f in wrong.items()} - ALWAYS.keys(), {"model/MergeDB/applied", "logins/MergeDB", "leases/MergeDB"})
        self.assertEqual(wrong["model/MergeDB/applied"]["reason"]["code"], "not_applied")
        for key in ("sources/Shop/customers/email", "grants/MergeDB/yellow_sec.run_open()", "roles/MergeDB/yellow_engine"):
            self.assertEqual(found[key]["state"], "ok")

    # ---- The files.

    def test_files_that_are_newer(self):
        before = self.analysts.read_text()
        self.addCleanup(self.analysts.write_text, before)
        self.analysts.write_text(before + "\n# newer\n")
        self.assertEqual(self.doctor()[2]["model/MergeDB/applied"]["found"], "model version 1 (files are newer: yellow plan)")

    def test_files_with_mistakes(self):
        shop = self.project / "model/shop.yaml"
        before = shop.read_text()
        self.addCleanup(shop.write_text, before)
        shop.write_text(before.replace("name: Shop", "nme: Shop"))
        self.assert_found(1, {"model/files": ("problem", "model_errors", r"the files of the model have \d+ errors", "yellow lint")})
        self.assertEqual(self.yellow("status").status, 0, "the applied model is as it was")
        as_it_was = f"UPDATE yellow.installation SET schema_version = {self.psql('merge', 'SELECT schema_version FROM yellow.installation')}"
        with self.broken("merge", "UPDATE yellow.installation SET schema_version = 99", as_it_was):
            self.assertEqual(self.doctor()[1]["sources"]["state"], "skipped", "nothing says what they are")

    def test_the_applied_model(self):
        version = int(self.psql("merge", "SELECT schema_version FROM yellow.installation"))
        as_it_was = f"UPDATE yellow.installation SET schema_version = {version}"
        self.assert_mends("DROP VIEW ws_analysts.now__shopmasked__addresses",
                          {"model/MergeDB/database": ("problem", "database.differs", "create view ws_analysts.now__shopmasked__addresses", "yellow apply"),
                           "grants/MergeDB/ws_analysts.now__shopmasked__addresses": ("skipped", "not_seen", "it is not there", "yellow apply")}, "apply")
        self.assert_breaks("merge", "ALTER TABLE dp_main.shop__customers SET UNLOGGED", "ALTER TABLE dp_main.shop__customers SET LOGGED",
                           {"model/MergeDB/logged": ("problem", "table.unlogged", "dp_main.shop__customers is unlogged: a crash", 'ALTER TABLE "dp_main"."shop__customers" SET LOGGED$')})
        unknown = {f"{what}/MergeDB": ("skipped", "not_seen", "which model was applied is not known", "^$") for what in ("logins", "leases")}
        self.assert_breaks("merge", "UPDATE yellow.installation SET schema_version = 99", as_it_was,
                           {**unknown, "model/MergeDB/schema": ("problem", "newer_schema", "its schema is version 99", "use the newer program")})
        wrong = {"model/MergeDB/schema": ("problem", "older_schema", "an older version of yellow", "yellow apply migrates it")}
        self.assert_breaks("merge", f"UPDATE yellow.installation SET schema_version = {version - 1}", as_it_was, wrong)

    # ---- Roles.

    def test_attributes_of_roles(self):
        for breaks, mends, role, text in (
                ("ALTER ROLE yellow_engine CREATEDB", "ALTER ROLE yellow_engine NOCREATEDB", "yellow_engine", "yellow_engine is CREATEDB"),
                ("ALTER ROLE yellow_owner SUPERUSER LOGIN", "ALTER ROLE yellow_owner NOSUPERUSER NOLOGIN", "yellow_owner", "yellow_owner is LOGIN; yellow_owner is SUPERUSER"),
                ("ALTER ROLE yellow_roles NOCREATEROLE", "ALTER ROLE yellow_roles CREATEROLE", "yellow_roles", "yellow_roles is NOCREATEROLE"),
                ("ALTER ROLE yellow_migrator INHERIT", "ALTER ROLE yellow_migrator NOINHERIT", "yellow_migrator", "yellow_migrator is INHERIT"),
                ("ALTER ROLE yellow_ws_analysts BYPASSRLS REPLICATION", "ALTER ROLE yellow_ws_analysts NOBYPASSRLS NOREPLICATION", "yellow_ws_analysts",
                 "yellow_ws_analysts is REPLICATION; yellow_ws_analysts is BYPASSRLS")):
            # What helps is what mends.
            remedy = "\n".join(f'as an administrator of the server: ALTER ROLE "{role}" {what}' for what in sorted(mends.split()[3:], key=["NOLOGIN", "NOINHERIT", "NOSUPERUSER", "CREATEROLE", "NOCREATEDB", "NOREPLICATION", "NOBYPASSRLS"].index))
            self.assert_breaks("merge", breaks, mends, {f"roles/MergeDB/{role}": ("problem", "role.attributes", f"^{text}$", f"^{remedy}$")})
        self.assert_breaks("merge", "COMMENT ON ROLE yellow_tmp IS 'yellow: other'", "COMMENT ON ROLE yellow_tmp IS 'yellow: merge'",
                           {"roles/MergeDB/yellow_tmp": ("problem", "role.owner", "belongs to another installation.*'yellow: other'", "role_prefix.*COMMENT ON ROLE \"yellow_tmp\" IS 'yellow: merge'")})
        self.assert_breaks("merge", "CREATE ROLE yellow_mine", "DROP ROLE yellow_mine",
                           {"roles/MergeDB/yellow_mine": ("warning", "role.unknown", "Yellow has not made it", "RENAME TO")})
        self.assert_breaks("merge", "CREATE ROLE yellow_other_owner; COMMENT ON ROLE yellow_other_owner IS 'yellow: other'", "DROP ROLE yellow_other_owner", {})

    def test_roles_that_are_gone(self):
        called = self.psql("merge", """
            SELECT n.nspname || '.' || p.proname || '()' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname LIKE 'yellow\\_%' AND has_function_privilege('yellow_access', p.oid, 'EXECUTE')""").split()
        self.assertGreater(len(called), 30)
        self.assert_breaks("merge", "ALTER ROLE yellow_access RENAME TO gone", "ALTER ROLE gone RENAME TO yellow_access", {
            "roles/MergeDB/yellow_access": ("problem", "role.missing", "yellow_access is not there", "yellow bootstrap"),
            "credentials/MergeDB/yellow_access": ("problem", "credential.refused", 'authentication failed for user "yellow_access"', "yellow bootstrap"),
            "grants/MergeDB/merge": ("problem", "grant.missing", "yellow_access lacks CONNECT; gone has CONNECT", 'REVOKE CONNECT ON DATABASE merge FROM "gone"'),
            "audit/MergeDB": ("skipped", "not_seen", 'authentication failed for user "yellow_access"', "^$"),
            **{f"grants/MergeDB/{schema}": ("problem", "grant.missing", "yellow_access lacks USAGE; gone has USAGE", f'REVOKE USAGE ON SCHEMA {schema} FROM "gone"')
               for schema in ("yellow_access", "yellow_sec")},
            **{f"grants/MergeDB/{f}": ("problem", "grant.missing", "yellow_access lacks EXECUTE; gone has EXECUTE", "REVOKE EXECUTE") for f in called}})
        self.assert_breaks("merge", "ALTER ROLE yellow_ws_workreader RENAME TO gone", "ALTER ROLE gone RENAME TO yellow_ws_workreader", {
            "roles/MergeDB/yellow_ws_workreader": ("problem", "role.missing", "is not there", "yellow apply"),
            "model/MergeDB/database": ("problem", "database.differs", "create group yellow_ws_workreader", "yellow apply"),
            **{f"grants/MergeDB/ws_workreader{o}": ("problem", "grant.missing", "yellow_ws_workreader lacks .*; gone has", "yellow apply")
               for o in ("", ".now__worked__people", ".yellow_batches")}})

    def test_memberships(self):
        for breaks, mends, role, code, text in (
                ("REVOKE yellow_owner FROM yellow_migrator", "GRANT yellow_owner TO yellow_migrator", "yellow_migrator", "role.member_missing", "yellow_migrator is no member of yellow_owner"),
                ("REVOKE pg_signal_backend FROM yellow_roles", "GRANT pg_signal_backend TO yellow_roles", "yellow_roles", "role.member_missing", "no member of pg_signal_backend"),
                ("REVOKE ADMIN OPTION FOR yellow_run FROM yellow_roles", "GRANT yellow_run TO yellow_roles WITH ADMIN OPTION", "yellow_roles", "role.member_missing", "no member of yellow_run"),
                ("GRANT yellow_owner TO stranger", "REVOKE yellow_owner FROM stranger", "yellow_owner", "role.member_extra", "stranger may do all that yellow_owner may"),
                ("GRANT yellow_ws_maskshop TO stranger", "REVOKE yellow_ws_maskshop FROM stranger", "yellow_ws_maskshop", "role.member_extra", "stranger may do all that yellow_ws_maskshop may"),
                ("GRANT yellow_dt_maskshop TO analysts", "REVOKE yellow_dt_maskshop FROM analysts", "yellow_dt_maskshop", "role.member_extra", "analysts may do all"),
                ("GRANT pg_read_all_data TO yellow_engine", "REVOKE pg_read_all_data FROM yellow_engine", "yellow_engine", "role.member_extra", "yellow_engine may do all that pg_read_all_data may")):
            said = mends.replace("yellow_", '"yellow_').replace("pg_", '"pg_').replace("stranger", '"stranger').replace("analysts", '"analysts')
            said = " ".join(word + '"' if word.startswith('"') else word for word in said.split())
            self.assert_breaks("merge", breaks, mends, {f"roles/MergeDB/{role}": ("problem", code, text, f"administrator of the server: {said}$")})
        self.assert_mends("REVOKE yellow_ws_analysts FROM analysts GRANTED BY yellow_roles",
                          {"roles/MergeDB/yellow_ws_analysts": ("problem", "role.reader_missing", "the model names analysts a reader, and it is no member", "yellow apply")}, "apply")
        self.assert_breaks("merge", "REVOKE pg_read_all_stats FROM yellow_roles", "GRANT pg_read_all_stats TO yellow_roles",
                           {"locks/MergeDB/idle": ("skipped", "not_seen", "what other sessions do is not shown", "yellow bootstrap, by a superuser")})

    # ---- Grants.

    def test_grants_that_are_missing(self):
        view = "ws_analysts.now__shopmasked__customers"
        self.assert_mends(f"REVOKE SELECT ON {view} FROM yellow_ws_analysts; REVOKE USAGE ON SCHEMA dp_main FROM yellow_dt_maskshop",
                          {f"grants/MergeDB/{view}": ("problem", "grant.missing", "^yellow_ws_analysts lacks SELECT$", "^yellow apply$"),
                           "grants/MergeDB/dp_main": ("problem", "grant.missing", "^yellow_dt_maskshop lacks USAGE$", "^yellow apply$")}, "apply")
        for what, sql, role, privilege in (("yellow_op.dt_lock()", "FUNCTION yellow_op.dt_lock(schema_name text, table_name text)", "yellow_ingest_out", "EXECUTE"),
                                           ("yellow.batch", "TABLE yellow.batch", "yellow_engine", "INSERT"), ("yellow_sec", "SCHEMA yellow_sec", "yellow_migrator", "USAGE"),
                                           ("merge", "DATABASE merge", "yellow_run", "TEMPORARY")):
            mends = f"GRANT {privilege} ON {sql} TO {role}"
            said = "administrator of the server: " + re.escape(f'GRANT {privilege} ON {sql} TO "{role}"') + "$"
            self.assert_breaks("merge", f"REVOKE {privilege} ON {sql} FROM {role}", mends,
                               {f"grants/MergeDB/{what}": ("problem", "grant.missing", f"^{role} lacks {privilege}$", said)})
        self.assert_mends("DROP FUNCTION yellow_sec.sessions_idle()",
                          {"grants/MergeDB/yellow_sec.sessions_idle()": ("problem", "object.missing", "is not there", "yellow bootstrap"),
                           "locks/MergeDB/idle": ("skipped", "not_seen", "is not shown", "yellow bootstrap")}, "bootstrap", secrets=SUPERUSER)

    def test_grants_that_nobody_has_asked_for(self):
        table, view = "dp_main.shop__customers", "ws_maskshop.original__shop__customers"
        for what, privilege, sql, grantee, health in (
                (table, "SELECT", f"TABLE {table}", "stranger", "problem"), (table, "SELECT (email)", f"TABLE {table}", "stranger", "problem"),
                (view, "SELECT", f"TABLE {view}", "PUBLIC", "problem"), ("dp_main", "USAGE", "SCHEMA dp_main", "stranger", "problem"),
                ("yellow.run", "SELECT", "TABLE yellow.run", "stranger", "problem"),
                ("yellow_sec.group_ensure()", "EXECUTE", "FUNCTION yellow_sec.group_ensure(group_name text)", "PUBLIC", "problem"),
                ("merge", "CONNECT", "DATABASE merge", "PUBLIC", "problem"), ("merge", "CONNECT", "DATABASE merge", "stranger", "warning"),
                ("public", "CREATE", "SCHEMA public", "PUBLIC", "problem")):
            quoted = grantee if grantee == "PUBLIC" else f'"{grantee}"'
            said = "administrator of the server: " + re.escape(f"REVOKE {privilege} ON {sql} FROM {quoted}") + "$"
            who = "everybody" if grantee == "PUBLIC" else grantee
            self.assert_breaks("merge", f"GRANT {privilege} ON {sql} TO {grantee}", f"REVOKE {privilege} ON {sql} FROM {grantee}",
                               {f"grants/MergeDB/{what}": (health, "grant.extra", f"^{who} has {re.escape(privilege)}, which the model does not say$", said)})
        self.assert_breaks("merge", f"GRANT SELECT ON {view} TO yellow_ws_maskshop WITH GRANT OPTION", f"REVOKE GRANT OPTION FOR SELECT ON {view} FROM yellow_ws_maskshop",
                           {f"grants/MergeDB/{view}": ("problem", "grant.extra", "yellow_ws_maskshop may pass on SELECT", f"REVOKE GRANT OPTION FOR SELECT ON TABLE {view} FROM \"yellow_ws_maskshop\"")})
        self.assert_breaks("merge", f"ALTER TABLE {table} OWNER TO stranger", f"ALTER TABLE {table} OWNER TO yellow_owner",
                           {f"grants/MergeDB/{table}": ("problem", "object.owner", "it belongs to stranger, not to yellow_owner", f'ALTER TABLE {table} OWNER TO "yellow_owner"')})
        self.assert_breaks("merge", "GRANT EXECUTE ON FUNCTION pg_advisory_lock(bigint) TO PUBLIC", "REVOKE EXECUTE ON FUNCTION pg_advisory_lock(bigint) FROM PUBLIC",
                           {"grants/MergeDB/pg_advisory_lock": ("warning", "functions.open", "could take advisory locks", "bootstrap --print")})

    # ---- What runs and processes leave behind.

    def test_logins(self):
        # One that is open for good, as of a run that was there.
        open_login = "SELECT yellow_sec.run_prepare('{0}', " + NO_PASSWORD + ", clock_timestamp()); ALTER ROLE yellow_run_{0} LOGIN; GRANT yellow_ws_maskshop, yellow_dt_maskshop TO yellow_run_{0}"
        self.assert_breaks("merge", open_login.format(ID), f"SELECT yellow_sec.run_drop('{ID}')",
                           {f"logins/MergeDB/yellow_run_{ID}": ("problem", "login.unknown", "no run and no try has made it", f'DROP OWNED BY "yellow_run_{ID}"; DROP ROLE "yellow_run_{ID}"$')})
        ahead = open_login.partition(";")[0]
        self.assert_breaks("merge", ahead.format(ID), f"SELECT yellow_sec.run_drop('{ID}')", {})
        self.assert_breaks("merge", f"CREATE SCHEMA scratch_{ID}", f"DROP SCHEMA scratch_{ID}",
                           {f"logins/MergeDB/scratch_{ID}": ("problem", "login.unknown", "no run and no try has made it", f'DROP SCHEMA "scratch_{ID}" CASCADE$')})
        run = self.psql("merge", "UPDATE yellow.run SET closed_at = closed_at - interval '1 minute' WHERE state = 'committed' AND transformer ~ 'MaskShop' RETURNING id")
        login = f"logins/MergeDB/yellow_run_{run}"
        self.assert_mends(open_login.format(run), {login: ("problem", "login.orphan", "it outlives its run, which is committed", "yellow run drops it")}, "run")
        open_run = f"UPDATE yellow.run SET state = 'launched', closed_at = NULL, login = 'yellow_run_{run}' WHERE id = '{run}'"
        closed = f"UPDATE yellow.run SET state = 'committed', closed_at = opened_at, login = NULL WHERE id = '{run}'; SELECT yellow_sec.run_drop('{run}')"
        self.assert_breaks("merge", f"{open_login.format(run)}; {open_run}", closed,
                           {login: ("warning", "login.abandoned", "its run is launched, and its process has ended", "yellow run ends it")})

    def test_leases(self):
        dead = self.psql("merge", "SELECT holder FROM yellow.run LIMIT 1")
        alive = f"{dead.rsplit(':', 2)[0]}:{os.getpid()}:{pathlib.Path('/proc/self/stat').read_text().rsplit(')', 1)[1].split()[19]}"
        mends = "UPDATE yellow.stream SET holder = NULL, lease_until = '-infinity' WHERE key = 'Ingest/Main/Shop'"
        for holder, until, code, text in ((dead, "10 seconds", "lease.abandoned", f"ended without giving it back: {dead}"),
                                          (alive, "1 hour", "lease.too_long", "the clock of the server was set back"),
                                          (alive, "-1 second", "lease.ended", "it is paused or cut off")):
            self.assert_breaks("merge", f"UPDATE yellow.stream SET holder = '{holder}', lease_until = clock_timestamp() + interval '{until}' WHERE key = 'Ingest/Main/Shop'",
                               mends, {"leases/MergeDB/Ingest/Main/Shop": ("warning", code, text, "yellow run takes it over")})
        self.assert_breaks("merge", f"UPDATE yellow.stream SET holder = '{alive}', lease_until = clock_timestamp() + interval '10 seconds' WHERE key = 'Ingest/Main/Shop'", mends, {})

    @unittest.skipUnless(os.geteuid() == 0, "others can give no run a user: it is in what is always found")
    def test_the_launcher(self):
        Doctor.prefix = ("setpriv", "--bounding-set=-setuid", "--inh-caps=-setuid")
        self.addCleanup(setattr, Doctor, "prefix", ())
        self.assert_found(0, {"launcher/isolation": ("warning", "launcher.trusted", "Worker: the code runs as root, as yellow does, and must be trusted.*CAP_SETUID", "as root")})

    # ---- The server.

    def test_the_server(self):
        self.assert_breaks("merge", "UPDATE pg_database SET datcollversion = '0.1' WHERE datname = 'merge'",
                           "UPDATE pg_database SET datcollversion = pg_database_collation_actual_version(oid) WHERE datname = 'merge'",
                           {"server/MergeDB/collation": ("warning", "server.collation", r"made with version 0\.1 of the locale",
                                                         r"REINDEX DATABASE \"merge\"\n.*REFRESH COLLATION VERSION")})
        self.assert_breaks("postgres", "ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)", "ALTER SYSTEM RESET fsync; SELECT pg_reload_conf(); SELECT pg_sleep(0.2)",
                           {"server/MergeDB/durability": ("problem", "server.durability", "fsync = off", "ALTER SYSTEM SET fsync = on")})

    def test_locks(self):
        """What waits or holds for ten seconds, all at once."""
        self.psql("merge", "BEGIN; CREATE TABLE public.of_others (); PREPARE TRANSACTION 'it''s left'")
        self.addCleanup(self.psql, "merge", "ROLLBACK PREPARED 'it''s left'")
        self.psql("merge", "CREATE TABLE public.mine (id integer)")
        self.addCleanup(self.psql, "merge", "DROP TABLE public.mine")
        holder = self.session("BEGIN; INSERT INTO public.mine VALUES (1); LOCK TABLE dp_main.shop__customers IN ACCESS EXCLUSIVE MODE")
        waiter = self.session("BEGIN; LOCK TABLE dp_main.shop__customers IN ACCESS SHARE MODE", waits=True)
        until = time.monotonic() + 60
        while sum(key.startswith("locks/") for key in self.doctor()[1]) < 3 and time.monotonic() < until:
            time.sleep(1)
        self.assert_found(0, {
            "locks/MergeDB/waiting": ("warning", "locks.waiting", rf"^pid {waiter}, postgres \(psql\) waits for dp_main.shop__customers since \d+ s, which is held by pid {holder}, "
                                      r"postgres \(psql\)$", rf"SELECT pg_terminate_backend\({holder}\)$"),
            "locks/MergeDB/idle": ("warning", "locks.idle", rf"^pid {holder}, postgres \(psql\) is idle in a transaction since \d+ s, and what was deleted since then cannot be "
                                   "cleaned up", rf"SELECT pg_terminate_backend\({holder}\)$"),
            "locks/MergeDB/prepared": ("warning", "locks.prepared", "^the prepared transaction it's left of postgres keeps its locks since \\d+ s$", "ROLLBACK PREPARED 'it''s left'$")})

    def test_connections(self):
        self.assert_breaks("postgres", "ALTER DATABASE merge CONNECTION LIMIT 12", "ALTER DATABASE merge CONNECTION LIMIT -1",
                           {"connections/MergeDB": ("warning", "connections.few", "database may have 12 connections, and limits.connections of the environment wants 40",
                                                    "raise its CONNECTION LIMIT")})
        self.assert_breaks("postgres", "ALTER ROLE yellow_engine CONNECTION LIMIT 5", "ALTER ROLE yellow_engine CONNECTION LIMIT -1",
                           {"connections/MergeDB": ("warning", "connections.few", "yellow_engine may have 5 connections", "lower limits")})
        with self.subTest("others have them"):
            sessions = [self.session("SET statement_timeout = 0") for _ in range(9)]
            self.assert_found(0, {"connections/MergeDB": ("warning", "connections.few", r"others have (9|1\d) of 47 connections of the server, and limits.connections of the environment wants 40",
                                                          "end some of them")})
            self.psql("postgres", f"SELECT pg_terminate_backend(pid, 10000) FROM unnest(ARRAY[{', '.join(sessions)}]) s (pid)")
            self.assert_found(0, {})
        before = self.environment.read_text()
        self.environment.write_text(before + "limits: {connections: 400}\n")
        self.addCleanup(self.environment.write_text, before)
        self.assert_found(0, {"connections/MergeDB": ("warning", "connections.few", "the server gives 47 connections, and limits.connections of the environment wants 400",
                                                      "raise max_connections")})

    # ---- Credentials and sources.

    def test_credentials(self):
        skipped = {f"sources/Shop/{what}": ("skipped", "not_seen", "nobody could log in to ShopDB with shop_reader", "^$")
                   for what in ("customers", "addresses", *[f"customers/{c}" for c in ("id", "firstname", "lastname", "email", "phone", "dob")],
                                *[f"addresses/{c}" for c in ("id", "customer_id", "street", "city", "country")])}
        skipped |= {f"{group}/ShopDB": ("skipped", "not_seen", "nobody could log in to ShopDB with shop_reader", "^$") for group in ("server", "clocks")}
        wrong = self.assert_found(1, {**skipped, "credentials/shop_reader/ShopDB": (
            "problem", "credential.refused", 'password authentication failed for user "shop_reader"', "check the credential")}, {**READER, "SHOP_PASSWORD": "canary-wrong"})
        self.assertNotIn("canary", json.dumps(wrong))
        self.assert_found(1, {**skipped, "credentials/shop_reader/ShopDB": ("problem", "credential.refused", "environment variable SHOP_USER", "set SHOP_USER and SHOP_PASSWORD"),
                              "credentials/worker_key": ("problem", "credential.refused", "environment variable WORKER_USER", "WORKER")}, {})
        self.assertIn("skipped sources/Shop/addresses and 12 more: nobody could log in", self.yellow("doctor", secrets={}).out)
        secret = self.project / ".yellow/secrets/yellow_ingest_out"
        right = secret.read_text()
        secret.write_text("canary-wrong")
        self.addCleanup(secret.write_text, right)
        self.assert_found(1, {"credentials/MergeDB/yellow_ingest_out": ("problem", "credential.refused", "password authentication failed", "yellow bootstrap")})
        secret.unlink()
        self.assert_found(1, {"credentials/MergeDB/yellow_ingest_out": ("problem", "credential.refused", "there is no password for the login yellow_ingest_out", "yellow bootstrap")})

    def test_sources(self):
        column = "sources/Shop/customers/email"
        self.assert_breaks("shop", "ALTER TABLE customers RENAME email TO e_mail", "ALTER TABLE customers RENAME e_mail TO email",
                           {column: ("problem", "source.column_missing", r"column email of public.customers is not there; did you mean e_mail\?", "from:")})
        self.assert_breaks("shop", "ALTER TABLE customers ALTER dob TYPE timestamp", "ALTER TABLE customers ALTER dob TYPE date",
                           {"sources/Shop/customers/dob": ("problem", "source.column_unfit", "is timestamp without time zone at the source and date in the model", "yellow apply")})
        others = "id, firstname, lastname, phone, dob"
        self.assert_breaks("shop", f"REVOKE SELECT ON customers FROM shop_reader; GRANT SELECT ({others}) ON customers TO shop_reader",
                           f"REVOKE SELECT ({others}) ON customers FROM shop_reader; GRANT SELECT ON customers TO shop_reader",
                           {column: ("problem", "source.column_forbidden", "may not be read by shop_reader", r'GRANT SELECT \("email"\) ON "public"\."customers" TO "shop_reader"')})
        columns = [f"sources/Shop/addresses/{c}" for c in ("id", "customer_id", "street", "city", "country")]
        self.assert_breaks("shop", "REVOKE SELECT ON addresses FROM shop_reader", "GRANT SELECT ON addresses TO shop_reader",
                           {"sources/Shop/addresses": ("problem", "source.table_forbidden", "public.addresses may not be read by shop_reader", 'GRANT SELECT ON "public"."addresses"'),
                            **{c: ("skipped", "not_seen", "may not be read", "^$") for c in columns}})
        self.assert_breaks("shop", "ALTER TABLE addresses RENAME TO old", "ALTER TABLE old RENAME TO addresses",
                           {"sources/Shop/addresses": ("problem", "source.table_missing", "the table public.addresses is not there", "table:"),
                            **{c: ("skipped", "not_seen", "is not there", "^$") for c in columns}})
        self.assert_breaks("shop", "ALTER TABLE addresses ENABLE ROW LEVEL SECURITY", "ALTER TABLE addresses DISABLE ROW LEVEL SECURITY",
                           {"sources/Shop/addresses": ("warning", "source.rows_hidden", "may hide rows from shop_reader", "BYPASSRLS")})


class PrivateServer(unittest.TestCase):
    """In the private PostgreSQL, where the owner of the folder is the administrator and every remedy is a command."""

    @classmethod
    def setUpClass(cls):
        cls.project = Project()
        cls.addClassCleanup(cls.project.close)
        cls.project.demo()

    def wrong(self, status):
        done = self.project.yellow("doctor", "--output", "json")
        self.assertEqual(done.status, status, done)
        return {f["key"]: f for f in json.loads(done.out) if f["state"] != "ok" and not (f["key"] == "launcher/isolation" or f["key"].startswith("disk/"))}

    def test_remedies_are_commands_that_help(self):
        self.assertEqual(self.wrong(0), {})
        self.assertIn("ok       disk ", self.project.yellow("doctor").out, "the disk of this machine is seen")
        self.project.sql("MergeDB", "ALTER ROLE yellow_engine CREATEDB; COMMENT ON ROLE yellow_tmp IS 'somebody''s'; GRANT SELECT ON dp_main.shop__customers TO PUBLIC; "
                                    "ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf(); SELECT pg_sleep(0.5); UPDATE pg_database SET datcollversion = '0' WHERE datname = 'merge'")
        wrong = self.wrong(1)
        self.assertEqual(set(wrong), {"roles/MergeDB/yellow_engine", "roles/MergeDB/yellow_tmp", "grants/MergeDB/dp_main.shop__customers", "server/MergeDB/durability",
                                      "server/MergeDB/collation"})
        for finding in wrong.values():
            for line in finding["remedy"].splitlines():
                command = line[line.index("psql"):]
                # PostgreSQL itself says what it cannot refresh where the locale has no versions.
                subprocess.run(command, shell=True, check="REFRESH" not in command, capture_output=True)
        self.project.sql("MergeDB", "UPDATE pg_database SET datcollversion = NULL WHERE datname = 'merge'; SELECT pg_sleep(0.5)")
        self.assertEqual(self.wrong(0), {})

    def test_a_login_that_is_gone(self):
        self.project.sql("MergeDB", "ALTER ROLE yellow_engine RENAME TO gone")
        wrong = self.wrong(1)
        self.assertIn("yellow bootstrap", wrong["credentials/MergeDB/yellow_engine"]["remedy"])
        self.assertEqual(wrong["roles/MergeDB/yellow_engine"]["reason"]["code"], "role.missing")
        self.assertEqual(wrong["grants/MergeDB/yellow.batch"]["reason"]["code"], "grant.missing", "another login has looked")
        self.project.sql("MergeDB", "DROP OWNED BY gone; DROP ROLE gone")
        for command in ("bootstrap", "apply"):
            done = self.project.yellow(command)
            self.assertEqual(done.status, 0, done)
        self.assertEqual(self.wrong(0), {})

    def test_what_cannot_be_reached(self):
        secrets = self.project.root / ".yellow/secrets"
        for login in ("engine", "ingest_out", "migrator", "access"):
            (secrets / f"yellow_{login}").write_text("canary-wrong")
        wrong = self.wrong(3)
        self.assertEqual(wrong["server/MergeDB"]["reason"]["code"], "unreachable")
        self.assertFalse([key for key in wrong if key.startswith("sources/")], "the rest was looked at")
        self.assertEqual(self.project.yellow("bootstrap").status, 0)
        self.assertEqual(self.wrong(0), {})
        self.project.yellow("down")
        self.assertEqual(self.wrong(0), {}, "it starts the private server, as others do")


if __name__ == "__main__":
    unittest.main()
