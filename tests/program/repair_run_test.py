"""`op:reingest`: what a devops member has corrected in the `dt_` tables is taken in once, under the names of who asked, approved and why; everything that
would let in something else, or twice, or unseen, must fail."""

import contextlib
import json
import os
import time
import unittest

import psycopg2

from people import SCOPES, Office, verifier

TABLE = "dp_main.dt_shopmasked__customers"
STREAM, TRANSFORM = "Ingest/Main/ShopMasked", "Transform/Main/MaskShop"
MORE = {"dt_write:Names": {}, "op:reingest:MaskShop": {}, "op:reingest:Names": {}}
# An incremental transformer downstream, and a dataset whose name is too long for the database.
LONG = "names_that_are_known_by_what_stands_in_the_masked_store_now"
MODEL = f"""
kind: Workspace
name: Names
groups: {{In: {{sinks: [ShopMasked.customers]}}}}
transformer:
  code: {{sql: names/}}
  mode: incremental
  output:
    datastore: NameStore
    datasets:
      {LONG}: {{key: [id], columns: {{id: varchar(20), lastname: varchar(100) not null}}}}
---
kind: Workspace
name: Readers
groups: {{Now: {{sinks: [NameStore.{LONG}]}}}}
"""


class Repairs(unittest.TestCase):
    """REQUIRES: the subclass is run by root, who may become several people."""

    @classmethod
    def setUpClass(cls):
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        cls.office.write("model/names.yaml", MODEL)
        cls.office.write(f"model/names/{LONG}.sql", "SELECT yellow_op, id, lastname FROM ShopMasked.customers__changes\n")
        cls.office.declare(scopes={**SCOPES, **MORE})
        applied = cls.office.yellow("run", "--apply")
        assert applied.status == 0, applied
        cls.office.tickets({f"OPS-{number}": {"open": True, "owner": "alice"} for number in range(1, 1000)})
        cls.tickets = iter(range(1, 1000))

    def setUp(self):
        """The next run, whatever the test before has left, makes the output as it should be."""
        if self.office.service is None or self.office.service.poll() is not None:
            self.office.start_service()
        self.run_again()

    def ticket(self):
        return f"OPS-{next(self.tickets)}"

    def sql(self, statement):
        return self.office.sql("MergeDB", statement)

    def one(self, statement):
        return self.sql(statement)[0][0]

    def wait(self, what, seconds=40):
        until = time.monotonic() + seconds
        while not (found := what()):
            self.assertLess(time.monotonic(), until, (self.office.base / "serve.log").read_text()[-4000:])
            time.sleep(0.05)
        return found

    def quiet(self):
        """Nothing is open, the transformer downstream has followed, and logins of runs are dropped."""
        behind = f"""SELECT 1 FROM yellow.batch WHERE state IN ('open', 'staged') UNION ALL SELECT 1 FROM yellow.run WHERE closed_at IS NULL
                     UNION ALL SELECT 1 FROM yellow.cursor WHERE consumer = 'Transform/Main/Names' AND batch < {self.last_batch()}
                     UNION ALL SELECT 1 FROM pg_roles WHERE rolname ~ '^yellow_run_.' AND (rolcanlogin OR NOT pg_has_role(oid, 'yellow_run', 'MEMBER'))"""
        self.wait(lambda: not self.sql(behind))

    def run_again(self):
        before = self.one(f"SELECT count(*) FROM yellow.run WHERE transformer = '{TRANSFORM}' AND state = 'committed' AND request IS NULL")
        again = self.office.yellow("runs", "retry", "MaskShop")
        self.assertEqual(again.status, 0, again)
        self.wait(lambda: self.one(f"SELECT count(*) FROM yellow.run WHERE transformer = '{TRANSFORM}' AND state = 'committed' AND request IS NULL") != before)
        self.quiet()

    def last_batch(self):
        return self.one(f"SELECT max(batch) FROM yellow.batch WHERE stream = '{STREAM}' AND state = 'committed'")

    def cursors(self):
        return self.sql(f"SELECT input, batch FROM yellow.cursor WHERE consumer = '{TRANSFORM}' ORDER BY input")

    def names(self):
        return {name for name, in self.sql("SELECT DISTINCT lastname FROM ws_analysts.now__shopmasked__customers")}

    def psql(self, statements, scope="dt_write:MaskShop"):
        """What a devops member does in the tables, and what psql says."""
        write = self.office.active(scope=scope, ticket=self.ticket())
        done = self.office.session(write, statements)
        self.assertEqual(done.status, 0, done)
        self.office.did("alice", "release", write["id"])
        return done.out.replace("\r", "")

    def corrected(self, name):
        """The published output lies in the tables, with one name corrected."""
        said = self.psql(f"SELECT yellow_op.dt_fill('dp_main', 'dt_shopmasked__customers');\nSELECT yellow_op.dt_fill('dp_main', 'dt_shopmasked__addresses');\n"
                         f"UPDATE {TABLE} SET lastname = '{name}' WHERE id = (SELECT min(id) FROM {TABLE});\n")
        self.assertIn("UPDATE 1", said)

    def approved(self, scope="op:reingest:MaskShop", duration="1h"):
        request = self.office.ask(scope=scope, ticket=self.ticket(), duration=duration)
        for who in ("bob", "carol"):
            self.office.approve(request, who)
        return request

    def activate(self, request):
        return self.office.did("alice", "activate", request["id"])

    def outcome(self, request):
        """What has become of it, when it has ended."""
        return self.wait(lambda: next((one for one in [self.office.did("bob", "show", request["id"])["operation"]] if one and one["state"] in ("done", "failed")), None))

    def repair(self, **how):
        request = self.activate(self.approved(**how))
        return request, self.outcome(request)

    def repairs(self, request):
        return self.sql(f"SELECT id, state, mode, output_batch FROM yellow.run WHERE request = '{request['id']}' ORDER BY opened_at")

    def ready(self, name):
        """Corrected and approved, quicker than by psql."""
        self.sql(f"TRUNCATE {TABLE}, dp_main.dt_shopmasked__addresses; "
                 f"INSERT INTO {TABLE} (id, firstname, lastname, dob) SELECT id, firstname, CASE row_number() OVER (ORDER BY id) WHEN 1 THEN '{name}' ELSE lastname END, dob "
                 "FROM dp_main.shopmasked__customers WHERE yellow_batch_out = 2147483647; "
                 "INSERT INTO dp_main.dt_shopmasked__addresses (id, customer_id, city, country) SELECT id, customer_id, city, country FROM dp_main.shopmasked__addresses")
        return self.approved()

    def activation(self, request):
        """As the service does it, where there is none."""
        return f"SELECT yellow_access.activate('{request['id']}', 'alice', '{request['content']}', '{{bob,carol}}');"

    def is_done_once(self, request, batch, name):
        self.assertEqual(self.outcome(request)["state"], "done")
        self.assertEqual([state for _, state, _, _ in self.repairs(request)], ["committed"])
        self.assertEqual(int(self.last_batch()), batch + 1)
        self.assertIn(name, self.names())

    def is_not_done(self, request, batch):
        self.assertEqual(self.repairs(request), [])
        self.assertEqual(int(self.last_batch()), batch)


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class RepairRunTest(Repairs):
    def test_a_name_is_corrected(self):
        office = self.office
        batch, cursors = int(self.last_batch()), self.cursors()
        downstream = self.one("SELECT count(*) FROM yellow.run WHERE transformer = 'Transform/Main/Names'")
        # As if its code had failed until it was given up: a repair makes nothing of that good.
        self.sql(f"UPDATE yellow.transformer SET failed_definition = definition, failures = 1 WHERE key = '{TRANSFORM}'")
        known = f"SELECT definition, failed_definition, failures, retry_at FROM yellow.transformer WHERE key = '{TRANSFORM}'"
        before = self.sql(known)
        read_at = self.one(f"SELECT source_read_at FROM yellow.batch WHERE stream = '{STREAM}' AND batch = {batch}")
        self.corrected("Right.")
        self.assertNotIn("Right.", self.names())
        request, operation = self.repair()
        self.assertEqual(operation["state"], "done", operation)
        outcome = operation["outcome"]
        self.assertEqual((outcome["batch"], outcome["inserted"], outcome["updated"], outcome["deleted"]), (batch + 1, 0, 1, 0))
        self.assertIn("Right.", self.names())
        self.assertEqual(self.cursors(), cursors)
        self.assertEqual(self.sql(known), before)
        self.assertIn("It was given up", office.yellow("explain", "MaskShop").out)
        self.assertEqual(self.one(f"SELECT source_read_at FROM yellow.batch WHERE stream = '{STREAM}' AND batch = {batch + 1}"), read_at)
        # Who, what for and why, wherever somebody looks.
        run = json.loads(office.yellow("runs", "show", outcome["run"], "--output", "json").out)
        cause = f"repair under request {request['id']} of alice, ticket {request['ticket']}"
        self.assertEqual((run["state"], run["request"], run["cause"], run["claims"], run["output_batch"]), ("committed", request["id"], cause, [], batch + 1))
        self.assertIn(cause, office.yellow("explain", "MaskShop").out)
        self.assertIn(outcome["run"], office.yellow("batches", "show", "ShopMasked", "--output", "json").out)
        records = self.sql(f"SELECT person, action, details ->> 'ticket' FROM yellow_access.audit WHERE request = '{request['id']}' AND action LIKE 'access.operation%' ORDER BY id")
        self.assertEqual(records, [("alice", "access.operation_begin", request["ticket"]), ("alice", "access.operation", request["ticket"])])
        self.assertEqual(self.one(f"SELECT count(*) FROM yellow_access.audit WHERE request = '{request['id']}' AND details::text LIKE '%Right.%'"), "0")
        # Who uses the output follows, once; the tables are empty again; the next run overwrites it.
        self.quiet()
        self.assertEqual(int(self.one("SELECT count(*) FROM yellow.run WHERE transformer = 'Transform/Main/Names'")), int(downstream) + 1)
        self.assertEqual(self.one(f"SELECT count(*) FROM {TABLE}"), "0")
        office.wait_for(request, "in_review")
        self.run_again()
        self.assertNotIn("Right.", self.names())
        self.assertEqual(office.broken_invariants(), {})

    def test_changes_are_taken_in_as_changes(self):
        table = self.one(f"SELECT relname FROM pg_class WHERE relname LIKE 'dt_namestore__%' AND relkind = 'r'")
        self.assertEqual(len(table), 63)
        rows = self.one("SELECT count(*) FROM dp_main.shopmasked__customers WHERE yellow_batch_out = 2147483647")
        said = self.psql(f"SELECT 'filled:' || yellow_op.dt_fill('dp_main', '{table}');\nDELETE FROM dp_main.{table} WHERE id <> (SELECT min(id) FROM dp_main.{table});\n"
                         f"UPDATE dp_main.{table} SET lastname = 'Only.';\n", scope="dt_write:Names")
        self.assertIn(f"filled:{rows}", said)
        _, operation = self.repair(scope="op:reingest:Names")
        self.assertEqual(operation["state"], "done", operation)
        self.assertEqual([operation["outcome"][name] for name in ("inserted", "updated", "deleted")], [0, 1, 0])

    def test_an_empty_table_does_not_destroy_the_store(self):
        before = self.names()
        request, operation = self.repair()
        self.assertEqual((operation["state"], operation["outcome"]["code"]), ("failed", "emptied"), operation)
        self.assertEqual(self.names(), before)
        self.assertEqual(self.repairs(request), [(operation["outcome"]["run"], "failed", "full", None)])
        # It is held as a run's output is, and ends so.
        self.assertEqual(self.one(f"SELECT state FROM yellow.batch WHERE stream = '{STREAM}' ORDER BY batch DESC LIMIT 1"), "held")
        self.assertEqual(self.office.yellow("batches", "reject", "ShopMasked").status, 0)

    def test_bad_rows_are_refused_and_not_shown(self):
        self.corrected("Canary-577")
        self.sql(f"ALTER TABLE {TABLE} ALTER lastname DROP NOT NULL")
        self.addCleanup(self.sql, f"DELETE FROM {TABLE}; ALTER TABLE {TABLE} ALTER lastname SET NOT NULL")
        self.psql(f"UPDATE {TABLE} SET lastname = NULL, firstname = 'Canary-577' WHERE lastname = 'Canary-577';\n")
        request, operation = self.repair()
        self.assertEqual((operation["state"], operation["outcome"]["code"]), ("failed", "not_null"), operation)
        self.assertNotIn("Canary-577", json.dumps(operation))
        self.assertEqual(self.one(f"SELECT count(*) FROM yellow_access.audit WHERE details::text LIKE '%Canary-577%'"), "0")


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class RacesTest(Repairs):
    """Something else happens at the same time."""

    @contextlib.contextmanager
    def holding(self, statement):
        """A session of somebody else that has done this and not committed it."""
        info = self.office.server()
        with contextlib.closing(psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user="yellow_super")) as session:
            session.cursor().execute(statement)
            yield session

    def waits_for_lock(self):
        return self.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename IN ('yellow_ingest_out', 'yellow_engine')")

    def test_a_run_that_is_open_makes_it_fail(self):
        request = self.ready("Late.")
        batch = int(self.last_batch())
        runs = f"SELECT count(*) FROM yellow.run WHERE transformer = '{TRANSFORM}'"
        before = int(self.one(runs))
        with self.holding("LOCK TABLE dp_main.shop__customers IN ACCESS EXCLUSIVE MODE"):
            self.assertEqual(self.office.yellow("runs", "retry", "MaskShop").status, 0)
            self.wait(lambda: self.sql("SELECT 1 FROM yellow.run WHERE state = 'launched'"))
            self.activate(request)
            time.sleep(5)
            self.assertEqual(self.office.did("bob", "show", request["id"])["operation"]["state"], "due")
        operation = self.outcome(request)
        self.assertEqual((operation["state"], operation["outcome"]["code"]), ("failed", "run_since"))
        self.assertEqual((int(self.one(runs)), int(self.last_batch())), (before + 1, batch + 1))
        self.assertNotIn("Late.", self.names())

    def test_a_second_repair_does_not_take_in_what_the_first_has_emptied(self):
        first = self.ready("Once.")
        second = self.approved()
        batch = int(self.last_batch())
        for request in (first, second):
            self.activate(request)
        self.is_done_once(first, batch, "Once.")
        operation = self.outcome(second)
        self.assertEqual((operation["state"], operation["outcome"]["code"]), ("failed", "run_since"))
        self.assertEqual(int(self.last_batch()), batch + 1)
        self.assertIn("Once.", self.names())

    def test_tables_that_an_erasure_has_emptied_are_not_taken_in(self):
        request = self.ready("Gone.")
        batch = int(self.last_batch())
        self.sql(f"INSERT INTO yellow.event (kind, node, actor, detail) VALUES ('outputs_emptied', '{STREAM}', 'alice', 'under a request that was rolled back')")
        self.activate(request)
        operation = self.outcome(request)
        self.assertEqual((operation["state"], operation["outcome"]["code"]), ("failed", "erased_since"))
        self.assertEqual(int(self.last_batch()), batch)

    def test_it_goes_before_a_run_that_is_due(self):
        request = self.ready("First.")
        batch = int(self.last_batch())
        self.sql(f"BEGIN; {self.activation(request)} UPDATE yellow.transformer SET requested_at = clock_timestamp() WHERE key = '{TRANSFORM}'; COMMIT;")
        self.assertEqual(self.outcome(request)["state"], "done")
        self.wait(lambda: int(self.last_batch()) == batch + 2)
        self.assertEqual([(number, by) for number, by in self.sql(
            f"SELECT output_batch - {batch}, coalesce(request, '') FROM yellow.run WHERE transformer = '{TRANSFORM}' AND output_batch > {batch} ORDER BY 1")], [("1", request["id"]), ("2", "")])
        self.quiet()

    def test_who_still_writes_is_waited_for(self):
        request = self.ready("Early.")
        batch = int(self.last_batch())
        with self.holding(f"UPDATE {TABLE} SET lastname = 'Later.' WHERE lastname = 'Early.'") as session:
            self.activate(request)
            self.wait(self.waits_for_lock)
            time.sleep(12)  # longer than it waits at once
            self.is_not_done(request, batch)
            session.commit()
        self.is_done_once(request, batch, "Later.")

    def test_revoked_while_it_is_at_work(self):
        request = self.ready("Revoked.")
        batch = int(self.last_batch())
        with self.holding(f"UPDATE {TABLE} SET lastname = lastname WHERE lastname = 'Revoked.'"):
            self.activate(request)
            self.wait(self.waits_for_lock)
            self.office.did("bob", "revoke", request["id"])
        self.office.wait_for(request, "in_review")
        time.sleep(3)
        self.is_not_done(request, batch)
        self.assertEqual(self.outcome(request)["outcome"]["code"], "not_done")

    def test_revoked_or_over_before_it_is_begun(self):
        for end in ("SELECT yellow_access.finish('{id}', 'bob', 'revoked', 'not this one');",
                    "UPDATE yellow_access.request SET expires_at = clock_timestamp() WHERE id = '{id}';"):
            request = self.ready("Never.")
            batch = int(self.last_batch())
            self.office.stop_service()
            self.sql(f"BEGIN; {self.activation(request)} {end.format(id=request['id'])} COMMIT;")
            self.office.start_service()
            self.office.wait_for(request, "in_review")
            time.sleep(3)
            self.is_not_done(request, batch)
            operation = self.outcome(request)
            self.assertEqual((operation["state"], operation["began_at"], operation["outcome"]["code"]), ("failed", None, "not_done"))

    def test_by_one_of_two_that_serve(self):
        other = self.office.base / "other.sock"
        first, self.office.socket = self.office.socket, other
        service, self.office.service = self.office.service, None
        self.office.start_service()
        self.office.socket = first
        self.addCleanup(setattr, self.office, "service", service)
        self.addCleanup(self.office.stop_service)
        for number in range(3):
            request = self.ready(f"Both{number}.")
            batch = int(self.last_batch())
            self.activate(request)
            self.is_done_once(request, batch, f"Both{number}.")
            self.assertEqual(self.one(f"SELECT count(*) FROM yellow_access.audit WHERE request = '{request['id']}' AND action = 'access.operation_begin'"), "1")

    def test_one_of_another_host_is_taken_over_when_its_lease_is(self):
        request = self.ready("Far.")
        batch = int(self.last_batch())
        self.sql(f"BEGIN; {self.activation(request)} UPDATE yellow_access.operation SET state = 'begun', holder = 'elsewhere:1:1', "
                 f"lease_until = clock_timestamp() + interval '6 seconds' WHERE request = '{request['id']}'; COMMIT;")
        time.sleep(4)
        self.is_not_done(request, batch)
        self.is_done_once(request, batch, "Far.")
        said = self.office.sql("MergeDB", f"SELECT holder FROM yellow_access.operation WHERE request = '{request['id']}'")
        self.assertNotEqual(said, [("elsewhere:1:1",)])

    def test_another_scheduler_starts_the_runs(self):
        local = self.office.root / "environments/local.yaml"
        text = local.read_text()
        for scheduler in ("airflow", "yellow"):
            local.write_text(text.replace("scheduler: yellow", f"scheduler: {scheduler}"))
            self.assertEqual(self.office.yellow("apply").status, 0)
            request = self.ready(f"By {scheduler}.")
            batch = int(self.last_batch())
            self.activate(request)
            self.is_done_once(request, batch, f"By {scheduler}.")
            self.quiet() if scheduler == "yellow" else None


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class RightsTest(Repairs):
    """Who has not been let in tries to have it done, or to see and write what it is done with."""

    def as_login(self, login, statement):
        try:
            return self.sql(f"SET SESSION AUTHORIZATION {login}; {statement}")
        except AssertionError as refused:
            return str(refused)

    def test_one_approver_is_not_enough(self):
        request = self.office.ask(scope="op:reingest:MaskShop", ticket=self.ticket())
        self.office.approve(request, "bob")
        self.assertEqual(self.office.access("bob", "approve", request["id"], "--content", request["content"]).status, 1)
        refused = self.office.access("alice", "activate", request["id"])
        self.assertEqual(refused.status, 1, refused)
        self.assertEqual(self.sql(f"SELECT 1 FROM yellow_access.operation WHERE request = '{request['id']}'"), [])

    def test_what_is_not_active_is_not_begun(self):
        request = self.approved()
        for login in ("yellow_engine", "yellow_ingest_out"):
            self.assertEqual(self.as_login(login, f"SELECT yellow_access.operation_begin('{request['id']}', 'x:1:1', '')"), [("f",)])
            self.assertIn("another has taken it over", self.as_login(login, f"SELECT yellow_access.operation_end('{request['id']}', 'x:1:1', true, '{{}}')"))
            self.assertEqual(self.as_login(login, f"SELECT yellow_access.operation_renew('{request['id']}', 'x:1:1')"), [("f",)])
            for statement in (f"INSERT INTO yellow_access.operation (request) VALUES ('{request['id']}')", "SELECT 1 FROM yellow_access.operation", "DELETE FROM yellow_access.operation",
                              f"UPDATE yellow_access.request SET state = 'active' WHERE id = '{request['id']}'", "SELECT yellow_access.operation_due()"):
                self.assertIn("permission denied", self.as_login(login, statement), (login, statement))
        self.assertEqual(self.office.state(request), "approved")

    def test_the_functions_of_others_are_not_called(self):
        request = self.approved()
        calls = (f"SELECT yellow_access.operation_begin('{request['id']}', 'x:1:1', '')", f"SELECT yellow_access.operation_end('{request['id']}', 'x:1:1', true, '{{}}')",
                 f"SELECT yellow_access.operation_renew('{request['id']}', 'x:1:1')", "SELECT yellow_access.operations_open()")
        fill = "SELECT yellow_op.dt_fill('dp_main', 'dt_shopmasked__customers')"
        writer = self.login("dt_write:MaskShop")
        for login in ("yellow_access", "yellow_migrator", "yellow_run", "yellow_tmp", writer):
            for call in calls:
                self.assertIn("permission denied", self.as_login(login, call), (login, call))
        for login in ("yellow_access", "yellow_migrator", "yellow_engine", "yellow_ingest_out", "yellow_run", "yellow_dt_maskshop"):
            self.assertIn("permission denied", self.as_login(login, fill), login)

    def login(self, scope):
        request = self.office.active(scope=scope, ticket=self.ticket())
        self.assertIsInstance(self.office.as_service(f"SELECT yellow_sec.tmp_open('{request['id']}', '{verifier('secret')}')"), list)
        return f"yellow_tmp_{request['id']}"

    def fill(self, login, table):
        """By a session of that very login."""
        info = self.office.server()
        with contextlib.closing(psycopg2.connect(host=info["host"], port=info["port"], dbname="merge", user=login, password="secret")) as session, session.cursor() as cursor:
            try:
                cursor.execute("SELECT yellow_op.dt_fill('dp_main', %s)", (table,))
                return cursor.fetchall()
            except psycopg2.Error as refused:
                return str(refused)

    def test_a_table_is_filled_for_who_may_write_it_only(self):
        writer, other, reader = self.login("dt_write:MaskShop"), self.login("dt_write:Names"), self.login("ws_read:Analysts")
        for login in (other, reader, "yellow_tmp"):
            if login != "yellow_tmp":
                self.assertIn("only who has been given dt_write", self.fill(login, "dt_shopmasked__customers"), login)
        for table in ("shop__customers", "shopmasked__customers", "stg__shop__customers", "dt_shop__customers"):
            self.assertIn("not a plain output table", self.fill(writer, table), table)
        # Not while somebody else writes there, nor over what stands there, nor into what a run is about to write.
        self.sql(f"INSERT INTO {TABLE} (id, firstname, lastname) VALUES ('x', 'x', 'x')")
        self.assertIn("is not empty", self.fill(writer, "dt_shopmasked__customers"))
        self.sql(f"TRUNCATE {TABLE}")
        self.sql(f"INSERT INTO yellow.run (id, transformer, state, mode, definition, model_version, cause, holder) SELECT 'aa', key, 'launched', 'full', 'x', 1, 'x', 'x' FROM yellow.transformer WHERE key = '{TRANSFORM}'")
        self.addCleanup(self.sql, "DELETE FROM yellow.run WHERE id = 'aa'")
        self.assertIn("a run of MaskShop is at work", self.fill(writer, "dt_shopmasked__customers"))
        self.sql("DELETE FROM yellow.run WHERE id = 'aa'")
        self.assertIsInstance(self.fill(writer, "dt_shopmasked__customers"), list)
        # A request that has ended opens nothing, even to a session that is still there.
        request = writer.removeprefix("yellow_tmp_")
        self.sql(f"UPDATE yellow_access.request SET state = 'released' WHERE id = '{request}'")
        said = self.fill(writer, "dt_shopmasked__customers")
        self.assertRegex(said, "only who has been given dt_write|authentication failed|not permitted to log in|does not exist")

    def test_a_table_that_is_more_than_one_is_not_taken_in(self):
        self.sql("CREATE FUNCTION public.caught() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN CREATE TABLE public.caught_as AS SELECT session_user AS who; RETURN NULL; END'")
        self.addCleanup(self.sql, "DROP FUNCTION public.caught() CASCADE; DROP TABLE IF EXISTS public.caught_as")
        before = self.last_batch()
        for make, undo in ((f"CREATE TRIGGER caught AFTER TRUNCATE ON {TABLE} EXECUTE FUNCTION public.caught()", f"DROP TRIGGER caught ON {TABLE}"),
                           (f"CREATE RULE caught AS ON DELETE TO {TABLE} DO ALSO SELECT 1", f"DROP RULE caught ON {TABLE};\nVACUUM {TABLE}"),
                           (f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY", f"ALTER TABLE {TABLE} DISABLE ROW LEVEL SECURITY"),
                           (f"ALTER TABLE {TABLE} RENAME TO hidden; CREATE VIEW {TABLE} AS SELECT * FROM dp_main.shop__customers", f"DROP VIEW {TABLE}; ALTER TABLE dp_main.hidden RENAME TO dt_shopmasked__customers")):
            self.sql(make)
            try:
                _, operation = self.repair()
            finally:
                self.sql(undo)
            self.assertEqual(operation["state"], "failed", make)
            self.assertIn("not a plain output table", operation["outcome"]["reason"], make)
        self.assertEqual(self.last_batch(), before)
        self.assertEqual(self.sql("SELECT to_regclass('public.caught_as')"), [(None,)])


if __name__ == "__main__":
    unittest.main()
